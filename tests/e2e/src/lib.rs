//! What end-to-end scenarios need: an API server, a host process, and a way to look at objects.

mod built;
mod cli;
mod collector;
mod host;
mod kubelet;
mod lines;
mod objects;
mod probe;
mod proxy;
mod server;
mod tls_front;
mod tunnel;
mod wall_clock;

pub use built::{plugin, program};
pub use cli::{capstan, command, package_rights};
pub use collector::{Collector, Span};
pub use host::{HostProcess, Signal};
pub use kubelet::play_kubelet;
pub use lines::Lines;
pub use objects::{Objects, condition, eventually};
pub use probe::probe;
pub use proxy::{Accepted, Creates, Faults, Proxy};
pub use server::{Embedded, Server, ServerKind, output};
pub use tls_front::TlsFront;
pub use tunnel::{Passed, Tunnel};
pub use wall_clock::{WALL_CLOCKS_CAN_BE_OFF, wall_clock_off_by};
