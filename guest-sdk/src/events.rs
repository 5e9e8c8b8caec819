//! Kubernetes events about the object being reconciled, beside those that the host writes itself.
//!
//! Identical events are folded, and their number per reconcile is limited; what is too much is dropped and counted.

use crate::host;

/// How an event is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// For information.
    Normal,
    /// Somebody should look.
    Warning,
}

/// An event for information. `reason` (why) and `action` (what was done) are `CamelCase` words; `note` is for people and
/// is cut at 1,024 bytes.
pub fn normal(reason: &str, action: &str, note: &str) {
    host::emit(Kind::Normal, reason, action, note);
}

/// An event that somebody should look at, otherwise like [`normal`].
pub fn warning(reason: &str, action: &str, note: &str) {
    host::emit(Kind::Warning, reason, action, note);
}
