//! For how long this process has known of the creates on record.
//!
//! The times in annotations are those of whoever wrote them: a clock that runs ahead, or behind, says nothing of how long
//! ago something was. So a wait that a create asks for goes by tokio's clock, from when the record was first met.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use capstan_api::GroupVersionKind;
use jiff::Timestamp;
use tokio::time::Instant;

/// Group and kind: versions are views of the same objects.
type Kind = (String, String);

/// Those of a provider. They outlive its controllers, so that a wait does not begin anew with each of them. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct KindSightings(Arc<Mutex<HashMap<Kind, Sightings>>>);

impl KindSightings {
    /// Of all objects of a kind, which one controller at a time looks after.
    pub(crate) fn of(&self, kind: &GroupVersionKind) -> Sightings {
        lock(&self.0).entry(named(kind)).or_default().clone()
    }

    /// Forgets the objects of all kinds but these.
    pub(crate) fn keep<'a>(&self, kinds: impl Iterator<Item = &'a GroupVersionKind>) {
        let kept: Vec<Kind> = kinds.map(named).collect();
        lock(&self.0).retain(|kind, _| kept.contains(kind));
    }
}

/// By uid, the last create on record, and when it was met. Nothing of objects without one. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sightings(Arc<Mutex<HashMap<String, Sighting>>>);

#[derive(Debug)]
struct Sighting {
    create: Timestamp,
    since: Instant,
}

impl Sightings {
    /// How long ago this create was first met; no time at all, if it is another one than the last time. `None`: nothing
    /// was created.
    pub(super) fn age(&self, uid: &str, create: Option<Timestamp>) -> Option<Duration> {
        let mut all = lock(&self.0);
        let Some(create) = create else {
            all.remove(uid);
            return None;
        };
        match all.get(uid) {
            Some(known) if known.create == create => Some(known.since.elapsed()),
            _ => {
                all.insert(uid.to_owned(), Sighting { create, since: Instant::now() });
                Some(Duration::ZERO)
            }
        }
    }

    pub(super) fn forget(&self, uid: &str) {
        lock(&self.0).remove(uid);
    }

    /// Forgets the objects that are not there: some went while no controller ran, or while one ended.
    pub(super) fn keep(&self, is_there: impl Fn(&str) -> bool) {
        lock(&self.0).retain(|uid, _| is_there(uid));
    }

    #[cfg(test)]
    pub(crate) fn has(&self, uid: &str) -> bool {
        lock(&self.0).contains_key(uid)
    }
}

fn named(kind: &GroupVersionKind) -> Kind {
    (kind.group.clone(), kind.kind.clone())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in here can panic half way.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_create_ages_from_when_it_is_met_whatever_its_time_says() {
        let (past, future) = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
        let sightings = Sightings::default();
        for create in [past, future] {
            assert_eq!(sightings.age("u", Some(create)), Some(Duration::ZERO), "{create}");
            advance(SECOND).await;
            assert_eq!(sightings.age("u", Some(create)), Some(SECOND), "{create}");
        }
        assert_eq!(sightings.age("u", Some(past)), Some(Duration::ZERO), "another one than the last time");
        assert_eq!(sightings.age("v", Some(past)), Some(Duration::ZERO), "another object's");
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_held_of_objects_without_a_create() {
        let sightings = Sightings::default();
        for uid in ["u", "v", "w"] {
            sightings.age(uid, Some(Timestamp::UNIX_EPOCH));
        }
        assert_eq!(sightings.age("u", None), None);
        sightings.forget("v");
        sightings.keep(|uid| uid != "w");
        assert!(lock(&sightings.0).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_held_of_kinds_that_are_not_managed_any_more() {
        let sightings = KindSightings::default();
        let kind = |version, kind| GroupVersionKind::gvk("g", version, kind);
        let kinds = [kind("v1", "Kept"), kind("v1", "Dropped")];
        for kind in &kinds {
            sightings.of(kind).age("u", Some(Timestamp::UNIX_EPOCH));
        }
        sightings.keep([&kind("v2", "Kept"), &kind("v1", "New")].into_iter());
        assert_eq!(kinds.map(|kind| sightings.of(&kind).has("u")), [true, false]);
    }
}
