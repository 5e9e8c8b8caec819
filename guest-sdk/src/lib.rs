//! What an author of a Capstan provider depends on.
//!
//! A provider is a WebAssembly component that knows one system. It says how to look at a thing and how to create, update
//! and delete it; [`External`] is that in Rust. Everything else (watches, queues, retries, finalizers, conditions, events,
//! policies) is the host's. This is a complete provider, which keeps a greeting in a `ConfigMap`:
//!
//! ```
//! use capstan_sdk::{
//!     Change, Creation, External, Kind, Managed, Observation, Result, Value,
//!     cluster::{self, ObjectRef},
//!     crd, info, json,
//! };
//! use serde::Deserialize;
//!
//! /// `kind: Greeting`, of which this is the `spec`.
//! #[derive(Deserialize)]
//! struct Spec {
//!     who: String,
//! }
//!
//! /// One greeting: the `ConfigMap` that holds it.
//! struct Greeting {
//!     target: ObjectRef,
//!     desired: Value,
//! }
//!
//! impl External for Greeting {
//!     const KIND: Kind = crd!("samples/greetings.yaml");
//!     const RECOVERABLE: bool = true; // the ConfigMap's name follows from the object's
//!     type Spec = Spec;
//!
//!     fn connect(object: &Managed<Spec>) -> Result<Self> {
//!         Ok(Self {
//!             target: object.beside("v1", "ConfigMap", format!("greeting-{}", object.name())),
//!             desired: json!({"data": {"text": format!("Hello, {}!", object.spec.who)}}),
//!         })
//!     }
//!
//!     fn observe(&mut self, _: &Managed<Spec>) -> Result<Observation> {
//!         let Some(actual) = cluster::find::<Value>(&self.target)? else { return Ok(Observation::missing()) };
//!         Ok(Observation::compare(&self.desired, &actual).ready())
//!     }
//!
//!     fn create(&mut self, _: &Managed<Spec>) -> Result<Creation> {
//!         cluster::apply(&self.target, self.desired.clone())?;
//!         info!("wrote {}", self.target);
//!         Ok(Creation::done())
//!     }
//!
//!     fn update(&mut self, _: &Managed<Spec>) -> Result<Change> {
//!         cluster::apply(&self.target, self.desired.clone())?;
//!         Ok(Change::done())
//!     }
//!
//!     fn delete(&mut self, _: &Managed<Spec>) -> Result<()> {
//!         Ok(cluster::delete(&self.target)?)
//!     }
//! }
//!
//! capstan_sdk::export! {
//!     name: "hello",
//!     version: env!("CARGO_PKG_VERSION"),
//!     needs: "samples/grants.yaml",
//!     kinds: [Greeting],
//! }
//! # fn main() {
//! #     use capstan_sdk::testing::{Action, Host};
//! #     let host = Host::new();
//! #     let greeting = host.put(json!({
//! #         "apiVersion": "hello.example.org/v1", "kind": "Greeting",
//! #         "metadata": {"name": "a", "namespace": "n"}, "spec": {"who": "world"},
//! #     }));
//! #     assert_eq!(host.reconcile(&PROVIDER, &greeting).unwrap().action, Action::Create);
//! #     assert_eq!(host.reconcile(&PROVIDER, &greeting).unwrap().action, Action::Nothing);
//! #     let written = host.object(&ObjectRef::new("v1", "ConfigMap", "greeting-a").in_namespace("n")).unwrap();
//! #     assert_eq!(written["data"]["text"], "Hello, world!");
//! # }
//! ```
//!
//! The crate is built with `crate-type = ["cdylib", "rlib"]` for the target `wasm32-wasip2`; `cargo test` runs the same
//! code natively on [`testing::Host`], a cluster in memory.
//!
//! | for | see |
//! |---|---|
//! | the object being reconciled | [`Managed`] |
//! | what was found | [`Observation`], [`Difference`], [`equal`](fn@equal) |
//! | what went wrong, and `?` | [`Failure`], [`OrFail`] |
//! | objects in the cluster | [`cluster`] |
//! | requests to other systems, and their secrets | [`http`], [`credentials`] |
//! | what the administrator configured | [`config`] |
//! | log lines, events | [`mod@log`], [`events`] |
//! | the CRD and the grants | [`crd!`], [`export!`] |
//! | tests | [`testing`] |

// The macros name this crate by its public name; here they are used by its own tests.
extern crate self as capstan_sdk;

mod difference;
mod equal;
mod export;
mod external;
mod failure;
mod json_error;
mod kind;
mod managed;
mod observation;
mod provider;

pub mod cluster;
pub mod config;
pub mod credentials;
pub mod events;
pub mod http;
pub mod log;

#[cfg(target_arch = "wasm32")]
mod abi;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

/// Calls to the host: those of the contract in a component, the in-memory host elsewhere.
#[cfg(target_arch = "wasm32")]
use abi::imports as host;
#[cfg(not(target_arch = "wasm32"))]
use testing::imports as host;

pub use self::{
    difference::Difference,
    equal::equal,
    external::External,
    failure::{Failure, OrFail, Problem, Result},
    json_error::{JsonError, without_place},
    kind::Kind,
    managed::{Managed, Metadata},
    observation::{Change, Creation, Observation, Readiness},
    provider::{ManagedKind, Provider},
};
/// The [`Kind`] that a `CustomResourceDefinition` defines: `crd!("crds/greetings.yaml")`, with the path relative to the
/// folder of `Cargo.toml`. One that serves several versions needs the managed one named: `crd!("crds/x.yaml", "v1")`.
///
/// The file is read, checked and turned into JSON by the compiler. It refuses what would only show in a cluster: a name
/// that does not fit group and plural, a missing schema, a missing status subresource.
pub use capstan_sdk_macros::crd;
pub use serde_json::{self, Value, json};

#[doc(hidden)]
pub use capstan_sdk_macros::yaml_object as __yaml_object;

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub use self::abi::{Exported as __Exported, bindings as __bindings};
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub use wit_bindgen::rt as __wit_bindgen;
