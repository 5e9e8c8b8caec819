//! Until when writes may be sent.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
};

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::Error;

/// A door for writes that closes by the clock unless it is held open. Cheap to clone; all clones are one door.
///
/// A replica has one for its membership, and a [`child`](Self::child) of it for each provider that it runs: the child closes
/// with its parent, and alone when that provider is given up.
///
/// Guarantees: once closed it never opens again, so that what was left over from one term cannot write in the next. It is
/// closed at its time even if nothing in this process ran meanwhile (the process was stopped, or starved): whoever asks
/// compares with the clock.
///
/// Assumptions: the clock is the system's monotonic one, which goes on while a process is stopped. On Linux it stands still
/// while the whole machine is suspended; a write that is sent on waking up is then refused by its resourceVersion only.
#[derive(Debug, Clone)]
pub struct Fence {
    state: Arc<State>,
    /// Of this one; the root's own, or a child of it.
    closed: CancellationToken,
}

#[derive(Debug)]
struct State {
    until: Mutex<Instant>,
    /// Of the root.
    closed: CancellationToken,
}

impl Fence {
    /// Open until then.
    #[must_use]
    pub fn new(until: Instant) -> Self {
        let closed = CancellationToken::new();
        Self { state: Arc::new(State { until: Mutex::new(until), closed: closed.clone() }), closed }
    }

    /// One that is open at most as long as this one. Closing it leaves this one as it is.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { state: Arc::clone(&self.state), closed: self.closed.child_token() }
    }

    /// When it closes unless it is held open, or closed before.
    #[must_use]
    pub fn until(&self) -> Instant {
        *self.lock()
    }

    /// Whether writes may be sent now.
    #[must_use]
    pub fn is_open(&self) -> bool {
        if Instant::now() >= self.until() {
            self.state.closed.cancel();
        }
        !self.closed.is_cancelled()
    }

    /// [`Error::NotLeader`] if writes may not be sent.
    pub fn check(&self) -> Result<(), Error> {
        if self.is_open() { Ok(()) } else { Err(Error::NotLeader) }
    }

    /// Holds it, with its parent and all other children, open until then, if that is later. `false` if it is closed already,
    /// and stays so.
    #[must_use]
    pub fn extend(&self, until: Instant) -> bool {
        let mut current = self.lock();
        let open = Instant::now() < *current && !self.closed.is_cancelled();
        if open {
            *current = until.max(*current);
        }
        open
    }

    /// Closes it now, with all of its children.
    pub fn close(&self) {
        self.closed.cancel();
    }

    /// Waits until it is closed.
    pub async fn closed(&self) {
        while self.is_open() {
            // It may have been held open when that time comes.
            let _ = self.closed.run_until_cancelled(sleep_until(self.until())).await;
        }
    }

    /// Goes on with some work as long as it is open, and gives it up then: `None`. The clock is looked at before every step
    /// of it: a process that was stopped while it opened a connection must not send over it when others have long taken over.
    pub async fn while_open<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let (mut work, mut closed) = (pin!(work), pin!(self.closed()));
        poll_fn(|context| {
            if !self.is_open() || closed.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            work.as_mut().poll(context).map(Some)
        })
        .await
    }

    fn lock(&self) -> MutexGuard<'_, Instant> {
        // One value is whole after a panic.
        self.state.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::{FutureExt, future::join};
    use serde_json::json;
    use tokio::time::advance;

    use super::*;
    use crate::{
        Patch,
        fake::{Answer, Fake, config_maps},
    };
    use capstan_api::{ObjectKey, ObjectRef};

    const SECOND: Duration = Duration::from_secs(1);

    fn open_for(time: Duration) -> Fence {
        Fence::new(Instant::now() + time)
    }

    fn target() -> ObjectRef {
        ObjectRef { kind: config_maps().kind, key: ObjectKey::namespaced("n", "a") }
    }

    #[tokio::test(start_paused = true)]
    async fn it_closes_by_the_clock_alone_and_stays_closed() {
        let fence = open_for(10 * SECOND);
        advance(9 * SECOND).await;
        assert!(fence.is_open());
        assert!(fence.extend(Instant::now() + 10 * SECOND));
        advance(9 * SECOND).await;
        assert!(fence.is_open());
        advance(SECOND).await;
        assert!(!fence.extend(Instant::now() + 10 * SECOND), "too late");
        assert_eq!(fence.check(), Err(Error::NotLeader));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_hears_of_the_end_and_not_of_an_extension() {
        let fence = open_for(10 * SECOND);
        let begun = Instant::now();
        let extend = async {
            tokio::time::sleep(5 * SECOND).await;
            assert!(fence.extend(begun + 30 * SECOND));
        };
        join(fence.closed(), extend).await;
        assert_eq!(begun.elapsed(), 30 * SECOND);
        let fence = open_for(10 * SECOND);
        fence.close();
        assert!(fence.closed().now_or_never().is_some());
        assert!(!fence.is_open());
    }

    #[tokio::test(start_paused = true)]
    async fn a_child_closes_alone_or_with_its_parent() {
        let parent = open_for(10 * SECOND);
        let (one, other) = (parent.child(), parent.child());
        one.close();
        assert!(!one.is_open() && other.is_open() && parent.is_open());
        assert!(parent.extend(Instant::now() + 20 * SECOND));
        advance(15 * SECOND).await;
        assert!(!one.is_open() && other.is_open(), "held open with its parent");
        parent.close();
        assert!(!other.is_open());
        let late = open_for(10 * SECOND);
        let child = late.child();
        advance(10 * SECOND).await;
        assert_eq!(child.check(), Err(Error::NotLeader), "closed by the clock of its parent");
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_deadline_nothing_is_written_and_reads_go_on() {
        let fake = Fake::default();
        let (plain, body) = (
            fake.cluster(),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n"}}),
        );
        let cluster = plain.fenced(open_for(10 * SECOND));
        cluster.resource(&config_maps().kind).await.unwrap();
        advance(10 * SECOND).await;
        let apply = Patch::Apply { body: &body, manager: "m", force: false };
        for refused in [
            cluster.create(&body).await.map(drop),
            cluster.patch(&target(), None, apply).await.map(drop),
            cluster.patch(&target(), Some("status"), Patch::Merge(&body)).await.map(drop),
            cluster.delete(&target(), None).await,
        ] {
            assert_eq!(refused, Err(Error::NotLeader));
        }
        assert_eq!(fake.asked("configmaps"), 0);
        assert!(cluster.list(&config_maps()).await.is_ok());
        // Another term has a fence of its own.
        plain.fenced(open_for(SECOND)).delete(&target(), None).await.unwrap_err();
        assert_eq!(fake.asked("DELETE"), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_waited_too_long_for_its_turn_is_not_sent() {
        let fake = Fake::default();
        let plain = fake.cluster();
        plain.resource(&config_maps().kind).await.unwrap();
        fake.script("/configmaps/busy", vec![Answer::Never; 32]);
        let busy = ObjectRef { key: ObjectKey::namespaced("n", "busy"), ..target() };
        let fence = open_for(10 * SECOND);
        let reads = futures::future::join_all((0..32).map(|_| plain.get(&busy)));
        let cluster = plain.fenced(fence);
        let write = async {
            tokio::time::sleep(5 * SECOND).await;
            cluster.delete(&target(), None).await
        };
        let (_, written) = join(reads, write).await;
        assert_eq!(written, Err(Error::NotLeader));
        assert_eq!(fake.asked("DELETE"), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_whose_lease_is_lost_while_it_connects_is_not_sent() {
        let fake = Fake::default();
        let plain = fake.cluster();
        plain.resource(&config_maps().kind).await.unwrap();
        fake.state().connecting = Some(11 * SECOND);
        let given_up = plain.fenced(open_for(10 * SECOND)).delete(&target(), None).await.unwrap_err();
        assert_eq!((given_up.reason(), fake.asked("DELETE")), ("Unavailable", 0));
        fake.state().connecting = Some(9 * SECOND);
        plain.fenced(open_for(10 * SECOND)).delete(&target(), None).await.unwrap_err();
        assert_eq!(fake.asked("DELETE"), 1, "in time");
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_hangs_is_given_up_at_the_deadline() {
        let fake = Fake::default();
        fake.script("/configmaps/a", [Answer::Never]);
        let cluster = fake.cluster().fenced(open_for(10 * SECOND));
        let begun = Instant::now();
        let given_up = cluster.delete(&target(), None).await.unwrap_err();
        assert_eq!(given_up.reason(), "Unavailable", "whether it was done is unknown");
        assert_eq!(begun.elapsed(), 10 * SECOND);
    }
}
