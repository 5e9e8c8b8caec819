//! What the API server does not keep of our writes.
//!
//! A definition without `observedGeneration`, as Krateo's are, prunes it; another fills in defaults that the provider
//! leaves out; a webhook turns a value back. Comparing what is wished with what is stored then finds the same difference
//! for ever, and each reconcile would write it again.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::time::Instant;

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

/// For each object and part, the difference that was left after the last write. Empty where everything is kept.
#[derive(Default)]
pub(super) struct Unkept(Mutex<HashMap<String, Vec<Left>>>);

struct Left {
    part: Part,
    difference: u64,
    since: Instant,
}

impl Unkept {
    /// Whether writing this difference is known to lead to nothing.
    pub(super) fn is_vain(&self, uid: &str, part: Part, difference: &Value) -> bool {
        let all = self.lock();
        let left = all.get(uid).and_then(|left| left.iter().find(|left| left.part == part));
        left.is_some_and(|left| left.difference == hash(difference) && left.since.elapsed() < REMEMBERED_FOR)
    }

    /// Remembers what was left after a write; nothing, if all of it was kept.
    pub(super) fn note(&self, uid: &str, part: Part, difference: Option<&Value>) {
        let mut all = self.lock();
        let mut left = all.remove(uid).unwrap_or_default();
        left.retain(|left| left.part != part);
        left.extend(difference.map(|difference| Left { part, difference: hash(difference), since: Instant::now() }));
        if !left.is_empty() {
            all.insert(uid.to_owned(), left);
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

    fn conditions(generation: i64, time: &str) -> Value {
        json!({"conditions": [{"type": "Ready", "observedGeneration": generation, "lastTransitionTime": time}]})
    }

    #[tokio::test(start_paused = true)]
    async fn the_difference_that_was_left_is_vain_whatever_the_time_and_another_one_is_not() {
        let unkept = Unkept::default();
        assert!(!unkept.is_vain("u", Part::Status, &conditions(1, "t0")));
        unkept.note("u", Part::Status, Some(&conditions(1, "t0")));
        assert!(unkept.is_vain("u", Part::Status, &conditions(1, "t1")));
        assert!(!unkept.is_vain("u", Part::Status, &conditions(2, "t0")));
        assert!(!unkept.is_vain("u", Part::Findings, &conditions(1, "t0")));
        assert!(!unkept.is_vain("v", Part::Status, &conditions(1, "t0")));
        advance(REMEMBERED_FOR).await;
        assert!(!unkept.is_vain("u", Part::Status, &conditions(1, "t0")), "the definition may have changed");
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_held_of_objects_whose_writes_are_kept() {
        let unkept = Unkept::default();
        unkept.note("u", Part::Status, Some(&json!({"a": 1})));
        unkept.note("u", Part::Status, None);
        unkept.note("v", Part::Findings, Some(&json!({"a": 1})));
        unkept.forget("v");
        assert!(unkept.lock().is_empty());
    }
}
