//! What end-to-end scenarios need: an API server, a host process, and a way to look at objects.

mod built;
mod host;
mod objects;
mod server;

pub use built::{plugin, program};
pub use host::HostProcess;
pub use objects::{Objects, condition, eventually};
pub use server::Server;
