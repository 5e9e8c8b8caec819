//! Server-side apply: who owns which field, and what an apply changes.

mod compare;
mod conflict;
mod field_set;
pub(crate) mod managed;
mod merge;
mod owned;

pub(crate) use managed::{ApplyError, Manager, Operation};
