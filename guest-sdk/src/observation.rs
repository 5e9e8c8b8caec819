//! What the calls of the lifecycle report.

use serde_json::Value;

use crate::{Difference, Problem};

/// What `observe` found.
///
/// ```
/// use capstan_sdk::{Observation, json};
///
/// let desired = json!({"data": {"text": "new"}});
/// let actual = json!({"data": {"text": "old", "other": "kept"}});
/// let found = Observation::compare(&desired, &actual).status(json!({"text": "old"})).ready();
/// assert!(!found.up_to_date);
/// assert_eq!(found.differences[0].path, "data.text");
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Observation {
    /// Whether the external resource exists.
    pub exists: bool,
    /// Whether it is as the object wants it; meaningless unless it exists.
    pub up_to_date: bool,
    /// Where it is not; may be empty all the same. Shown in the log: no secrets.
    pub differences: Vec<Difference>,
    /// Merge patch for `spec`: what the external system chose and the user left open.
    pub late_initialize: Option<Value>,
    /// Merge patch for `status` without `conditions`, which are the host's.
    pub status: Option<Value>,
    /// What becomes of the condition `Ready`.
    pub readiness: Readiness,
    /// The name that the resource has in its own system, if it was found out; recorded on the object.
    pub external_name: Option<String>,
}

/// What becomes of the condition `Ready`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Readiness {
    /// `Ready=True`.
    Ready,
    /// `Ready=False`; an empty reason becomes `Unavailable`.
    NotReady(Problem),
    /// The provider does not say; the condition is left alone.
    #[default]
    Unknown,
}

impl Observation {
    /// There is nothing yet, or no longer: the host calls `create`, or lets the object go.
    pub fn missing() -> Self {
        Self {
            exists: false,
            up_to_date: false,
            differences: Vec::new(),
            late_initialize: None,
            status: None,
            readiness: Readiness::Unknown,
            external_name: None,
        }
    }

    /// It exists and is as it should be.
    pub fn up_to_date() -> Self {
        Self { exists: true, up_to_date: true, ..Self::missing() }
    }

    /// It exists and differs: the host calls `update`. The list may be empty if the provider knows no details.
    pub fn differs(differences: impl IntoIterator<Item = Difference>) -> Self {
        Self { exists: true, differences: differences.into_iter().collect(), ..Self::missing() }
    }

    /// It exists; it is up to date if it has every value that is desired (see [`Difference::between`]).
    pub fn compare(desired: &Value, actual: &Value) -> Self {
        let differences = Difference::between(desired, actual);
        Self { exists: true, up_to_date: differences.is_empty(), differences, ..Self::missing() }
    }

    /// Sets `Ready=True`.
    pub fn ready(mut self) -> Self {
        self.readiness = Readiness::Ready;
        self
    }

    /// Sets `Ready=False`. `reason` is a `CamelCase` word.
    pub fn not_ready(mut self, reason: impl Into<String>, message: impl Into<String>) -> Self {
        self.readiness = Readiness::NotReady(Problem { reason: reason.into(), message: message.into() });
        self
    }

    /// Merges `patch` into the object's `status`.
    pub fn status(mut self, patch: impl Into<Value>) -> Self {
        self.status = Some(patch.into());
        self
    }

    /// Merges `patch` into the object's `spec`: values that the external system chose and the user left open.
    pub fn late_initialize(mut self, patch: impl Into<Value>) -> Self {
        self.late_initialize = Some(patch.into());
        self
    }

    /// Records the name that the resource has in its own system.
    pub fn external_name(mut self, name: impl Into<String>) -> Self {
        self.external_name = Some(name.into());
        self
    }
}

/// What `create` did.
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use]
pub struct Creation {
    /// The name that the resource has in its own system; recorded on the object.
    pub external_name: Option<String>,
    /// Recorded on the object before anything else happens. The host's own keys are ignored.
    pub annotations: Vec<(String, String)>,
    /// Merge patch for `status` without `conditions`.
    pub status: Option<Value>,
}

impl Creation {
    /// Made, and there is nothing more to say.
    pub fn done() -> Self {
        Self::default()
    }

    /// Records the name that the resource has in its own system.
    pub fn external_name(mut self, name: impl Into<String>) -> Self {
        self.external_name = Some(name.into());
        self
    }

    /// Records an annotation on the object.
    pub fn annotation(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.annotations.push((key.into(), value.into()));
        self
    }

    /// Merges `patch` into the object's `status`.
    pub fn status(mut self, patch: impl Into<Value>) -> Self {
        self.status = Some(patch.into());
        self
    }
}

/// What `update` did.
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use]
pub struct Change {
    /// Merge patch for `status` without `conditions`.
    pub status: Option<Value>,
}

impl Change {
    /// Changed, and there is nothing more to say.
    pub fn done() -> Self {
        Self::default()
    }

    /// Merges `patch` into the object's `status`.
    pub fn status(mut self, patch: impl Into<Value>) -> Self {
        self.status = Some(patch.into());
        self
    }
}
