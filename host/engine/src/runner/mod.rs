//! Where reconciles run: one bounded pool for all controllers, shared fairly between providers.
//!
//! A controller asks its [`Lane`] for a [`Slot`] when something is due, and chooses what to run when it has one: what is
//! most urgent then, not what was when it asked. [`Runs`] holds what is running.
//!
//! Guarantees: slots are shared by weight among those who wait; a provider holds no more than its share allows; and a
//! quarter of the pool is kept for providers that have no slot, so that one which is slow, or many that are, do not keep
//! the others waiting for as long as their slowest call.

mod fair;
#[cfg(test)]
mod fairness;
mod runs;

use std::{
    collections::HashMap,
    num::NonZeroUsize,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use tokio::sync::oneshot;

use fair::{Fair, LaneId};

pub use runs::{Ending, Runs};

/// Hands out the slots of the pool. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Runner(Arc<Shared>);

#[derive(Debug)]
struct Shared(Mutex<State>);

#[derive(Debug)]
struct State {
    fair: Fair<oneshot::Sender<Slot>>,
    /// Lanes by provider, with the number of handles to each.
    lanes: HashMap<String, (LaneId, usize)>,
}

/// How many reconciles of one provider may run at once, and its share when there are not enough slots for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// The greatest number of slots it holds at once.
    pub slots: NonZeroUsize,
    /// Of two providers that both wait, the one with weight 2 gets twice as many slots as the one with 1.
    pub weight: NonZeroUsize,
}

impl Default for Share {
    /// Eight slots, so that one slow external system does not take the pool; equal weights.
    fn default() -> Self {
        let slots = NonZeroUsize::new(8).unwrap_or(NonZeroUsize::MIN);
        Self { slots, weight: NonZeroUsize::MIN }
    }
}

/// A provider's way to slots, shared by its controllers. Dropping the last handle removes it.
#[derive(Debug)]
pub struct Lane {
    shared: Arc<Shared>,
    provider: String,
    id: LaneId,
}

/// The right to run one reconcile; dropping it passes it on.
#[derive(Debug)]
pub struct Slot {
    shared: Arc<Shared>,
    lane: LaneId,
}

/// A place in the line for a slot. Dropping it gives the place up.
#[derive(Debug)]
pub struct SlotRequest(oneshot::Receiver<Slot>);

impl Runner {
    /// A pool in which `slots` reconciles run at once.
    #[must_use]
    pub fn new(slots: NonZeroUsize) -> Self {
        Self(Arc::new(Shared(Mutex::new(State { fair: Fair::new(slots.get()), lanes: HashMap::new() }))))
    }

    /// The lane of a provider, made if nobody has it. `share` counts for all handles to it: the last one given wins.
    #[must_use]
    pub fn lane(&self, provider: &str, share: Share) -> Lane {
        let mut state = self.0.lock();
        let known = state.lanes.get_mut(provider).map(|(id, handles)| {
            *handles += 1;
            *id
        });
        let id = known.unwrap_or_else(|| {
            let id = state.fair.add_lane();
            state.lanes.insert(provider.to_owned(), (id, 1));
            id
        });
        state.fair.set_share(id, share.slots.get(), share.weight.get());
        drop(state);
        // A greater share may let somebody in who waits.
        Shared::grant(&self.0);
        Lane { shared: Arc::clone(&self.0), provider: provider.to_owned(), id }
    }
}

impl Lane {
    /// Gets in line.
    #[must_use]
    pub fn request(&self) -> SlotRequest {
        let (give, take) = oneshot::channel();
        self.shared.lock().fair.wait(self.id, give);
        Shared::grant(&self.shared);
        SlotRequest(take)
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        let Some((_, handles)) = state.lanes.get_mut(&self.provider) else {
            return;
        };
        *handles -= 1;
        if *handles == 0 {
            state.lanes.remove(&self.provider);
            state.fair.remove_lane(self.id);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.shared.lock().fair.release(self.lane);
        Shared::grant(&self.shared);
    }
}

impl Future for SlotRequest {
    type Output = Slot;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Slot> {
        match ready!(Pin::new(&mut self.0).poll(context)) {
            Ok(slot) => Poll::Ready(slot),
            // The lane went away with us in it: there will be no slot.
            Err(_) => Poll::Pending,
        }
    }
}

impl Shared {
    /// Gives free slots to those whose turn it is.
    fn grant(this: &Arc<Self>) {
        loop {
            let Some((lane, waiter)) = this.lock().fair.next() else {
                return;
            };
            // Sent outside the lock: if the waiter is gone the slot comes back here, and its drop takes the lock again.
            drop(waiter.send(Slot { shared: Arc::clone(this), lane }));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is complete before anything can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn share(slots: usize, weight: usize) -> Share {
        Share { slots: NonZeroUsize::new(slots).unwrap(), weight: NonZeroUsize::new(weight).unwrap() }
    }

    fn runner(slots: usize) -> Runner {
        Runner::new(NonZeroUsize::new(slots).unwrap())
    }

    #[test]
    fn a_free_slot_is_there_at_once() {
        let lane = runner(1).lane("a", share(1, 1));
        assert!(lane.request().now_or_never().is_some());
    }

    #[test]
    fn the_pool_and_each_provider_are_bounded() {
        let runner = runner(3);
        let (a, b) = (runner.lane("a", share(2, 1)), runner.lane("b", share(2, 1)));
        let _a = [a.request().now_or_never().unwrap(), a.request().now_or_never().unwrap()];
        assert!(a.request().now_or_never().is_none(), "a has two already");
        let _b = b.request().now_or_never().unwrap();
        assert!(b.request().now_or_never().is_none(), "the pool has three already");
    }

    #[test]
    fn a_dropped_slot_goes_to_the_next_in_line() {
        let lane = runner(1).lane("a", share(1, 1));
        let slot = lane.request().now_or_never().unwrap();
        let mut next = lane.request();
        assert!((&mut next).now_or_never().is_none());
        drop(slot);
        assert!(next.now_or_never().is_some());
    }

    #[test]
    fn who_leaves_the_line_takes_no_slot_along() {
        let lane = runner(1).lane("a", share(1, 1));
        let slot = lane.request().now_or_never().unwrap();
        let (left, stays, granted) = (lane.request(), lane.request(), lane.request());
        drop(left);
        drop(slot);
        let slot = stays.now_or_never().unwrap();
        drop(slot);
        drop(granted);
        assert!(lane.request().now_or_never().is_some());
    }

    #[test]
    fn controllers_of_one_provider_share_its_slots() {
        let runner = runner(10);
        let (one, other) = (runner.lane("a", share(1, 1)), runner.lane("a", share(1, 1)));
        let _slot = one.request().now_or_never().unwrap();
        assert!(other.request().now_or_never().is_none());
    }

    #[test]
    fn a_provider_that_goes_leaves_its_slot_to_the_others() {
        let runner = runner(1);
        let lane = runner.lane("a", share(1, 1));
        let slot = lane.request().now_or_never().unwrap();
        drop(lane);
        drop(slot);
        assert!(runner.lane("b", share(1, 1)).request().now_or_never().is_some());
        assert!(runner.0.lock().lanes.is_empty());
    }
}
