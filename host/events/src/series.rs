//! Repetitions of one event, folded into a series as client-go does.
//!
//! The first repetition is written at once. What repeats faster than that is of no use to anybody reading, and may be thousands
//! of times: further ones are counted, and written together.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use jiff::Timestamp;
use tokio::time::Instant;

use crate::Event;

/// After so long without a repetition the next one is a new event.
const FOLDED_FOR: Duration = Duration::from_mins(6);
/// Events remembered. Beyond it the oldest are forgotten: their next repetition is a new event, no worse.
const REMEMBERED: usize = 4096;
/// For so long at most a repetition is counted and not written.
const UNWRITTEN_FOR: Duration = Duration::from_secs(10);

/// The events written lately.
#[derive(Debug, Default)]
pub(crate) struct Series {
    written: HashMap<Event, Written>,
    /// Those with repetitions that are not written, and when they are to be, in that order.
    unwritten: VecDeque<(Instant, Event)>,
}

#[derive(Debug)]
struct Written {
    name: String,
    count: u32,
    last: Instant,
    /// The time of day then.
    seen: Timestamp,
    /// Stands among the unwritten.
    waits: bool,
}

/// Which event a repetition belongs to, how many there are with it, and when the last one was.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Repeated {
    pub(crate) name: String,
    pub(crate) count: u32,
    pub(crate) seen: Timestamp,
}

/// What is to be done about an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It is to be written.
    New,
    /// The series of the event that was written is to be moved on.
    Again(Repeated),
    /// It is counted, and written with others.
    Later,
}

impl Written {
    fn repeated(&self) -> Repeated {
        Repeated { name: self.name.clone(), count: self.count, seen: self.seen }
    }
}

impl Series {
    /// Counts the event if it is a repetition.
    pub(crate) fn turn(&mut self, event: &Event, now: Instant, seen: Timestamp) -> Turn {
        let identity = identity(event);
        let Some(written) = self.written.get_mut(&identity) else { return Turn::New };
        if now.duration_since(written.last) > FOLDED_FOR {
            return Turn::New;
        }
        written.count += 1;
        (written.last, written.seen) = (now, seen);
        if written.count == 2 {
            return Turn::Again(written.repeated());
        }
        if !std::mem::replace(&mut written.waits, true) {
            self.unwritten.push_back((now + UNWRITTEN_FOR, identity));
        }
        Turn::Later
    }

    /// When the next repetitions are to be written that were counted.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.unwritten.front().map(|(due, _)| *due)
    }

    /// The next ones that were counted, due or not.
    pub(crate) fn unwritten(&mut self) -> Option<(Event, Repeated)> {
        while let Some((_, event)) = self.unwritten.pop_front() {
            // It may have been forgotten, and written anew since.
            if let Some(written) = self.written.get_mut(&event)
                && std::mem::take(&mut written.waits)
            {
                let repeated = written.repeated();
                return Some((event, repeated));
            }
        }
        None
    }

    /// It was written under this name.
    pub(crate) fn written(&mut self, event: &Event, name: String, now: Instant, seen: Timestamp) {
        if self.written.len() >= REMEMBERED {
            self.written.retain(|_, written| now.duration_since(written.last) <= FOLDED_FOR);
        }
        if self.written.len() >= REMEMBERED {
            let oldest = self.written.iter().min_by_key(|(_, written)| written.last).map(|(event, _)| event.clone());
            if let Some(oldest) = oldest {
                self.written.remove(&oldest);
            }
        }
        self.written.insert(identity(event), Written { name, count: 1, last: now, seen, waits: false });
    }

    /// The event it belongs to is gone.
    pub(crate) fn forget(&mut self, event: &Event) {
        self.written.remove(&identity(event));
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

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn repeated(count: u32, second: i64) -> Repeated {
        Repeated { name: "a.1".into(), count, seen: time(second) }
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_again_is_counted_and_something_else_is_not() {
        let mut series = Series::default();
        assert_eq!(series.turn(&event("n", "1"), Instant::now(), time(1)), Turn::New);
        series.written(&event("n", "1"), "a.1".into(), Instant::now(), time(1));
        let turn = series.turn(&event("n", "2"), Instant::now(), time(2));
        assert_eq!(turn, Turn::Again(repeated(2, 2)));
        assert_eq!(series.turn(&event("other", "2"), Instant::now(), time(3)), Turn::New);
    }

    #[tokio::test(start_paused = true)]
    async fn what_repeats_quickly_is_written_together() {
        let mut series = Series::default();
        series.written(&event("n", "1"), "a.1".into(), Instant::now(), time(1));
        let mut again = |second| series.turn(&event("n", "1"), Instant::now(), time(second));
        assert_eq!(again(2), Turn::Again(repeated(2, 2)));
        assert_eq!([again(3), again(4)], [Turn::Later, Turn::Later]);
        assert_eq!(series.next_due(), Some(Instant::now() + UNWRITTEN_FOR));
        assert_eq!(series.unwritten(), Some((event("n", ""), repeated(4, 4))));
        assert_eq!((series.unwritten(), series.next_due()), (None, None));
        // What comes then is counted anew.
        assert_eq!(series.turn(&event("n", "1"), Instant::now(), time(5)), Turn::Later);
        assert_eq!(series.unwritten(), Some((event("n", ""), repeated(5, 5))));
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_while_it_is_a_new_event() {
        let mut series = Series::default();
        series.written(&event("n", "1"), "a.1".into(), Instant::now(), time(1));
        tokio::time::advance(FOLDED_FOR + Duration::from_secs(1)).await;
        assert_eq!(series.turn(&event("n", "1"), Instant::now(), time(400)), Turn::New);
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded() {
        let mut series = Series::default();
        for number in 0..2 * REMEMBERED {
            series.written(&event(&number.to_string(), "1"), "a.1".into(), Instant::now(), time(1));
        }
        assert_eq!(series.written.len(), REMEMBERED);
    }
}
