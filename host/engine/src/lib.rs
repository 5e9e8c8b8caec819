//! Queue, runner and the managed lifecycle. Knows neither wasmtime nor HTTP.
//!
//! The way of a change: a [`Controller`] hears of it from its watch, its [`queue`] says when the object is due, the
//! [`runner`] gives it a slot, and the managed lifecycle asks an [`ExternalSystem`] what to do about it.

#[cfg(feature = "fuzz")]
pub mod boundary;
mod controller;
mod dependencies;
mod external;
mod inspection;
mod loops;
mod managed;
mod mapping;
mod metrics;
mod panic;
pub mod queue;
mod reads;
pub mod runner;

pub use controller::{Controller, ControllerConfig, Listed, Resync, Shared};
pub use external::{
    Change, Context, Creation, Difference, ExternalSession, ExternalSystem, Failure, Observation, Problem, Readiness,
    Retry,
};
pub use inspection::{ControllerQueue, Queues};
pub use managed::{Counters, DISCONNECT_PATIENCE, Outcome, Pause, PollLimits, WallClock};
pub use mapping::{KeysOf, Mapping};
pub use metrics::Metrics;
pub use panic::panic_message;
pub use reads::{Read, Reads, Seen};
