//! Recording Kubernetes events.
//!
//! They are written as `events.k8s.io/v1`, which readers of `v1` events see as well. Recording never blocks; a task of
//! its own writes them one after the other, folds repetitions into a series, and drains when the host stops.

mod event;
mod max_silence;
mod note;
mod recorder;
mod series;

pub use event::{Event, EventKind, Regarding};
pub use max_silence::{InvalidSilence, MaxSilence};
pub use recorder::{Recorder, Writer};
