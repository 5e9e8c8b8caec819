//! Talking to Kubernetes: how kinds are served, objects as they were received, reads and writes, and watches that are
//! shared by all who need them.

mod client;
mod error;
mod flow;
mod metrics;
mod object;
mod path;
mod request;
mod resource;
mod selection;
mod transport;
mod watch;

#[cfg(test)]
mod fake;

pub use client::{Cluster, Patch};
pub use error::{Clash, Error, FieldOwner};
pub use flow::{Flow, Rate};
pub use object::{Object, ObjectError};
pub use resource::Resource;
pub use selection::{Reach, Selection};
pub use watch::{Change, Store, Subscription, Watches};
