//! Conditions of managed objects: those of Krateo's provider-runtime, with `observedGeneration` added.

use serde::{Deserialize, Serialize};

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// It holds.
    True,
    /// It does not.
    False,
    /// Nobody knows.
    Unknown,
}

/// One condition of an object, in the shape of `metav1.Condition`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// `Ready`, `Synced`, or one of somebody else's.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it holds.
    pub status: Status,
    /// Why, as one CamelCase word of few values.
    #[serde(default)]
    pub reason: String,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// When status, reason or message last changed (RFC 3339, seconds). Set by [`Conditions::set`].
    #[serde(default)]
    pub last_transition_time: String,
    /// The generation of the object that this was found out about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

/// Does the object exist outside and work?
pub(crate) const READY: &str = "Ready";
/// Did the last reconcile reach its end?
pub(crate) const SYNCED: &str = "Synced";

impl Condition {
    pub(crate) fn new(kind: &str, status: Status, reason: &str, message: impl Into<String>) -> Self {
        Self {
            kind: kind.to_owned(),
            status,
            reason: reason.to_owned(),
            message: message.into(),
            last_transition_time: String::new(),
            observed_generation: None,
        }
    }

    /// `Ready=True Available`.
    #[must_use]
    pub fn available() -> Self {
        Self::new(READY, Status::True, "Available", "")
    }

    /// `Ready=False`; an empty reason becomes `Unavailable`.
    #[must_use]
    pub fn unavailable(reason: &str, message: &str) -> Self {
        Self::new(READY, Status::False, if reason.is_empty() { "Unavailable" } else { reason }, message)
    }

    /// `Ready=False Creating`.
    #[must_use]
    pub fn creating() -> Self {
        Self::new(READY, Status::False, "Creating", "")
    }

    /// `Ready=False Deleting`.
    #[must_use]
    pub fn deleting() -> Self {
        Self::new(READY, Status::False, "Deleting", "")
    }

    /// `Synced=True ReconcileSuccess`.
    #[must_use]
    pub fn reconcile_success() -> Self {
        Self::new(SYNCED, Status::True, "ReconcileSuccess", "")
    }

    /// `Synced=False`; an empty reason becomes `ReconcileError`.
    #[must_use]
    pub fn reconcile_error(reason: &str, message: impl Into<String>) -> Self {
        Self::new(SYNCED, Status::False, if reason.is_empty() { "ReconcileError" } else { reason }, message)
    }

    /// `Synced=False ReconcilePaused`.
    #[must_use]
    pub fn reconcile_paused() -> Self {
        Self::new(SYNCED, Status::False, "ReconcilePaused", "")
    }

    fn says_the_same_as(&self, other: &Self) -> bool {
        self.status == other.status && self.reason == other.reason && self.message == other.message
    }
}

/// The conditions of one object, at most one of each type, in the order they first appeared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Conditions(Vec<Condition>);

impl Conditions {
    /// The condition of a type.
    #[must_use]
    pub fn get(&self, kind: &str) -> Option<&Condition> {
        self.0.iter().find(|condition| condition.kind == kind)
    }

    /// Puts a condition in. As in provider-runtime, the transition time moves when status, reason or message differ;
    /// a condition that says the same keeps its time, and only `observedGeneration` follows the object.
    ///
    /// True if it was a transition: a change of status, reason or message.
    pub fn set(&mut self, mut condition: Condition, generation: Option<i64>, now: &str) -> bool {
        condition.observed_generation = generation;
        let Some(old) = self.0.iter_mut().find(|old| old.kind == condition.kind) else {
            now.clone_into(&mut condition.last_transition_time);
            self.0.push(condition);
            return true;
        };
        let transition = !old.says_the_same_as(&condition);
        if transition {
            now.clone_into(&mut condition.last_transition_time);
        } else {
            condition.last_transition_time.clone_from(&old.last_transition_time);
        }
        *old = condition;
        transition
    }

    /// Takes the condition of a type out.
    pub fn remove(&mut self, kind: &str) {
        self.0.retain(|condition| condition.kind != kind);
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Condition> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_again_is_no_transition_but_follows_the_generation() {
        let mut conditions = Conditions::default();
        assert!(conditions.set(Condition::available(), Some(1), "t1"));
        assert!(!conditions.set(Condition::available(), Some(2), "t2"));
        let ready = conditions.get("Ready").unwrap();
        assert_eq!((ready.last_transition_time.as_str(), ready.observed_generation), ("t1", Some(2)));
    }

    #[test]
    fn another_message_is_a_transition() {
        let mut conditions = Conditions::default();
        conditions.set(Condition::reconcile_error("", "one"), None, "t1");
        assert!(conditions.set(Condition::reconcile_error("", "two"), None, "t2"));
        assert_eq!(conditions.get("Synced").unwrap().last_transition_time, "t2");
        assert_eq!(conditions.iter().count(), 1);
    }
}
