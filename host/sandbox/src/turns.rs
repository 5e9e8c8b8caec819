//! Turns of guests that run for long.
//!
//! A guest that still runs at the second tick of a call needs a turn to go on, and there is one turn fewer than processors. However many of them there
//! are, a processor is left for what is done sooner: most guests, and the host itself, down to the timers that stop guests.

use std::{
    future::poll_fn,
    num::NonZeroUsize,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task,
};

/// All there are.
#[derive(Debug)]
pub(crate) struct Turns(Arc<Semaphore>);

impl Turns {
    pub(crate) fn new(count: NonZeroUsize) -> Self {
        Self(Arc::new(Semaphore::new(count.get().min(Semaphore::MAX_PERMITS))))
    }

    /// Takes one away.
    #[cfg(test)]
    pub(crate) async fn take(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.0).acquire_owned().await.unwrap()
    }

    /// A guest that may come to need one.
    pub(crate) fn seat(&self) -> Seat {
        Seat { turns: Arc::clone(&self.0), turn: Arc::default() }
    }
}

/// One fewer than processors; where there is only one, guests take turns on that.
pub(crate) fn of_this_machine() -> NonZeroUsize {
    let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    NonZeroUsize::new(processors - 1).unwrap_or(NonZeroUsize::MIN)
}

/// A guest among others. Cheap to clone; all clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    turns: Arc<Semaphore>,
    turn: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
}

impl Seat {
    /// Steps back, and waits for a turn behind those who wait already.
    pub(crate) async fn turn(self) {
        task::yield_now().await;
        // Nobody closes a semaphore.
        let turn = Arc::clone(&self.turns).acquire_owned().await.ok();
        self.keep(turn);
    }

    /// Runs something of the guest's. A turn that it gets in it lasts until it steps back, waits for something or ends.
    pub(crate) async fn run<F: Future>(&self, running: F) -> F::Output {
        let mut running = pin!(running);
        poll_fn(|context| {
            let polled = running.as_mut().poll(context);
            self.keep(None);
            polled
        })
        .await
    }

    fn keep(&self, turn: Option<OwnedSemaphorePermit>) {
        // A single value is whole after a panic.
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = turn;
    }
}

#[cfg(test)]
mod tests {
    use futures::poll;

    use super::*;

    #[tokio::test]
    async fn a_turn_is_for_one_and_lasts_until_it_waits() {
        let turns = Turns::new(NonZeroUsize::MIN);
        let (one, other) = (turns.seat(), turns.seat());
        let mut waits = pin!(other.run(other.clone().turn()));
        let runs = one.run(async {
            one.clone().turn().await;
            for _ in 0..3 {
                assert!(poll!(&mut waits).is_pending(), "somebody else has it");
            }
            task::yield_now().await;
            assert!(poll!(&mut waits).is_ready(), "it was given back");
        });
        runs.await;
        assert_eq!(turns.0.available_permits(), 1);
    }

    #[tokio::test]
    async fn who_gives_up_holds_nobody_up() {
        let turns = Turns::new(NonZeroUsize::MIN);
        let (one, other) = (turns.seat(), turns.seat());
        let runs = one.run(async {
            one.clone().turn().await;
            let mut given_up = Box::pin(other.run(other.clone().turn()));
            for _ in 0..3 {
                assert!(poll!(&mut given_up).is_pending());
            }
        });
        runs.await;
        assert_eq!(turns.0.available_permits(), 1);
    }
}
