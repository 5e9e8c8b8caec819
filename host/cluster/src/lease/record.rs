//! What a `Lease` says.

use std::time::Duration;

use capstan_api::ObjectKey;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Identity, Timing};
use crate::Object;

/// A `Lease` as it was received. What we know nothing of stays as it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record(Value);

impl Record {
    /// One that nobody has made yet.
    pub(super) fn missing(key: &ObjectKey) -> Self {
        Self(json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"namespace": key.namespace, "name": key.name},
        }))
    }

    /// Of an object of that kind.
    pub(super) fn of(object: &Object) -> Result<Self, serde_json::Error> {
        serde_json::from_str(object.json()).map(Self)
    }

    /// Nobody, if it was given up.
    pub(super) fn holder(&self) -> Option<&str> {
        self.spec()["holderIdentity"].as_str().filter(|holder| !holder.is_empty())
    }

    pub(super) fn is_held_by(&self, identity: &Identity) -> bool {
        self.holder() == Some(identity.as_str())
    }

    /// How long it lasts by the words of its holder.
    pub(super) fn duration(&self) -> Option<Duration> {
        self.spec()["leaseDurationSeconds"].as_u64().filter(|seconds| *seconds > 0).map(Duration::from_secs)
    }

    /// What its holder writes. Labels and the like are not among it: they are no sign of life.
    pub(super) fn spec(&self) -> &Value {
        &self.0["spec"]
    }

    /// The record with us as its holder: acquired, or renewed if it was ours already. Refused if it is not the newest.
    pub(super) fn held_by(&self, identity: &Identity, timing: &Timing, now: Timestamp) -> Value {
        let mut body = self.0.clone();
        let spec = member(&mut body, "spec");
        if !self.is_held_by(identity) {
            // A new record counts from zero, as in client-go.
            let transitions = self.spec()["leaseTransitions"].as_i64().unwrap_or_default();
            let transitions = if self.spec().is_null() { 0 } else { transitions.saturating_add(1) };
            spec["leaseTransitions"] = json!(i32::try_from(transitions).unwrap_or(i32::MAX));
            spec["acquireTime"] = micro_time(now);
            spec["holderIdentity"] = json!(identity.as_str());
        }
        spec["leaseDurationSeconds"] = json!(timing.duration().as_secs());
        spec["renewTime"] = micro_time(now);
        body
    }

    /// The record without a holder. Refused if it is not the newest.
    pub(super) fn released(&self, now: Timestamp) -> Value {
        let mut body = self.0.clone();
        let spec = member(&mut body, "spec");
        spec["holderIdentity"] = json!("");
        // For contenders that look at nothing but the time: zero is not allowed.
        spec["leaseDurationSeconds"] = json!(1);
        spec["renewTime"] = micro_time(now);
        body
    }

    /// The same record for an object that was deleted.
    pub(super) fn again(&self, key: &ObjectKey) -> Self {
        let mut record = Self::missing(key);
        record.0["spec"] = self.spec().clone();
        record
    }
}

/// An object, also where there was none.
fn member<'a>(body: &'a mut Value, name: &str) -> &'a mut Value {
    let member = &mut body[name];
    if !member.is_object() {
        *member = json!({});
    }
    member
}

/// The API server reads a `MicroTime` with exactly six digits.
fn micro_time(time: Timestamp) -> Value {
    Value::from(format!("{time:.6}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> ObjectKey {
        ObjectKey::namespaced("n", "l")
    }

    fn record(spec: &Value) -> Record {
        let metadata = json!({"namespace": "n", "name": "l", "resourceVersion": "7", "labels": {"a": "b"}});
        Record(json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}))
    }

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    #[test]
    fn times_have_exactly_six_digits() {
        for (time, expected) in [
            ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000000Z"),
            ("2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00.500000Z"),
            ("2026-01-01T00:00:00.123456789Z", "2026-01-01T00:00:00.123456Z"),
        ] {
            assert_eq!(micro_time(at(time)), expected);
        }
    }

    #[test]
    fn a_renewal_changes_the_renewal_time_alone() {
        let me = Identity::of_pod("a");
        let taken = Record::missing(&key()).held_by(&me, &Timing::default(), at("2026-01-01T00:00:00Z"));
        let mut expected = taken.clone();
        expected["spec"]["renewTime"] = json!("2026-01-01T00:00:02.000000Z");
        assert_eq!(Record(taken).held_by(&me, &Timing::default(), at("2026-01-01T00:00:02Z")), expected);
    }

    #[test]
    fn another_holder_is_a_transition_and_the_rest_of_the_object_stays() {
        let former = record(&json!({
            "holderIdentity": "b", "leaseDurationSeconds": 60, "leaseTransitions": 4, "strategy": "OldestEmulationVersion",
            "acquireTime": "2025-01-01T00:00:00.000000Z", "renewTime": "2025-01-01T00:00:00.000000Z",
        }));
        let me = Identity::of_pod("a");
        let body = former.held_by(&me, &Timing::default(), at("2026-01-01T00:00:00Z"));
        let expected = record(&json!({
            "holderIdentity": me.as_str(), "leaseDurationSeconds": 15, "leaseTransitions": 5,
            "strategy": "OldestEmulationVersion",
            "acquireTime": "2026-01-01T00:00:00.000000Z", "renewTime": "2026-01-01T00:00:00.000000Z",
        }));
        assert_eq!(Record(body), expected);
    }

    #[test]
    fn what_others_wrote_by_hand_does_no_harm() {
        let odd = record(&json!({"leaseDurationSeconds": -3, "holderIdentity": "", "leaseTransitions": i32::MAX}));
        assert_eq!((odd.holder(), odd.duration()), (None, None));
        let body = odd.held_by(&Identity::of_pod("a"), &Timing::default(), Timestamp::UNIX_EPOCH);
        assert_eq!(body["spec"]["leaseTransitions"], i32::MAX);
        let bare = record(&json!("text")).released(Timestamp::UNIX_EPOCH);
        assert_eq!(bare["spec"]["holderIdentity"], "");
    }
}
