//! The conditions of a `Provider`.

use std::fmt;

use crate::{Condition, Status};

/// The types of its conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProviderCondition {
    /// Whether the newest delivery is in service.
    Loaded,
    /// Whether a build is in service, the newest or the last good one, and works.
    Healthy,
    /// Whether the administrator has paused it.
    Paused,
    /// What its deletion waits for.
    Deleting,
}

impl ProviderCondition {
    /// As it stands in the object.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loaded => "Loaded",
            Self::Healthy => "Healthy",
            Self::Paused => "Paused",
            Self::Deleting => "Deleting",
        }
    }

    /// A condition of this type. `reason` is a CamelCase word of few values.
    #[must_use]
    pub fn is(self, holds: bool, reason: &str, message: impl Into<String>) -> Condition {
        let status = if holds { Status::True } else { Status::False };
        Condition::new(self.as_str(), status, reason, message)
    }
}

impl fmt::Display for ProviderCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
