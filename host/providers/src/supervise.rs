//! What runs for one provider, begun anew after a panic: what goes wrong over one provider is no reason to stop the others.

use std::{panic::AssertUnwindSafe, time::Duration};

use capstan_engine::panic_message;
use futures::FutureExt;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// Before a part that panicked is begun anew, doubled each time up to the second: what panics again and again is to be seen, and not
/// to be a load.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));
/// After so long without a panic the next one is the first again.
const WELL: Duration = Duration::from_mins(10);

/// Runs a part until it ends by itself. Whenever it panics, that is told, with the message of the panic; then it is begun anew after
/// a while, unless it is cancelled before.
pub(crate) async fn supervise<P, T>(
    cancel: &CancellationToken,
    mut start: impl FnMut() -> P,
    mut tell: impl FnMut(String) -> T,
) where
    P: Future<Output = ()>,
    T: Future<Output = ()>,
{
    let mut wait = AGAIN.0;
    loop {
        let begun = Instant::now();
        let Err(panic) = AssertUnwindSafe(async { start().await }).catch_unwind().await else { return };
        if begun.elapsed() >= WELL {
            wait = AGAIN.0;
        }
        let message = panic_message(panic.as_ref());
        drop(panic);
        // What is told may be what panics.
        let telling = AssertUnwindSafe(async { tell(message).await });
        if telling.catch_unwind().await.is_err() {
            tracing::error!("to tell of a panic panicked as well");
        }
        if cancel.run_until_cancelled(sleep(wait)).await.is_none() {
            return;
        }
        wait = (wait * 2).min(AGAIN.1);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, ready},
        sync::{Arc, Mutex},
    };

    use tokio::{task::JoinSet, time::timeout};

    use super::*;

    /// Panics whenever it is begun; notes when, in seconds, and what was told.
    #[derive(Clone, Default)]
    struct Bad {
        begun: Arc<Mutex<Vec<u64>>>,
        told: Arc<Mutex<Vec<String>>>,
    }

    fn broken() {
        panic!("broken {}", "badly");
    }

    impl Bad {
        async fn supervised(self, cancel: CancellationToken, well: Option<Duration>) {
            let start = Instant::now();
            let begin = || {
                self.begun.lock().unwrap().push(start.elapsed().as_secs());
                async move {
                    sleep(well.unwrap_or_default()).await;
                    broken();
                }
            };
            let tell = |message| {
                self.told.lock().unwrap().push(message);
                ready(())
            };
            supervise(&cancel, begin, tell).await;
        }

        fn begun(&self) -> Vec<u64> {
            self.begun.lock().unwrap().clone()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_panics_is_told_and_begun_anew_ever_more_seldom_while_others_go_on() {
        let (bad, cancel) = (Bad::default(), CancellationToken::new());
        let (good, mut work) = (Arc::new(Mutex::new(0)), JoinSet::new());
        work.spawn(bad.clone().supervised(cancel.clone(), None));
        let (counted, ends) = (Arc::clone(&good), cancel.clone());
        work.spawn(async move {
            let count = || async {
                for _ in 0..1_000 {
                    sleep(Duration::from_secs(1)).await;
                    *counted.lock().unwrap() += 1;
                }
            };
            let _ = ends.run_until_cancelled(supervise(&ends, count, |_| ready(()))).await;
        });
        sleep(Duration::from_millis(190_500)).await;
        assert_eq!(bad.begun(), [0, 1, 3, 7, 15, 31, 63, 123, 183]);
        assert_eq!(bad.told.lock().unwrap().as_slice(), ["broken badly"; 9]);
        assert_eq!(*good.lock().unwrap(), 190, "the neighbour did not notice");
        cancel.cancel();
        while let Some(ended) = work.join_next().await {
            ended.expect("a panic of a provider ends no task");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_went_well_for_long_is_begun_anew_at_once() {
        let (bad, cancel) = (Bad::default(), CancellationToken::new());
        let supervised = bad.clone().supervised(cancel, Some(WELL));
        assert!(timeout(WELL * 2 + Duration::from_secs(10), supervised).await.is_err());
        assert_eq!(bad.begun(), [0, 601, 1202]);
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_with_the_part_and_when_it_is_cancelled() {
        let cancel = CancellationToken::new();
        supervise(&cancel, || ready(()), |_| pending()).await;
        cancel.cancel();
        let bad = Bad::default();
        bad.clone().supervised(cancel, None).await;
        assert_eq!(bad.begun(), [0], "nothing is begun anew after that");
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_over_telling_is_survived() {
        let (cancel, begun) = (CancellationToken::new(), Mutex::new(0));
        let start = || {
            *begun.lock().unwrap() += 1;
            let first = *begun.lock().unwrap() == 1;
            async move { assert!(!first, "as told") }
        };
        supervise(&cancel, start, |_| async { broken() }).await;
        assert_eq!(*begun.lock().unwrap(), 2);
    }
}
