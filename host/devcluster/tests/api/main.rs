//! The embedded API server, seen by its clients: `kube` in process and over HTTP, and plain requests.

#![allow(missing_docs)]

mod apply;
mod caller;
mod conformance;
mod crds;
mod discovery;
mod http;
mod killed;
mod kube_client;
mod lifecycle;
mod persistence;
mod protobuf;
mod rules;
mod tables;
mod tls;
mod watches;
mod workloads;
