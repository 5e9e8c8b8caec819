//! What a provider did, for assertions.

use serde_json::Value;

use crate::{
    cluster::{ObjectRef, Patch, Selection},
    events::Kind,
    log::Level,
};

/// Kinds of calls to the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Read one.
    Get,
    /// Read many.
    List,
    /// Make one.
    Create,
    /// Change one.
    Patch,
    /// Find out what a change would do.
    DryRun,
    /// Delete one.
    Delete,
}

/// A call to the cluster.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// One object was asked for.
    Get(ObjectRef),
    /// Many objects were asked for.
    List(Selection),
    /// This object was to be made.
    Create(Value),
    /// An object was to be changed, or that was to be tried.
    Patch(ObjectRef, Patch),
    /// An object was to be deleted.
    Delete(ObjectRef),
}

impl Call {
    /// What kind of call it is.
    #[must_use]
    pub fn verb(&self) -> Verb {
        match self {
            Self::Get(_) => Verb::Get,
            Self::List(_) => Verb::List,
            Self::Create(_) => Verb::Create,
            Self::Patch(_, patch) if patch.dry_run => Verb::DryRun,
            Self::Patch(..) => Verb::Patch,
            Self::Delete(_) => Verb::Delete,
        }
    }
}

/// An event that the provider emitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Normal or warning.
    pub kind: Kind,
    /// Why.
    pub reason: String,
    /// What was done.
    pub action: String,
    /// For people.
    pub note: String,
}

/// A log line that the provider wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How much it matters.
    pub level: Level,
    /// The message.
    pub message: String,
    /// Names and values.
    pub fields: Vec<(String, String)>,
}
