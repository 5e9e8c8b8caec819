//! A provider whose calls are cut off one after the other, whatever the object, is given rest: its calls are held, and from time
//! to time one is let through to see whether it works again.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

/// Sessions that were cut off with none between that was not. Fewer happen with a few bad objects among good ones.
const STREAK: u32 = 10;
/// Of so many objects at least: what one object does to the logic is a matter of that object's back-off.
const OBJECTS: usize = 3;
/// Until the first probe, doubled with each that fails up to the second.
const REST: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(5));
/// For calls that come while a probe is under way.
const PROBING: Duration = Duration::from_secs(1);

/// Of one provider.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
enum State {
    /// Calls pass.
    Closed { streak: u32, objects: HashSet<String> },
    /// Calls are held.
    Open { until: Instant, rest: Duration, probing: bool },
}

/// That a session may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Admitted {
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
        Self::Closed { streak: 0, objects: HashSet::new() }
    }
}

impl Breaker {
    /// Whether a session may begin; if not, when to come again.
    pub(crate) fn admit(&self) -> Result<Admitted, Duration> {
        match &mut *self.lock() {
            State::Closed { .. } => Ok(Admitted { probe: false }),
            State::Open { probing: true, .. } => Err(PROBING),
            State::Open { until, probing, .. } => {
                let left = until.saturating_duration_since(Instant::now());
                if !left.is_zero() {
                    return Err(left);
                }
                *probing = true;
                Ok(Admitted { probe: true })
            }
        }
    }

    /// Has to be told of every session that was admitted.
    pub(crate) fn ended(&self, Admitted { probe }: Admitted, uid: &str, ended: Ended) {
        let mut state = self.lock();
        match (&mut *state, ended) {
            (State::Closed { .. }, Ended::Well) => *state = State::default(),
            (State::Closed { streak, objects }, Ended::CutOff) => {
                *streak += 1;
                if objects.len() < OBJECTS {
                    objects.insert(uid.to_owned());
                }
                if *streak >= STREAK && objects.len() >= OBJECTS {
                    *state = State::Open { until: Instant::now() + REST.0, rest: REST.0, probing: false };
                    self.changed.notify_one();
                }
            }
            // Sessions from before it opened have had their say.
            (State::Open { .. }, _) if !probe => {}
            (State::Open { .. }, Ended::Well) => {
                *state = State::default();
                self.changed.notify_one();
            }
            (State::Open { until, rest, probing }, Ended::CutOff) => {
                *rest = (*rest * 2).min(REST.1);
                (*until, *probing) = (Instant::now() + *rest, false);
            }
            (State::Open { probing, .. }, Ended::Unknown) => *probing = false,
            (State::Closed { .. }, Ended::Unknown) => {}
        }
    }

    /// There is other logic, of which nothing is known yet.
    pub(crate) fn reset(&self) {
        let former = std::mem::take(&mut *self.lock());
        if matches!(former, State::Open { .. }) {
            self.changed.notify_one();
        }
    }

    /// Whether calls are held.
    pub(crate) fn is_open(&self) -> bool {
        matches!(*self.lock(), State::Open { .. })
    }

    /// Waits until it has opened or closed.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn session(breaker: &Breaker, uid: &str, ended: Ended) -> Result<(), Duration> {
        let admitted = breaker.admit()?;
        breaker.ended(admitted, uid, ended);
        Ok(())
    }

    fn opened() -> Breaker {
        let breaker = Breaker::default();
        for number in 0..STREAK {
            session(&breaker, &(number % 3).to_string(), Ended::CutOff).unwrap();
        }
        assert!(breaker.is_open());
        breaker
    }

    #[tokio::test(start_paused = true)]
    async fn many_bad_sessions_of_several_objects_hold_all_calls() {
        let breaker = opened();
        assert_eq!(session(&breaker, "new", Ended::Well), Err(REST.0));
    }

    #[tokio::test(start_paused = true)]
    async fn one_bad_object_holds_nothing_and_neither_do_bad_ones_among_good_ones() {
        let breaker = Breaker::default();
        for number in 0..10 * STREAK {
            session(&breaker, "always the same", Ended::CutOff).unwrap();
            if number % (STREAK - 1) == 0 {
                session(&breaker, "a good one", Ended::Well).unwrap();
            }
        }
        for number in 0..STREAK - 1 {
            session(&breaker, &number.to_string(), Ended::CutOff).unwrap();
        }
        session(&breaker, "a good one", Ended::Well).unwrap();
        session(&breaker, "a bad one", Ended::CutOff).unwrap();
        assert!(!breaker.is_open());
    }

    #[tokio::test(start_paused = true)]
    async fn one_probe_at_a_time_decides_and_failing_ones_come_more_and_more_seldom() {
        let breaker = opened();
        advance(REST.0).await;
        let probe = breaker.admit().unwrap();
        assert_eq!(breaker.admit(), Err(PROBING));
        breaker.ended(probe, "a", Ended::CutOff);
        assert_eq!(breaker.admit(), Err(REST.0 * 2));
        advance(REST.0 * 2).await;
        let probe = breaker.admit().unwrap();
        breaker.ended(probe, "a", Ended::Unknown);
        let probe = breaker.admit().unwrap();
        // What began before it opened decides nothing.
        breaker.ended(Admitted { probe: false }, "b", Ended::Well);
        assert!(breaker.is_open());
        breaker.ended(probe, "a", Ended::Well);
        assert!(!breaker.is_open() && breaker.admit().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn other_logic_begins_anew() {
        let breaker = opened();
        breaker.reset();
        assert!(breaker.admit().is_ok());
        breaker.changed().await;
    }
}
