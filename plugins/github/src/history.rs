//! What the host has written on an object about its creation.

use capstan_sdk::Managed;

/// When the host was about to have the resource created (RFC 3339, seconds).
const PENDING: &str = "krateo.io/external-create-pending";
/// When a creation was last known to have failed.
const FAILED: &str = "krateo.io/external-create-failed";

/// The creations of one object.
#[derive(Clone, Copy, Debug)]
pub struct History<'a> {
    pending: Option<&'a str>,
    failed: Option<&'a str>,
}

impl<'a> History<'a> {
    /// Those of this object.
    #[must_use]
    pub fn of<S>(object: &'a Managed<S>) -> Self {
        Self { pending: object.annotation(PENDING), failed: object.annotation(FAILED) }
    }

    /// Whether a creation was begun that is not known to have failed: what is found then is ours, even if its end was never
    /// recorded. After a failure it may as well be somebody else's, who was quicker.
    #[must_use]
    pub fn began(&self) -> bool {
        self.since().is_some()
    }

    /// When the creation was begun that is not known to have failed.
    #[must_use]
    pub fn since(&self) -> Option<&'a str> {
        // Both are written by the host in one form of fixed length, so they order like the times they tell.
        self.pending.filter(|pending| self.failed.is_none_or(|failed| failed < *pending))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_begun_and_did_not_fail_is_ours() {
        let began = |pending, failed| History { pending, failed }.began();
        assert!(!began(None, None));
        assert!(began(Some("2026-01-01T00:00:01Z"), None));
        assert!(began(Some("2026-01-01T00:00:02Z"), Some("2026-01-01T00:00:01Z")), "it was tried again since");
        assert!(!began(Some("2026-01-01T00:00:01Z"), Some("2026-01-01T00:00:01Z")));
    }
}
