//! Server-side apply: who owns which field, and what an apply changes.

pub(crate) mod changes;
mod compare;
mod conflict;
mod field_set;
mod managed;
mod merge;
mod owned;
mod typed;

pub(crate) use changes::ApplyError;
pub(crate) use managed::{Manager, Operation};
pub(crate) use owned::item_name;
