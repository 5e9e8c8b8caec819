//! The one status write of a reconcile.

use capstan_api::{Condition, Conditions};
use serde_json::{Value, json};

use super::{merge, snapshot::Snapshot};

/// What a reconcile wants `status` to say.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Wish {
    /// The provider's merge patches, in their order; what they say of `conditions` is ignored.
    pub(crate) patches: Vec<Value>,
    /// Conditions to set; others are left alone.
    pub(crate) conditions: Vec<Condition>,
    /// The request that this reconcile answers, to be echoed.
    pub(crate) handled: Option<String>,
    /// The generation that was reconciled.
    pub(crate) generation: Option<i64>,
    /// The time of day for transitions.
    pub(crate) now: String,
}

/// The difference between what is and what is wished.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Plan {
    /// A merge patch for the object, refused if it is not the newest; `None` if there is nothing to change.
    pub(crate) patch: Option<Value>,
    /// What of it is to be told.
    pub(crate) news: News,
}

/// What changes in a status that somebody should be told of.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct News {
    /// The conditions whose status, reason or message changes.
    pub(crate) transitions: Vec<Condition>,
    /// A request that is echoed and was not before.
    pub(crate) handled: Option<String>,
}

impl News {
    pub(super) fn add(&mut self, other: Self) {
        self.transitions.extend(other.transitions);
        self.handled = other.handled.or(self.handled.take());
    }
}

/// Where requests for a reconcile are echoed, as crossplane does.
const HANDLED: &str = "lastHandledReconcileAt";

/// The request that a status echoes.
pub(super) fn request_handled(status: &Value) -> Option<&str> {
    status.get(HANDLED)?.as_str()
}

/// Whether a status echoes this request.
pub(super) fn is_handled(status: &Value, request: &str) -> bool {
    request_handled(status) == Some(request)
}

/// The condition of a type, if it can be read.
pub(super) fn condition(status: &Value, kind: &str) -> Option<Condition> {
    let list = status.get("conditions")?.as_array()?;
    serde_json::from_value(list.iter().find(|condition| condition["type"] == kind)?.clone()).ok()
}

/// Whether a status has a condition with this status, reason and message.
pub(super) fn shows(status: &Value, wanted: &Condition) -> bool {
    condition(status, &wanted.kind).is_some_and(|shown| {
        (shown.status, &shown.reason, &shown.message) == (wanted.status, &wanted.reason, &wanted.message)
    })
}

impl Wish {
    /// Compares the wish with an object.
    pub(crate) fn plan(&self, object: &Snapshot) -> Plan {
        let mut status = object.status().clone();
        for patch in self.patches.iter().filter(|patch| patch.is_object()) {
            let mut patch = patch.clone();
            patch.as_object_mut().map(|members| members.remove("conditions"));
            merge::apply(&mut status, &patch);
        }
        let handled = self.handled.as_ref().filter(|request| !is_handled(&status, request));
        if let Some(request) = handled {
            merge::apply(&mut status, &json!({ HANDLED: request }));
        }
        let transitions = self.set_conditions(&mut status);
        let patch = match merge::difference(object.status(), &status) {
            Some(difference) => {
                let mut patch = object.guarded(&json!({}));
                patch["status"] = difference;
                Some(patch)
            }
            None => None,
        };
        Plan { patch, news: News { transitions, handled: handled.cloned() } }
    }

    /// Conditions of other types stay as they are, with members that we know nothing of.
    fn set_conditions(&self, status: &mut Value) -> Vec<Condition> {
        if self.conditions.is_empty() {
            return Vec::new();
        }
        if !status.is_object() {
            *status = json!({});
        }
        let list = &mut status["conditions"];
        if !list.is_array() {
            *list = json!([]);
        }
        let Value::Array(list) = list else { return Vec::new() };
        let mut transitions = Vec::new();
        for wished in &self.conditions {
            let place = list.iter().position(|old| old["type"] == wished.kind.as_str());
            // What cannot be read is replaced as if it were not there.
            let old = place.and_then(|index| serde_json::from_value::<Condition>(list[index].clone()).ok());
            let mut conditions = Conditions::default();
            if let Some(old) = old {
                let (generation, since) = (old.observed_generation, old.last_transition_time.clone());
                conditions.set(old, generation, &since);
            }
            let transition = conditions.set(wished.clone(), self.generation, &self.now);
            let new = json!(conditions.get(&wished.kind));
            match place {
                Some(index) => list[index] = new,
                None => list.push(new),
            }
            if transition {
                transitions.push(wished.clone());
            }
        }
        transitions
    }
}

#[cfg(test)]
mod tests {
    use capstan_cluster::Object;

    use super::*;

    fn object(status: &Value) -> Snapshot {
        let value = json!({
            "apiVersion": "example.org/v1", "kind": "Thing",
            "metadata": {"name": "a", "namespace": "ns", "uid": "u", "resourceVersion": "5", "generation": 2},
            "status": status,
        });
        Snapshot::of(Object::from_value(value).unwrap())
    }

    fn wish(patches: &[Value], conditions: &[Condition]) -> Wish {
        Wish {
            patches: patches.to_vec(),
            conditions: conditions.to_vec(),
            handled: None,
            generation: Some(2),
            now: "2026-01-02T00:00:00Z".to_owned(),
        }
    }

    fn synced(time: &str, generation: i64) -> Value {
        json!({
            "type": "Synced", "status": "True", "reason": "ReconcileSuccess",
            "lastTransitionTime": time, "observedGeneration": generation,
        })
    }

    #[test]
    fn nothing_new_is_no_write() {
        let status = json!({"url": "x", "conditions": [synced("t0", 2)]});
        let wish = wish(&[json!({"url": "x"})], &[Condition::reconcile_success()]);
        assert_eq!(wish.plan(&object(&status)), Plan::default());
    }

    #[test]
    fn a_new_generation_is_written_but_is_no_transition() {
        let status = json!({"conditions": [synced("t0", 1)]});
        let plan = wish(&[], &[Condition::reconcile_success()]).plan(&object(&status));
        let expected = json!({
            "metadata": {"resourceVersion": "5"},
            "status": {"conditions": [synced("t0", 2)]},
        });
        assert_eq!(plan, Plan { patch: Some(expected), ..Plan::default() });
    }

    #[test]
    fn a_request_is_echoed_once() {
        let wish = Wish { handled: Some("now".to_owned()), ..Wish::default() };
        let plan = wish.plan(&object(&Value::Null));
        assert_eq!(plan.patch.unwrap()["status"], json!({"lastHandledReconcileAt": "now"}));
        assert_eq!(plan.news.handled.as_deref(), Some("now"));
        let again = wish.plan(&object(&json!({"lastHandledReconcileAt": "now"})));
        assert_eq!(again, Plan::default());
    }

    #[test]
    fn foreign_conditions_keep_every_member() {
        let foreign = json!({"type": "Custom", "status": "True", "lastUpdateTime": "x", "severity": 3});
        let status = json!({"conditions": [foreign, synced("t0", 2)]});
        let error = Condition::reconcile_error("", "broken");
        let plan = wish(&[], std::slice::from_ref(&error)).plan(&object(&status));
        let conditions = &plan.patch.unwrap()["status"]["conditions"];
        assert_eq!(conditions[0], foreign);
        assert_eq!(conditions[1]["reason"], "ReconcileError");
        assert_eq!(conditions[1]["lastTransitionTime"], "2026-01-02T00:00:00Z");
        assert_eq!(plan.news.transitions, [error]);
    }

    #[test]
    fn a_provider_does_not_write_conditions() {
        let patch = json!({"url": "x", "conditions": []});
        let status = json!({"conditions": [synced("t0", 2)]});
        let plan = wish(&[patch], &[]).plan(&object(&status));
        assert_eq!(plan.patch.unwrap()["status"], json!({"url": "x"}));
    }

    #[test]
    fn later_patches_win_and_null_removes() {
        let wish = wish(&[json!({"a": 1, "b": 1}), json!({"a": 2, "c": null})], &[]);
        let plan = wish.plan(&object(&json!({"c": 1})));
        assert_eq!(plan.patch.unwrap()["status"], json!({"a": 2, "b": 1, "c": null}));
    }

    #[test]
    fn an_object_without_status_gets_one() {
        let plan = wish(&[], &[Condition::available()]).plan(&object(&Value::Null));
        assert_eq!(plan.patch.unwrap()["status"]["conditions"][0]["type"], "Ready");
        assert_eq!(plan.news.transitions.len(), 1);
    }
}
