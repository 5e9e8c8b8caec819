//! Repetitions of one event, folded into a series as client-go does.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use crate::Event;

/// After so long without a repetition the next one is a new event.
const FOLDED_FOR: Duration = Duration::from_mins(6);
/// Events remembered. Beyond it the oldest are forgotten: their next repetition is a new event, no worse.
const REMEMBERED: usize = 4096;

/// The events written lately.
#[derive(Debug, Default)]
pub(crate) struct Series(HashMap<Event, Written>);

#[derive(Debug)]
struct Written {
    name: String,
    count: u32,
    last: Instant,
}

/// Which event a repetition belongs to, and how many there are with it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Repeated {
    pub(crate) name: String,
    pub(crate) count: u32,
}

impl Series {
    /// Counts the event if it is a repetition.
    pub(crate) fn repeat(&mut self, event: &Event, now: Instant) -> Option<Repeated> {
        let written = self.0.get_mut(&identity(event))?;
        if now.duration_since(written.last) > FOLDED_FOR {
            return None;
        }
        written.count += 1;
        written.last = now;
        Some(Repeated { name: written.name.clone(), count: written.count })
    }

    /// It was written under this name.
    pub(crate) fn written(&mut self, event: &Event, name: String, now: Instant) {
        if self.0.len() >= REMEMBERED {
            self.0.retain(|_, written| now.duration_since(written.last) <= FOLDED_FOR);
        }
        if self.0.len() >= REMEMBERED {
            let oldest = self.0.iter().min_by_key(|(_, written)| written.last).map(|(event, _)| event.clone());
            if let Some(oldest) = oldest {
                self.0.remove(&oldest);
            }
        }
        self.0.insert(identity(event), Written { name, count: 1, last: now });
    }

    /// The event it belongs to is gone.
    pub(crate) fn forget(&mut self, event: &Event) {
        self.0.remove(&identity(event));
    }
}

/// The object may have moved on between two repetitions.
fn identity(event: &Event) -> Event {
    let mut event = event.clone();
    event.regarding.resource_version.clear();
    event
}

#[cfg(test)]
mod tests {
    use capstan_api::{GroupVersionKind, ObjectKey, ObjectRef};

    use super::*;
    use crate::{EventKind, Regarding};

    fn event(note: &str, version: &str) -> Event {
        let object = ObjectRef { kind: GroupVersionKind::gvk("", "v1", "ConfigMap"), key: ObjectKey::cluster("a") };
        Event {
            controller: "c".into(),
            regarding: Regarding { object, uid: "u".into(), resource_version: version.into() },
            kind: EventKind::Warning,
            reason: "R".into(),
            action: "A".into(),
            note: note.into(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_again_is_counted_and_something_else_is_not() {
        let mut series = Series::default();
        assert_eq!(series.repeat(&event("n", "1"), Instant::now()), None);
        series.written(&event("n", "1"), "a.1".into(), Instant::now());
        let repeated = series.repeat(&event("n", "2"), Instant::now());
        assert_eq!(repeated, Some(Repeated { name: "a.1".into(), count: 2 }));
        assert_eq!(series.repeat(&event("other", "2"), Instant::now()), None);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_while_it_is_a_new_event() {
        let mut series = Series::default();
        series.written(&event("n", "1"), "a.1".into(), Instant::now());
        tokio::time::advance(FOLDED_FOR + Duration::from_secs(1)).await;
        assert_eq!(series.repeat(&event("n", "1"), Instant::now()), None);
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded() {
        let mut series = Series::default();
        for number in 0..2 * REMEMBERED {
            series.written(&event(&number.to_string(), "1"), "a.1".into(), Instant::now());
        }
        assert_eq!(series.0.len(), REMEMBERED);
    }
}
