//! The reconciles of one controller that are running.

use std::{collections::HashMap, sync::Arc, time::Duration};

use capstan_api::ObjectKey;
use tokio::{
    task::{Id, JoinError, JoinSet},
    time::{Instant, timeout, timeout_at},
};

use super::Slot;
use crate::panic::panic_message;

/// How a reconcile came to its end.
#[derive(Debug, PartialEq, Eq)]
pub enum Ending<T> {
    /// By itself.
    Finished(T),
    /// By a panic, with its message. Only this reconcile is lost.
    Panicked(String),
    /// Its deadline passed; it was dropped where it stood.
    TimedOut,
}

/// Runs reconciles, each as a task with a deadline. Dropping it aborts them.
#[derive(Debug)]
pub struct Runs<T> {
    deadline: Duration,
    tasks: JoinSet<Option<T>>,
    keys: HashMap<Id, Arc<ObjectKey>>,
}

impl<T: Send + 'static> Runs<T> {
    /// Nothing runs yet; each reconcile will have `deadline` from its start.
    #[must_use]
    pub fn new(deadline: Duration) -> Self {
        Self { deadline, tasks: JoinSet::new(), keys: HashMap::new() }
    }

    /// Runs one. The slot is passed on when it ends, in whatever way.
    pub fn spawn(&mut self, key: Arc<ObjectKey>, slot: Slot, reconcile: impl Future<Output = T> + Send + 'static) {
        let deadline = self.deadline;
        let task = self.tasks.spawn(async move {
            let _slot = slot;
            timeout(deadline, reconcile).await.ok()
        });
        self.keys.insert(task.id(), key);
    }

    /// The next one to end; `None` if nothing runs. Nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<(Arc<ObjectKey>, Ending<T>)> {
        loop {
            let (id, ending) = match self.tasks.join_next_with_id().await? {
                Ok((id, Some(report))) => (id, Ending::Finished(report)),
                Ok((id, None)) => (id, Ending::TimedOut),
                Err(error) => (error.id(), Ending::Panicked(message(error))),
            };
            if let Some(key) = self.keys.remove(&id) {
                return Some((key, ending));
            }
        }
    }

    /// Whether nothing runs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Waits for all, at most for `patience`; what runs then is aborted. Returns how many were.
    pub async fn drain(&mut self, patience: Duration) -> usize {
        let until = Instant::now() + patience;
        while let Ok(Some(_)) = timeout_at(until, self.next()).await {}
        let left = self.tasks.len();
        self.tasks.shutdown().await;
        self.keys.clear();
        left
    }
}

fn message(error: JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else {
        return "aborted".to_owned();
    };
    panic_message(panic.as_ref())
}

#[cfg(test)]
mod tests {
    use std::{future::pending, num::NonZeroUsize};

    use tokio::time::sleep;

    use super::*;
    use crate::runner::{Lane, Runner, Share};

    fn lane() -> Lane {
        Runner::new(NonZeroUsize::new(4).unwrap()).lane("test", Share::default())
    }

    fn key(name: &str) -> Arc<ObjectKey> {
        Arc::new(ObjectKey::cluster(name))
    }

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_is_the_end_of_one_reconcile_only() {
        let (lane, mut runs) = (lane(), Runs::new(secs(60)));
        runs.spawn(key("bad"), lane.request().await, async { panic!("broken {}", "badly") });
        runs.spawn(key("good"), lane.request().await, async {
            sleep(secs(1)).await;
            7
        });
        assert_eq!(runs.next().await, Some((key("bad"), Ending::Panicked("broken badly".to_owned()))));
        assert_eq!(runs.next().await, Some((key("good"), Ending::Finished(7))));
        assert_eq!(runs.next().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_hangs_is_dropped_at_its_deadline_and_gives_its_slot_back() {
        let lane = Runner::new(NonZeroUsize::MIN).lane("test", Share::default());
        let mut runs = Runs::<()>::new(secs(60));
        let start = Instant::now();
        runs.spawn(key("hangs"), lane.request().await, pending());
        let next = lane.request();
        assert_eq!(runs.next().await, Some((key("hangs"), Ending::TimedOut)));
        assert_eq!(start.elapsed(), secs(60));
        timeout(secs(1), next).await.expect("the slot is free again");
    }

    #[tokio::test(start_paused = true)]
    async fn a_drain_lets_finish_what_can_and_ends_the_rest() {
        let (lane, mut runs) = (lane(), Runs::new(secs(600)));
        let (done, finished) = tokio::sync::oneshot::channel();
        runs.spawn(key("quick"), lane.request().await, async move {
            sleep(secs(5)).await;
            done.send(()).unwrap();
        });
        runs.spawn(key("hangs"), lane.request().await, pending());
        let start = Instant::now();
        assert_eq!(runs.drain(secs(20)).await, 1);
        assert_eq!(start.elapsed(), secs(20));
        finished.await.expect("the quick one came to its end");
        assert!(runs.is_empty());
    }
}
