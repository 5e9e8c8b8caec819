//! What the host, or Krateo's runtime before it, has written on an object about what was done for it.

use capstan_sdk::{Managed, Value};

/// When the host was about to have the resource created (RFC 3339, seconds).
const PENDING: &str = "krateo.io/external-create-pending";
/// When a creation was last known to have succeeded.
const SUCCEEDED: &str = "krateo.io/external-create-succeeded";
/// When a creation was last known to have failed.
const FAILED: &str = "krateo.io/external-create-failed";

/// What was done for one object.
#[derive(Clone, Copy, Debug)]
pub struct History<'a> {
    pending: Option<&'a str>,
    succeeded: Option<&'a str>,
    failed: Option<&'a str>,
    conditions: &'a Value,
    deleting: bool,
}

impl<'a> History<'a> {
    /// That of this object.
    #[must_use]
    pub fn of<S>(object: &'a Managed<S>) -> Self {
        Self {
            pending: object.annotation(PENDING),
            succeeded: object.annotation(SUCCEEDED),
            failed: object.annotation(FAILED),
            conditions: &object.status["conditions"],
            deleting: object.is_being_deleted(),
        }
    }

    /// Whether what the object stands for was there before: a creation was begun, or it was seen (by Krateo's provider, which
    /// records nothing else).
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.began() || self.condition("Ready")["status"] == "True"
    }

    /// Whether it is no news that what the object stands for exists: it was there before, or is about to go.
    #[must_use]
    pub fn is_managed(&self) -> bool {
        self.is_known() || self.deleting
    }

    /// Whether GitHub has accepted its deletion, which was not in doubt since.
    #[must_use]
    pub fn was_deleted(&self) -> bool {
        let (ready, synced) = (self.condition("Ready"), self.condition("Synced"));
        // With a message the deletion waits for something, and with `Synced` at false it failed.
        let asked = ready["reason"] == "Deleting" && ready["message"].as_str().unwrap_or_default().is_empty();
        self.deleting && asked && synced["status"] == "True"
    }

    fn condition(&self, kind: &str) -> &'a Value {
        let mut conditions = self.conditions.as_array().into_iter().flatten();
        conditions.find(|condition| condition["type"] == kind).unwrap_or(&Value::Null)
    }

    /// Whether a creation was begun that is not known to have failed: what is found then is ours, even if its end was never
    /// recorded. After a failure it may as well be somebody else's, who was quicker.
    #[must_use]
    pub fn began(&self) -> bool {
        self.pending_after(self.failed).is_some()
    }

    /// When the creation was begun of which nothing more is known. It may have made what is found; after its end, only what
    /// was recorded then is ours.
    #[must_use]
    pub fn unclear_since(&self) -> Option<&'a str> {
        self.pending_after(self.succeeded.max(self.failed))
    }

    fn pending_after(&self, ended: Option<&str>) -> Option<&'a str> {
        // All are written by the host in one form of fixed length, so they order like the times they tell.
        self.pending.filter(|pending| ended.is_none_or(|ended| ended < *pending))
    }
}

#[cfg(test)]
mod tests {
    use capstan_sdk::json;

    use super::*;

    const NONE: History<'_> =
        History { pending: None, succeeded: None, failed: None, conditions: &Value::Null, deleting: false };

    #[test]
    fn what_was_begun_and_did_not_fail_is_ours() {
        let began = |pending, failed| History { pending, failed, ..NONE }.began();
        assert!(!began(None, None));
        assert!(began(Some("2026-01-01T00:00:01Z"), None));
        assert!(began(Some("2026-01-01T00:00:02Z"), Some("2026-01-01T00:00:01Z")), "it was tried again since");
        assert!(!began(Some("2026-01-01T00:00:01Z"), Some("2026-01-01T00:00:01Z")));
    }

    #[test]
    fn a_creation_is_unclear_until_its_end_is_recorded() {
        let (t1, t2) = ("2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z");
        let since = |succeeded, failed| History { pending: Some(t2), succeeded, failed, ..NONE }.unclear_since();
        assert_eq!(NONE.unclear_since(), None);
        for earlier in [None, Some(t1)] {
            assert_eq!(since(earlier, earlier), Some(t2));
            assert_eq!(since(Some(t2), earlier), None);
            assert_eq!(since(earlier, Some(t2)), None);
        }
    }

    fn conditions(ready: &Value, synced: &str) -> Value {
        json!([{"type": "Synced", "status": synced}, ready])
    }

    #[test]
    fn what_was_ready_before_is_no_news() {
        let ready = |status: &str| conditions(&json!({"type": "Ready", "status": status}), "True");
        assert!(!NONE.is_managed());
        assert!(History { conditions: &ready("True"), ..NONE }.is_managed());
        assert!(!History { conditions: &ready("False"), ..NONE }.is_managed());
        assert!(History { deleting: true, ..NONE }.is_managed());
        assert!(!History { deleting: true, ..NONE }.is_known(), "it may never have been there");
    }

    #[test]
    fn a_deletion_that_waits_or_failed_was_not_accepted() {
        let deleted = |message: &str, synced: &str, deleting| {
            let ready = json!({"type": "Ready", "status": "False", "reason": "Deleting", "message": message});
            History { conditions: &conditions(&ready, synced), deleting, ..NONE }.was_deleted()
        };
        assert!(deleted("", "True", true));
        assert!(!deleted("", "False", true), "it failed");
        assert!(!deleted("waiting for other finalizers: a", "True", true), "it was not asked for yet");
        assert!(!deleted("", "True", false), "of an object that was there before");
    }
}
