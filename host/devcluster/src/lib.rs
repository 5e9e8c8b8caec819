//! An embedded Kubernetes API server for development, demos and fast tests.
//!
//! It is in process, and in memory unless it is [opened](DevCluster::open) in a directory: [`DevCluster::router`] makes a service that a `kube::Client` can call without a socket,
//! [`DevCluster::serve`] offers the same on a TCP listener for `kubectl` and others.
//!
//! It follows kube-apiserver 1.37 in what controllers depend on: discovery, CRDs with structural schemas, resource
//! versions, watches, patches, server-side apply with field ownership, finalizers, garbage collection by owner
//! reference and the end of namespaces. It has no authentication, no admission webhooks and no controllers beside
//! those; what it does not do it refuses. Garbage collection and the like happen before a write is answered.

mod api;
mod apply;
mod builtin;
mod cluster;
mod crd;
mod discovery;
mod encode;
mod event_expiry;
mod events_view;
mod field_error;
mod object;
mod openapi;
mod patch;
mod registry;
mod request;
mod resource;
mod schema;
mod selector;
mod server;
mod settle;
mod status;
mod store;
mod table;
mod watch;
mod write;

pub use server::{DevCluster, Options};
pub use store::OpenError;
