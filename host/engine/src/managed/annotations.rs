//! What a managed object's annotations tell about creates, and what is written into them.
//!
//! A create is asked for in three steps: the intent is recorded, the provider is called, the result is recorded. An
//! intent without a result is a create of which nobody knows whether it happened.

use std::collections::BTreeMap;

use capstan_api::keys;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::unrecorded::CreateResult;
use crate::Creation;

/// When creates were asked for and how they ended, to the second. A time that cannot be read counts as none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CreateRecord {
    pending: Option<Timestamp>,
    succeeded: Option<Timestamp>,
    failed: Option<Timestamp>,
}

impl CreateRecord {
    pub(crate) fn of(annotations: &BTreeMap<String, String>) -> Self {
        let time = |key| annotations.get(key)?.parse().ok();
        Self {
            pending: time(keys::CREATE_PENDING),
            succeeded: time(keys::CREATE_SUCCEEDED),
            failed: time(keys::CREATE_FAILED),
        }
    }

    /// Whether a create was asked for whose result is unknown.
    pub(crate) fn is_unclear(&self) -> bool {
        self.pending > self.ended()
    }

    /// Whether a create was asked for after the one of an intent: that one's result is history then.
    pub(crate) fn is_later_than(&self, intent: Option<Timestamp>) -> bool {
        self.pending > intent
    }

    /// The create that made what is outside, by its time: the last one that succeeded, or one of unknown result, which may
    /// have. Of how long ago that was it says nothing: it may be of another host's clock.
    pub(crate) fn last(&self) -> Option<Timestamp> {
        let unclear = self.pending.filter(|_| self.is_unclear());
        unclear.max(self.succeeded)
    }

    /// The record with one more create that is about to be asked for. Always later than everything on record, be it of
    /// the same second or of a clock that ran ahead: otherwise a crash right now would go unnoticed, and two creates could
    /// not be told apart.
    pub(crate) fn begun(&self, now: Timestamp) -> Self {
        let last = self.pending.max(self.ended());
        let after = last.and_then(|last| last.checked_add(SignedDuration::from_secs(1)).ok());
        Self { pending: Some(now).max(after), ..*self }
    }

    /// The annotations that say that the create is about to be asked for.
    pub(crate) fn intent(&self) -> Value {
        json!({ keys::CREATE_PENDING: text(self.pending) })
    }

    /// That the create succeeded, with what it gave. The host's own keys are not the provider's to set.
    pub(crate) fn success(&self, now: Timestamp, creation: &Creation) -> CreateResult {
        let mut annotations: Map<String, Value> = creation
            .annotations
            .iter()
            .filter(|(key, _)| !keys::HOST_ANNOTATIONS.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), json!(value)))
            .collect();
        if let Some(name) = &creation.external_name {
            annotations.insert(keys::EXTERNAL_NAME.to_owned(), json!(name));
        }
        annotations.insert(keys::CREATE_SUCCEEDED.to_owned(), self.ending(now));
        CreateResult { intent: self.pending, annotations: Value::Object(annotations) }
    }

    /// That the create failed.
    pub(crate) fn failure(&self, now: Timestamp) -> CreateResult {
        CreateResult { intent: self.pending, annotations: json!({ keys::CREATE_FAILED: self.ending(now) }) }
    }

    /// The time of a result: never before its intent.
    pub(crate) fn ending(&self, now: Timestamp) -> Value {
        json!(text(Some(now).max(self.pending)))
    }

    fn ended(&self) -> Option<Timestamp> {
        self.succeeded.max(self.failed)
    }
}

/// RFC 3339 without fractions of a second.
pub(crate) fn text(time: Option<Timestamp>) -> String {
    let time = time.unwrap_or_default();
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(pairs: &[(&str, &str)]) -> CreateRecord {
        CreateRecord::of(&pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    const T0: &str = "2026-01-01T00:00:00Z";
    const T1: &str = "2026-01-01T00:00:01Z";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn an_intent_without_a_later_result_is_unclear() {
        let (pending, succeeded, failed) = (keys::CREATE_PENDING, keys::CREATE_SUCCEEDED, keys::CREATE_FAILED);
        for (pairs, unclear) in [
            (vec![], false),
            (vec![(pending, T0)], true),
            (vec![(pending, T0), (succeeded, T0)], false),
            (vec![(pending, T0), (failed, T1)], false),
            (vec![(pending, T1), (failed, T0)], true),
            (vec![(pending, T1), (failed, T0), (succeeded, T1)], false),
            (vec![(pending, "yesterday")], false),
            (vec![(pending, T0), (succeeded, "today")], true),
        ] {
            assert_eq!(record(&pairs).is_unclear(), unclear, "{pairs:?}");
        }
    }

    #[test]
    fn an_intent_is_later_than_everything_of_the_same_second() {
        for key in [keys::CREATE_FAILED, keys::CREATE_PENDING] {
            let begun = record(&[(key, T0)]).begun(at(T0));
            assert_eq!(begun.intent(), json!({ keys::CREATE_PENDING: T1 }), "{key}");
            let failure = begun.failure(at(T0)).annotations;
            assert_eq!(failure, json!({ keys::CREATE_FAILED: T1 }), "{key}: and its end is not earlier");
        }
    }

    #[test]
    fn a_result_is_not_earlier_than_its_intent() {
        let record = record(&[(keys::CREATE_PENDING, T1)]);
        let failure = record.failure(at(T0));
        assert_eq!(failure.annotations, json!({ keys::CREATE_FAILED: T1 }));
        assert!(!record.is_later_than(failure.intent), "its own");
    }

    #[test]
    fn fractions_of_seconds_are_not_written() {
        assert_eq!(text(Some(at("2026-01-01T00:00:00.987Z"))), T0);
    }

    #[test]
    fn the_last_create_is_one_that_may_have_made_something() {
        let (pending, succeeded, failed) = (keys::CREATE_PENDING, keys::CREATE_SUCCEEDED, keys::CREATE_FAILED);
        for (pairs, last) in [
            (vec![], None),
            (vec![(pending, T0)], Some(T0)),
            (vec![(pending, T0), (succeeded, T1)], Some(T1)),
            (vec![(succeeded, T0), (pending, T1)], Some(T1)),
            (vec![(pending, T0), (failed, T0)], None),
            (vec![(succeeded, T0), (pending, T1), (failed, T1)], Some(T0)),
        ] {
            assert_eq!(record(&pairs).last(), last.map(at), "{pairs:?}");
        }
    }

    #[test]
    fn the_hosts_keys_are_not_the_providers_to_set() {
        let creation = Creation {
            external_name: Some("ext-1".to_owned()),
            annotations: vec![
                ("example.org/id".to_owned(), "7".to_owned()),
                (keys::PAUSED.to_owned(), "true".to_owned()),
                (keys::EXTERNAL_NAME.to_owned(), "forged".to_owned()),
            ],
            status: None,
        };
        let expected = json!({
            "example.org/id": "7",
            keys::EXTERNAL_NAME: "ext-1",
            keys::CREATE_SUCCEEDED: T0,
        });
        assert_eq!(CreateRecord::default().success(at(T0), &creation).annotations, expected);
    }
}
