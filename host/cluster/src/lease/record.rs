//! What a `Lease` says.
//!
//! There are two sorts, told apart by a label. That of a *member* stands for one replica, which renews it. That of a
//! *provider* says which member runs the provider; it is written when that changes, and lasts as long as the member's.

use std::time::Duration;

use capstan_api::keys::PROVIDER_LABEL;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Identity, Timing};
use crate::{Error, Object};

/// Of all Leases that replicas of the host share.
pub(super) const SORT_LABEL: &str = "capstan.dev/lease";
const MEMBER: &str = "member";
const PROVIDER: &str = "provider";

/// On the Lease of a provider: the member that is to have it next, and waits for it.
const WANTED_BY: &str = "capstan.dev/wanted-by";
/// On the Lease of a member: `"true"` once it is about to stop, so that it is given nothing more.
const LEAVING: &str = "capstan.dev/leaving";

/// A `Lease` as it was received. What we know nothing of stays as it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record(Value);

impl Record {
    /// Of a replica that joins.
    pub(super) fn of_new_member(namespace: &str, identity: &Identity, timing: &Timing, now: Timestamp) -> Self {
        let mut record = Self::missing(namespace, &identity.lease_name(), &json!({ SORT_LABEL: MEMBER }));
        record.0["spec"] = json!({
            "holderIdentity": identity.as_str(),
            "leaseDurationSeconds": timing.duration().as_secs(),
            "acquireTime": micro_time(now),
            "renewTime": micro_time(now),
        });
        record
    }

    /// Of a provider, which nobody has made yet.
    pub(super) fn of_new_provider(namespace: &str, provider: &str) -> Self {
        let labels = json!({ SORT_LABEL: PROVIDER, PROVIDER_LABEL: provider });
        Self::missing(namespace, &provider_lease(provider), &labels)
    }

    fn missing(namespace: &str, name: &str, labels: &Value) -> Self {
        Self(json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"namespace": namespace, "name": name, "labels": labels},
        }))
    }

    /// Of an object of that kind.
    pub(super) fn of(object: &Object) -> Result<Self, Error> {
        serde_json::from_str(object.json()).map(Self).map_err(|error| Error::Malformed(error.to_string()))
    }

    pub(super) fn name(&self) -> &str {
        self.0["metadata"]["name"].as_str().unwrap_or_default()
    }

    /// Empty if nobody has made it yet.
    pub(super) fn resource_version(&self) -> &str {
        self.0["metadata"]["resourceVersion"].as_str().unwrap_or_default()
    }

    pub(super) fn is_of_member(&self) -> bool {
        self.label(SORT_LABEL) == Some(MEMBER)
    }

    /// Whose Lease it is; `None` if it is that of a member, or none of ours. One whose label and name differ was not made by
    /// a replica.
    pub(super) fn provider(&self) -> Option<&str> {
        let provider = self.label(PROVIDER_LABEL).filter(|_| self.label(SORT_LABEL) == Some(PROVIDER))?;
        (provider_lease(provider) == self.name()).then_some(provider)
    }

    fn label(&self, key: &str) -> Option<&str> {
        self.0["metadata"]["labels"][key].as_str()
    }

    /// Nobody, if it was given up.
    pub(super) fn holder(&self) -> Option<&str> {
        self.spec()["holderIdentity"].as_str().filter(|holder| !holder.is_empty())
    }

    /// How long it lasts by the words of its holder.
    pub(super) fn duration(&self) -> Option<Duration> {
        self.spec()["leaseDurationSeconds"].as_u64().filter(|seconds| *seconds > 0).map(Duration::from_secs)
    }

    /// What its holder writes. Labels and the like are not among it: they are no sign of life.
    pub(super) fn spec(&self) -> &Value {
        &self.0["spec"]
    }

    pub(super) fn wanted_by(&self) -> Option<&str> {
        self.0["metadata"]["annotations"][WANTED_BY].as_str()
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.0["metadata"]["annotations"][LEAVING] == "true"
    }

    /// The record of a member, renewed. Refused if it is not the newest, as are all that follow.
    pub(super) fn renewed(&self, leaving: bool, now: Timestamp) -> Value {
        let mut body = self.0.clone();
        if leaving {
            annotate(&mut body, LEAVING, Some("true"));
        }
        member(&mut body, "spec")["renewTime"] = micro_time(now);
        body
    }

    /// The record of a provider with us as its holder.
    pub(super) fn held_by(&self, identity: &Identity, timing: &Timing, now: Timestamp) -> Value {
        let mut body = self.0.clone();
        annotate(&mut body, WANTED_BY, None);
        let spec = member(&mut body, "spec");
        if self.holder() != Some(identity.as_str()) {
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

    /// The record of a provider without a holder.
    pub(super) fn released(&self, now: Timestamp) -> Value {
        let mut body = self.0.clone();
        let spec = member(&mut body, "spec");
        spec["holderIdentity"] = json!("");
        // For contenders that look at nothing but the time: zero is not allowed.
        spec["leaseDurationSeconds"] = json!(1);
        spec["renewTime"] = micro_time(now);
        body
    }

    /// The record of a provider, wanted by us.
    pub(super) fn wanted(&self, identity: &Identity) -> Value {
        let mut body = self.0.clone();
        annotate(&mut body, WANTED_BY, Some(identity.as_str()));
        body
    }
}

/// Providers' names have at most 40 characters, all of which a Lease's name may have.
pub(super) fn provider_lease(provider: &str) -> String {
    format!("capstan-provider-{provider}")
}

fn annotate(body: &mut Value, key: &str, value: Option<&str>) {
    let annotations = member(member(body, "metadata"), "annotations");
    match (value, annotations.as_object_mut()) {
        (None, Some(annotations)) => {
            annotations.remove(key);
        }
        (value, _) => annotations[key] = json!(value),
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

    fn record(spec: &Value) -> Record {
        let labels = json!({SORT_LABEL: PROVIDER, PROVIDER_LABEL: "patch", "a": "b"});
        let metadata = json!({
            "namespace": "n", "name": "capstan-provider-patch", "resourceVersion": "7", "labels": labels, "annotations": {},
        });
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
        let first = Record::of_new_member("n", &me, &Timing::default(), at("2026-01-01T00:00:00Z"));
        assert!(first.is_of_member() && first.provider().is_none());
        let mut expected = first.0.clone();
        expected["spec"]["renewTime"] = json!("2026-01-01T00:00:02.000000Z");
        assert_eq!(first.renewed(false, at("2026-01-01T00:00:02Z")), expected);
        assert!(Record(first.renewed(true, at("2026-01-01T00:00:02Z"))).is_leaving());
    }

    #[test]
    fn another_holder_is_a_transition_and_the_rest_of_the_object_stays() {
        let former = record(&json!({
            "holderIdentity": "b", "leaseDurationSeconds": 60, "leaseTransitions": 4, "strategy": "OldestEmulationVersion",
            "acquireTime": "2025-01-01T00:00:00.000000Z", "renewTime": "2025-01-01T00:00:00.000000Z",
        }));
        let me = Identity::of_pod("a");
        let wanted = Record(former.wanted(&me));
        assert_eq!(
            (wanted.wanted_by(), wanted.holder(), wanted.provider()),
            (Some(me.as_str()), Some("b"), Some("patch"))
        );
        let body = wanted.held_by(&me, &Timing::default(), at("2026-01-01T00:00:00Z"));
        let expected = record(&json!({
            "holderIdentity": me.as_str(), "leaseDurationSeconds": 15, "leaseTransitions": 5,
            "strategy": "OldestEmulationVersion",
            "acquireTime": "2026-01-01T00:00:00.000000Z", "renewTime": "2026-01-01T00:00:00.000000Z",
        }));
        assert_eq!(Record(body), expected, "and nobody waits for it any more");
    }

    #[test]
    fn what_others_wrote_by_hand_does_no_harm() {
        let odd = record(&json!({"leaseDurationSeconds": -3, "holderIdentity": "", "leaseTransitions": i32::MAX}));
        assert_eq!((odd.holder(), odd.duration()), (None, None));
        let body = odd.held_by(&Identity::of_pod("a"), &Timing::default(), Timestamp::UNIX_EPOCH);
        assert_eq!(body["spec"]["leaseTransitions"], i32::MAX);
        let bare = record(&json!("text")).released(Timestamp::UNIX_EPOCH);
        assert_eq!(bare["spec"]["holderIdentity"], "");
        let mut foreign = record(&Value::Null);
        foreign.0["metadata"]["name"] = json!("other");
        assert_eq!(foreign.provider(), None);
    }
}
