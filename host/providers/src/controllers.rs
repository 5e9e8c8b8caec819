//! The tasks of a provider's controllers.

use std::{any::Any, convert::Infallible, future::pending, panic::resume_unwind};

use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// A controller catches its panics, and begins anew by itself. One whose task panics all the same would be missed by nobody: its
/// objects would stand still under a provider that is healthy. So its panic becomes that of whoever keeps the controllers.
///
/// They end with it.
#[derive(Default)]
pub(crate) struct Controllers {
    tasks: JoinSet<()>,
    cancel: CancellationToken,
}

impl Controllers {
    /// Starts one, which ends by itself when the token is cancelled.
    pub(crate) fn start<C>(&mut self, controller: impl FnOnce(CancellationToken) -> C)
    where
        C: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(controller(self.cancel.clone()));
    }

    /// Panics as soon as one of them did, and never ends otherwise. Dropped in the middle, it misses none.
    pub(crate) async fn watch(&mut self) -> Infallible {
        // One that ends in order has lost its lease.
        while let Some(ended) = self.tasks.join_next().await {
            if let Some(panic) = panic_of(ended) {
                resume_unwind(panic);
            }
        }
        pending().await
    }

    /// Ends them. Each drains within a time of its own; panics when all have come to rest, if one of them did.
    pub(crate) async fn rest(&mut self) {
        self.cancel.cancel();
        let mut panicked = None;
        while let Some(ended) = self.tasks.join_next().await {
            panicked = panicked.or(panic_of(ended));
        }
        if let Some(panic) = panicked {
            resume_unwind(panic);
        }
    }
}

fn panic_of(ended: Result<(), JoinError>) -> Option<Box<dyn Any + Send>> {
    ended.err().and_then(|error| error.try_into_panic().ok())
}

#[cfg(test)]
mod tests {
    use std::{
        panic::AssertUnwindSafe,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering::Relaxed},
        },
    };

    use capstan_engine::panic_message;
    use futures::FutureExt;
    use tokio::task::yield_now;

    use super::*;

    fn broken() {
        panic!("broken");
    }

    /// The message of the panic.
    async fn panic_in(part: impl Future) -> String {
        let ended = AssertUnwindSafe(part).catch_unwind().await;
        panic_message(ended.map(drop).expect_err("it panics").as_ref())
    }

    #[tokio::test]
    async fn a_controller_that_dies_takes_its_keeper_with_it() {
        let mut controllers = Controllers::default();
        controllers.start(|cancel| async move { cancel.cancelled().await });
        // It has lost its lease.
        controllers.start(|_| async {});
        yield_now().await;
        assert!(controllers.watch().now_or_never().is_none());
        controllers.start(|_| async { broken() });
        assert_eq!(panic_in(controllers.watch()).await, "broken");
    }

    #[tokio::test]
    async fn a_death_is_told_when_the_others_have_come_to_rest() {
        let (mut controllers, drained) = (Controllers::default(), Arc::new(AtomicBool::new(false)));
        controllers.start(|_| async { broken() });
        let drains = Arc::clone(&drained);
        controllers.start(|cancel| async move {
            cancel.cancelled().await;
            for _ in 0..100 {
                yield_now().await;
            }
            drains.store(true, Relaxed);
        });
        assert_eq!(panic_in(controllers.rest()).await, "broken");
        assert!(drained.load(Relaxed), "it was dropped where it stood");
    }
}
