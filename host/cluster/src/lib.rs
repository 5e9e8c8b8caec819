//! Talking to Kubernetes: resources, objects, watches and writes.
//!
//! [`Cluster`] makes single requests. [`Watches`] follows selections of objects: one watch for all that are interested,
//! with a store that holds each object as the text that the API server sent.

mod cluster;
mod discovery;
mod error;
mod labels;
mod object;
mod path;
mod selection;
mod status;
mod text;
mod transport;
mod watch;

#[cfg(test)]
mod fake;

pub use cluster::{Cluster, Patch};
pub use discovery::Resource;
pub use error::{Clash, Error, FieldOwner};
pub use object::Object;
pub use selection::Selection;
pub use watch::{Cached, Change, Store, Subscription, WatchReport, Watches};
