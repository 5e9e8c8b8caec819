//! An embedded Kubernetes API server for development, demos and fast tests.
//!
//! It is in process, and in memory unless it is [opened](DevCluster::open) in a directory: [`DevCluster::router`] makes a service that a `kube::Client` can call without a socket,
//! [`DevCluster::serve_tls`] offers the same on a TCP listener for `kubectl` and others, over HTTP/2 or HTTP/1.1, and
//! [`DevCluster::serve`] without TLS.
//!
//! It follows kube-apiserver 1.37 in what controllers depend on: discovery, CRDs with structural schemas, resource
//! versions, watches, patches, server-side apply with field ownership, CEL rules, finalizers, garbage collection by
//! owner reference and the end of namespaces. It has no authentication (whoever impersonates somebody may, and is the same to it as
//! everybody else but in a `SelfSubjectReview`), no admission webhooks and no controllers beside
//! those; a request for what it does not do is refused. Garbage collection and the like happen before a write is answered.
//!
//! Fields of built-in kinds are known by name and type, and unknown ones are treated as `fieldValidation` says. Which values make
//! sense is checked for `ConfigMap`s, Secrets, Leases, events and definitions only: a Deployment whose selector
//! does not fit its template is taken here.
//!
//! Nothing runs here. The status of a Deployment, `StatefulSet`, `ReplicaSet`, `DaemonSet`, Job or Pod becomes what a healthy
//! cluster would end with as soon as its desired state is written, but no Pods are made for it, and Pods have neither a
//! node nor an address. A status that somebody else writes stays until the desired state changes.
//!
//! Bodies are JSON, YAML, or for built-in kinds protobuf, as `kubectl create` sends it; answers are JSON or YAML.

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
mod kubeconfig;
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
mod tls;
mod watch;
mod write;

pub use server::{DevCluster, Options};
pub use store::OpenError;
pub use tls::{Identity, IdentityError};
