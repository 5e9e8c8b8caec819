//! A provider whose calls are cut off one after the other, whatever the object, is given rest: its calls are held, and from time
//! to time one is let through to see whether it works again.
//!
//! What people write into their objects may cut off calls as well, of which the logic is not guilty. So it is given rest only
//! where no object goes well, and objects that had no part in it are not held for long.

use std::{
    collections::HashSet,
    mem::take,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

/// Sessions that were cut off with none between that was not. Fewer happen with a few bad objects among good ones.
const STREAK: u32 = 10;
/// Of so many objects at least: what one object does to the logic is a matter of that object's back-off.
const OBJECTS: usize = 3;
/// As long after a session that ended well, what is cut off is the matter of the objects: two polls, so that each good one had a
/// turn.
const WELL: Duration = Duration::from_mins(2);
/// Until the first probe, doubled with each that fails up to the second.
const REST: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(5));
/// For calls that come while a probe is under way.
const PROBING: Duration = Duration::from_secs(1);
/// Objects whose calls were cut off that are told from the others. Where there are more, it is the logic.
const CULPRITS: usize = 64;

/// Of one provider.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    build: Mutex<Build>,
    changed: Notify,
}

/// What is known of the logic that is in service.
#[derive(Debug, Default)]
struct Build {
    /// Raised with each, so that sessions of the one before say nothing of this one.
    number: u64,
    state: State,
    /// Objects whose calls were cut off since the last session that ended well.
    culprits: HashSet<String>,
}

#[derive(Debug)]
enum State {
    /// Calls pass.
    Closed { streak: u32, well: Option<Instant> },
    /// Calls are held: those of culprits for `rest`, those of others for the shortest one.
    Open { since: Instant, rest: Duration, probing: bool },
}

/// That a session may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Admitted {
    build: u64,
    probe: bool,
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Well,
    CutOff,
    /// It says nothing of the logic: it was given up before a call came to its end.
    Unknown,
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { streak: 0, well: None }
    }
}

impl Breaker {
    /// Whether a session with the object of this uid may begin; if not, when to come again.
    pub(crate) fn admit(&self, uid: &str) -> Result<Admitted, Duration> {
        let mut build = self.lock();
        let Build { number, state, culprits } = &mut *build;
        let probe = match state {
            State::Closed { .. } => false,
            State::Open { probing: true, .. } => return Err(PROBING),
            State::Open { since, rest, probing } => {
                let guilty = culprits.len() >= CULPRITS || culprits.contains(uid);
                let held = if guilty { *rest } else { REST.0 };
                let left = held.saturating_sub(since.elapsed());
                if !left.is_zero() {
                    return Err(left);
                }
                *probing = true;
                true
            }
        };
        Ok(Admitted { build: *number, probe })
    }

    /// Has to be told of every session that was admitted.
    pub(crate) fn ended(&self, Admitted { build: of, probe }: Admitted, uid: &str, ended: Ended) {
        let mut build = self.lock();
        if build.number != of {
            return;
        }
        let Build { state, culprits, .. } = &mut *build;
        if ended == Ended::CutOff && culprits.len() < CULPRITS {
            culprits.insert(uid.to_owned());
        }
        match (&mut *state, ended) {
            (State::Closed { .. }, Ended::Well) => build.well(),
            (State::Closed { streak, well }, Ended::CutOff) => {
                *streak = streak.saturating_add(1);
                let some_go_well = well.is_some_and(|last| last.elapsed() < WELL);
                if *streak >= STREAK && culprits.len() >= OBJECTS && !some_go_well {
                    *state = State::Open { since: Instant::now(), rest: REST.0, probing: false };
                    self.changed.notify_one();
                }
            }
            // Sessions from before it opened have had their say.
            (State::Open { .. }, _) if !probe => {}
            (State::Open { .. }, Ended::Well) => {
                build.well();
                self.changed.notify_one();
            }
            (State::Open { since, rest, probing }, Ended::CutOff) => {
                *rest = (*rest * 2).min(REST.1);
                (*since, *probing) = (Instant::now(), false);
            }
            (State::Open { probing, .. }, Ended::Unknown) => *probing = false,
            (State::Closed { .. }, Ended::Unknown) => {}
        }
    }

    /// There is other logic, of which nothing is known yet.
    pub(crate) fn reset(&self) {
        let mut build = self.lock();
        let former = take(&mut *build);
        build.number = former.number + 1;
        drop(build);
        if matches!(former.state, State::Open { .. }) {
            self.changed.notify_one();
        }
    }

    /// Whether calls are held.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.lock().state, State::Open { .. })
    }

    /// Waits until it has opened or closed.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Build> {
        // Each change is one assignment, or a few that do no harm one without the other.
        self.build.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Build {
    /// A session ended well: calls pass, and nobody is guilty of anything.
    fn well(&mut self) {
        self.state = State::Closed { streak: 0, well: Some(Instant::now()) };
        self.culprits.clear();
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn session(breaker: &Breaker, uid: &str, ended: Ended) -> Result<(), Duration> {
        let admitted = breaker.admit(uid)?;
        breaker.ended(admitted, uid, ended);
        Ok(())
    }

    /// Objects `0`, `1` and `2` are cut off in turn until it opens, or for a while.
    fn cut_off(breaker: &Breaker) {
        for number in 0..10 * STREAK {
            if breaker.is_open() {
                return;
            }
            session(breaker, &(number % 3).to_string(), Ended::CutOff).unwrap();
        }
    }

    fn opened() -> Breaker {
        let breaker = Breaker::default();
        cut_off(&breaker);
        assert!(breaker.is_open());
        breaker
    }

    #[tokio::test(start_paused = true)]
    async fn many_bad_sessions_of_several_objects_hold_all_calls() {
        let breaker = Breaker::default();
        for number in 1..STREAK {
            session(&breaker, &(number % 3).to_string(), Ended::CutOff).unwrap();
        }
        assert!(!breaker.is_open());
        session(&breaker, "0", Ended::CutOff).unwrap();
        assert_eq!(session(&breaker, "new", Ended::Well), Err(REST.0));
    }

    #[tokio::test(start_paused = true)]
    async fn one_bad_object_holds_nothing() {
        let breaker = Breaker::default();
        for _ in 0..10 * STREAK {
            session(&breaker, "always the same", Ended::CutOff).unwrap();
        }
        assert!(!breaker.is_open());
    }

    #[tokio::test(start_paused = true)]
    async fn cut_off_calls_of_some_do_not_hold_those_that_work() {
        let breaker = Breaker::default();
        session(&breaker, "a good one", Ended::Well).unwrap();
        for _ in 0..10 {
            cut_off(&breaker);
            assert!(!breaker.is_open(), "a good one was seen not long ago");
            advance(WELL / 2).await;
            session(&breaker, "a good one", Ended::Well).unwrap();
        }
        // None goes well any more.
        advance(WELL).await;
        cut_off(&breaker);
        assert!(breaker.is_open());
    }

    #[tokio::test(start_paused = true)]
    async fn one_probe_at_a_time_decides_and_failing_ones_come_more_and_more_seldom() {
        let breaker = opened();
        advance(REST.0).await;
        let probe = breaker.admit("0").unwrap();
        assert_eq!(breaker.admit("1"), Err(PROBING));
        breaker.ended(probe, "0", Ended::CutOff);
        assert_eq!(breaker.admit("0"), Err(REST.0 * 2));
        advance(REST.0 * 2).await;
        let probe = breaker.admit("0").unwrap();
        breaker.ended(probe, "0", Ended::Unknown);
        let probe = breaker.admit("0").unwrap();
        // What began before it opened decides nothing.
        breaker.ended(Admitted { probe: false, ..probe }, "1", Ended::Well);
        assert!(breaker.is_open());
        breaker.ended(probe, "0", Ended::Well);
        assert!(!breaker.is_open() && breaker.admit("0").is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_had_no_part_in_it_is_tried_soon() {
        let breaker = opened();
        for _ in 0..10 {
            advance(REST.1).await;
            session(&breaker, "0", Ended::CutOff).unwrap();
        }
        assert_eq!(breaker.admit("1"), Err(REST.1));
        assert_eq!(breaker.admit("new"), Err(REST.0));
        advance(REST.0).await;
        session(&breaker, "new", Ended::Well).unwrap();
        assert!(!breaker.is_open());

        let breaker = opened();
        for number in 0..CULPRITS {
            advance(REST.1).await;
            session(&breaker, &format!("another-{number}"), Ended::CutOff).unwrap();
        }
        assert_eq!(breaker.admit("new"), Err(REST.1), "it is the logic");
    }

    #[tokio::test(start_paused = true)]
    async fn other_logic_begins_anew() {
        let breaker = opened();
        breaker.reset();
        assert!(breaker.admit("0").is_ok());
        breaker.changed().await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_began_with_the_former_logic_says_nothing_of_the_new() {
        let breaker = Breaker::default();
        let begun: Vec<_> = (0..STREAK).map(|number| (breaker.admit("any").unwrap(), number.to_string())).collect();
        breaker.reset();
        for (admitted, uid) in begun {
            breaker.ended(admitted, &uid, Ended::CutOff);
        }
        assert!(!breaker.is_open());
        session(&breaker, "0", Ended::CutOff).unwrap();
        assert!(!breaker.is_open());
    }
}
