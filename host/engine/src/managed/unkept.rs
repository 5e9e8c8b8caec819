//! What the API server does not keep of our writes.
//!
//! A definition without `observedGeneration`, as Krateo's are, prunes it; another fills in defaults that the provider
//! leaves out; a webhook turns a value back. Comparing what is wished with what is stored then finds the same difference
//! for ever, and each reconcile would write it again. Of a field that is pruned no value is kept, so that it does not count
//! whatever it is; of one that is there with another value, it is the difference that counts.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::time::Instant;

use super::{
    merge,
    pruned::{Path, pruned, strip},
};

/// After so long the same is written once more: the definition may have learnt the field.
const REMEMBERED_FOR: Duration = Duration::from_hours(1);

/// A write that a reconcile repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// That of `status`.
    Status,
    /// That of what observing found out.
    Findings,
}

/// For each object and part, what was left after the last write. Empty where everything is kept.
#[derive(Default)]
pub(super) struct Unkept(Mutex<HashMap<String, Vec<Left>>>);

struct Left {
    part: Part,
    /// Fields that are not kept, whatever their value.
    pruned: Vec<Path>,
    /// Of the difference beside them; `None` if there was no other.
    difference: Option<u64>,
    since: Instant,
}

impl Left {
    /// The difference between what is stored and what is wished without what would not be kept.
    fn rest(&self, stored: &Value, difference: &Value) -> Option<u64> {
        let mut wished = stored.clone();
        merge::apply(&mut wished, difference);
        self.pruned.iter().for_each(|path| strip(&mut wished, stored, path));
        merge::difference(stored, &wished).as_ref().map(hash)
    }
}

impl Unkept {
    /// Whether writing this difference to what is stored is known to lead to nothing.
    pub(super) fn is_vain(&self, uid: &str, part: Part, stored: &Value, difference: &Value) -> bool {
        let all = self.lock();
        let Some(left) = all.get(uid).and_then(|left| left.iter().find(|left| left.part == part)) else { return false };
        left.since.elapsed() < REMEMBERED_FOR
            && left.rest(stored, difference).is_none_or(|rest| left.difference == Some(rest))
    }

    /// Remembers what was left to write after a write that made what is stored; nothing, if all of it was kept.
    pub(super) fn note(&self, uid: &str, part: Part, stored: &Value, difference: Option<&Value>) {
        let left = difference.map(|difference| {
            let mut wished = stored.clone();
            merge::apply(&mut wished, difference);
            let pruned = pruned(&wished, stored);
            let mut left = Left { part, pruned, difference: None, since: Instant::now() };
            left.difference = left.rest(stored, difference);
            left
        });
        let mut all = self.lock();
        let mut parts = all.remove(uid).unwrap_or_default();
        parts.retain(|left| left.part != part);
        parts.extend(left);
        if !parts.is_empty() {
            all.insert(uid.to_owned(), parts);
        }
    }

    pub(super) fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<Left>>> {
        // Nothing in here can panic half way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of what a difference says. Times of transitions are left out: they are new each time if conditions are not kept.
fn hash(difference: &Value) -> u64 {
    let mut difference = difference.clone();
    if let Some(conditions) = difference.get_mut("conditions").and_then(Value::as_array_mut) {
        for condition in conditions.iter_mut().filter_map(Value::as_object_mut) {
            condition.remove("lastTransitionTime");
        }
    }
    let mut hasher = DefaultHasher::new();
    difference.to_string().hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::time::advance;

    use super::*;

    fn conditions(reason: &str, time: &str) -> Value {
        json!({"conditions": [{"type": "Ready", "reason": reason, "lastTransitionTime": time}]})
    }

    #[tokio::test(start_paused = true)]
    async fn the_difference_that_was_left_is_vain_whatever_the_time_and_another_one_is_not() {
        let (unkept, stored) = (Unkept::default(), conditions("Turned", "t0"));
        let is_vain = |uid, part, reason, time| unkept.is_vain(uid, part, &stored, &conditions(reason, time));
        assert!(!is_vain("u", Part::Status, "A", "t0"));
        unkept.note("u", Part::Status, &stored, Some(&conditions("A", "t0")));
        assert!(is_vain("u", Part::Status, "A", "t1"));
        assert!(!is_vain("u", Part::Status, "B", "t0"));
        assert!(!is_vain("u", Part::Findings, "A", "t0"));
        assert!(!is_vain("v", Part::Status, "A", "t0"));
        advance(REMEMBERED_FOR).await;
        assert!(!is_vain("u", Part::Status, "A", "t0"), "the definition may have changed");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_pruned_is_vain_whatever_its_value_and_hides_nothing_beside_it() {
        let (unkept, stored) = (Unkept::default(), json!({"url": "x"}));
        unkept.note("u", Part::Status, &stored, Some(&json!({"seen": 1})));
        assert!(unkept.is_vain("u", Part::Status, &stored, &json!({"seen": 2})));
        assert!(!unkept.is_vain("u", Part::Status, &stored, &json!({"seen": 2, "url": "y"})));
        assert!(!unkept.is_vain("u", Part::Status, &stored, &json!({"url": null})));
        assert!(!unkept.is_vain("u", Part::Status, &json!({"seen": 1}), &json!({"seen": 2})), "it is kept by now");
        advance(REMEMBERED_FOR).await;
        assert!(!unkept.is_vain("u", Part::Status, &stored, &json!({"seen": 3})), "the definition may have changed");
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_held_of_objects_whose_writes_are_kept() {
        let unkept = Unkept::default();
        unkept.note("u", Part::Status, &json!({}), Some(&json!({"a": 1})));
        unkept.note("u", Part::Status, &json!({}), None);
        unkept.note("v", Part::Findings, &json!({}), Some(&json!({"a": 1})));
        unkept.forget("v");
        assert!(unkept.lock().is_empty());
    }
}
