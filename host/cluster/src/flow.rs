//! How fast one client of the API server may ask.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// Requests a second, and how many may come at once after a rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// In the long run.
    pub per_second: NonZeroU32,
    /// Saved up while nothing is asked.
    pub burst: NonZeroU32,
}

impl Default for Rate {
    /// 200 requests a second, 400 at once: about what one API server writes on two cores, so that a provider with work to
    /// do is not held up and one that runs wild leaves half of the server's time to the others.
    fn default() -> Self {
        let number = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        Self { per_second: number(200), burst: number(400) }
    }
}

/// A token bucket. Cheap to clone; all clones share the tokens.
///
/// Guarantees: who asks first goes first; nobody waits while there are tokens, unless all are [held](Self::hold). A request
/// that is given up while it waits has used its token, and so has one that a hold came before.
#[derive(Debug, Clone)]
pub struct Flow(Arc<Bucket>);

#[derive(Debug)]
struct Bucket {
    /// Between two requests in the long run.
    interval: Duration,
    /// The time in which a full bucket fills.
    depth: Duration,
    turns: Mutex<Turns>,
}

#[derive(Debug)]
struct Turns {
    /// When the next request would go if the bucket were empty. It lies in the past by as much as is saved up.
    next: Instant,
    /// Nothing goes before, whatever turn it was given.
    held: Instant,
}

impl Flow {
    /// A full bucket.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        let interval = Duration::from_secs(1) / rate.per_second.get();
        let depth = interval.saturating_mul(rate.burst.get() - 1);
        let now = Instant::now();
        let turns = Turns { next: now.checked_sub(depth).unwrap_or(now), held: now };
        Self(Arc::new(Bucket { interval, depth, turns: Mutex::new(turns) }))
    }

    /// Waits for a token and takes it.
    ///
    /// # Errors
    ///
    /// Nothing passes before the deadline: until when. Told at once.
    pub(crate) async fn turn(&self, deadline: Instant) -> Result<(), Instant> {
        loop {
            let now = Instant::now();
            let turn = {
                let mut turns = self.turns();
                if turns.held >= deadline {
                    return Err(turns.held);
                }
                let turn = now.checked_sub(self.0.depth).map_or(turns.next, |full| full.max(turns.next));
                turns.next = turn + self.0.interval;
                turn
            };
            if turn > now {
                sleep_until(turn).await;
            }
            // The turn may be from before a hold.
            if !self.is_held() {
                return Ok(());
            }
        }
    }

    /// Lets nothing pass until then: the API server asked for it. Who waits already stands in line anew.
    pub(crate) fn hold(&self, until: Instant) {
        let mut turns = self.turns();
        turns.held = until.max(turns.held);
        turns.next = until.max(turns.next);
    }

    /// Whether nothing may pass now, whoever had a turn.
    pub(crate) fn is_held(&self) -> bool {
        self.turns().held > Instant::now()
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        // Two values that need not agree are whole after a panic.
        self.0.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures::future::{join, join_all};
    use tokio::time::sleep;

    use super::*;

    fn flow(per_second: u32, burst: u32) -> Flow {
        Flow::new(Rate { per_second: per_second.try_into().unwrap(), burst: burst.try_into().unwrap() })
    }

    /// Who has time.
    async fn turn(flow: &Flow) {
        flow.turn(Instant::now() + Duration::from_hours(1)).await.unwrap();
    }

    /// How long so many turns take that are asked for at once.
    async fn time(flow: &Flow, turns: usize) -> Duration {
        let begun = Instant::now();
        join_all((0..turns).map(|_| turn(flow))).await;
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_the_rest_follows_at_the_rate() {
        let flow = flow(10, 20);
        assert_eq!(time(&flow, 20).await, Duration::ZERO);
        assert_eq!(time(&flow, 50).await, Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_rest_is_saved_up_to_a_burst_and_no_further() {
        let flow = flow(10, 20);
        time(&flow, 20).await;
        sleep(Duration::from_hours(1)).await;
        assert_eq!(time(&flow, 20).await, Duration::ZERO);
        assert_eq!(time(&flow, 1).await, Duration::from_millis(100));
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_stops_everybody_and_what_was_saved_is_gone() {
        let flow = flow(10, 20);
        flow.hold(Instant::now() + Duration::from_secs(3));
        assert_eq!(time(&flow, 11).await, Duration::from_secs(4));
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_that_is_longer_than_there_is_time_is_told_at_once() {
        let flow = flow(10, 20);
        let begun = Instant::now();
        let (until, deadline) = (begun + Duration::from_mins(2), begun + Duration::from_secs(30));
        flow.hold(until);
        assert_eq!(flow.turn(deadline).await, Err(until));
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_stops_also_those_who_wait_for_a_turn() {
        let flow = flow(10, 20);
        let begun = Instant::now();
        let waiting = join_all((0..30).map(|_| async {
            turn(&flow).await;
            begun.elapsed()
        }));
        let holding = async { flow.hold(begun + Duration::from_secs(3)) };
        let (passed, ()) = join(waiting, holding).await;
        let (before, after): (Vec<_>, Vec<_>) = passed.into_iter().partition(Duration::is_zero);
        assert_eq!(before.len(), 20);
        assert!(after.iter().all(|at| *at >= Duration::from_secs(3)), "{after:?}");
        assert_eq!(after.into_iter().max(), Some(Duration::from_millis(3_900)), "and then at the rate");
    }
}
