//! Talking to Kubernetes: how kinds are served, objects as they were received, reads and writes, watches that are shared
//! by all who need them, and leases that say who may write.

mod client;
mod error;
mod fence;
mod flow;
pub mod lease;
mod metrics;
mod object;
mod path;
mod readable;
mod request;
mod resource;
mod selection;
mod transport;
mod watch;

#[cfg(test)]
mod fake;

pub use client::{Cluster, Manner, Metadata, MetadataPage, Patch, Walk};
pub use error::{Clash, Error, FieldOwner};
pub use fence::Fence;
pub use flow::{Flow, Rate};
pub use object::{Object, ObjectError};
pub use resource::Resource;
pub use selection::{Reach, Selection};
pub use watch::{Change, ListedWatch, Store, Subscription, Watches};
