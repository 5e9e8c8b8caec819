//! For how long this process has known of the creates on record.
//!
//! The times in annotations are those of whoever wrote them: a clock that runs ahead, or behind, says nothing of how long
//! ago something was. So a wait that a create asks for goes by tokio's clock, from when the record was first met.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::time::Instant;

/// By uid, the last create on record, and when it was met. Nothing of objects without one. Shared by the controllers of a
/// provider, so that a wait does not begin anew with each of them. Cheap to clone.
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
        let mut all = self.lock();
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
        self.lock().remove(uid);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Sighting>> {
        // Nothing in here can panic half way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        for uid in ["u", "v"] {
            sightings.age(uid, Some(Timestamp::UNIX_EPOCH));
        }
        assert_eq!(sightings.age("u", None), None);
        sightings.forget("v");
        assert!(sightings.lock().is_empty());
    }
}
