//! Runs providers as WebAssembly components: loads them, gives each reconcile a fresh instance with a budget of time and
//! memory, and lets it do to the cluster what it asked for and was granted.
//!
//! A [`Sandbox`] is made once. It loads bytes into a [`Component`], which describes itself. A [`Guest`] is a component
//! with its grants and budget; the lifecycle knows it as an [`ExternalSystem`](capstan_engine::ExternalSystem). Whatever
//! a guest does ends in an answer, in a failure it reports itself, or in a named [`Outcome`].

// What tests share names this crate as they do from outside.
#[cfg(test)]
extern crate self as capstan_sandbox;

mod answer;
mod bindings;
#[cfg(feature = "fuzz")]
pub mod boundary;
mod budget;
mod classify;
mod cluster;
mod code;
mod component;
mod config;
mod counts;
mod credentials;
mod descriptor;
mod engine;
mod events;
mod gate;
mod guest;
mod http;
mod inspect;
mod instance;
mod limiter;
mod load_error;
mod log;
mod outcome;
mod sandbox;
mod session;
mod settings;
mod spending;
mod spread;
mod state;
#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod support;
mod text;
mod ticker;
mod usage;
mod wasi;

pub use self::http::{Network, NetworkError, NetworkSettings, Resolve, Respond, SystemResolver};
pub use budget::{Budget, Budgets};
pub use code::{CodeSettings, Compilations, CompileError, CompileLimits, Compiler, DirectoryError, compile};
pub use component::Component;
pub use config::ConfigError;
pub use counts::Counts;
pub use descriptor::{Descriptor, ManagedKind};
pub use gate::Granted;
pub use guest::{Guest, Services};
pub use load_error::LoadError;
pub use outcome::{Call, LastSaid, LastWords, Outcome, TimeLimit};
pub use sandbox::{Sandbox, StartError};
pub use settings::Settings;
pub use spending::{Bound, Spent};
pub use usage::Usage;
