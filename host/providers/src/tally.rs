//! Counts how sessions with a provider's logic end badly.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use async_trait::async_trait;
use capstan_engine::{Change, Creation, ExternalSession, Failure, Observation};

use crate::breaker::{Admitted, Breaker, Ended};

/// Of one provider, whatever its build.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    traps: AtomicU64,
    kills: AtomicU64,
}

impl Tally {
    /// Calls that crashed.
    pub(crate) fn traps(&self) -> u64 {
        self.traps.load(Relaxed)
    }

    /// Calls that were ended since a budget ran out.
    pub(crate) fn kills(&self) -> u64 {
        self.kills.load(Relaxed)
    }

    /// Whether a call was cut off, by the words of the sandbox; then it is counted.
    pub(crate) fn cut_off(&self, failure: &Failure) -> bool {
        match failure.problem.reason.as_ref() {
            "DeadlineExceeded"
            | "MemoryExhausted"
            | "RequestsExhausted"
            | "HttpRequestsExhausted"
            | "HttpBytesExhausted" => self.kills.fetch_add(1, Relaxed),
            "Trapped" | "StackExhausted" | "BoundaryViolated" | "ImportUnavailable" => self.traps.fetch_add(1, Relaxed),
            _ => return false,
        };
        true
    }
}

/// A session whose ends are counted, and told to the breaker.
pub(crate) struct Tallied {
    session: Box<dyn ExternalSession>,
    tally: Arc<Tally>,
    verdict: Verdict,
}

/// What the breaker is told when the session goes, however it goes.
pub(crate) struct Verdict {
    breaker: Arc<Breaker>,
    admitted: Admitted,
    uid: String,
    pub(crate) ended: Ended,
}

impl Verdict {
    pub(crate) fn pending(breaker: Arc<Breaker>, admitted: Admitted, uid: &str) -> Self {
        Self { breaker, admitted, uid: uid.to_owned(), ended: Ended::Unknown }
    }
}

impl Drop for Verdict {
    fn drop(&mut self) {
        self.breaker.ended(self.admitted, &self.uid, self.ended);
    }
}

impl Tallied {
    pub(crate) fn new(session: Box<dyn ExternalSession>, tally: Arc<Tally>, verdict: Verdict) -> Self {
        Self { session, tally, verdict }
    }

    fn see<T>(&mut self, answer: Result<T, Failure>) -> Result<T, Failure> {
        // What the logic reports by itself is its own affair, in whatever words.
        self.verdict.ended = match &answer {
            Err(failure) if self.session.is_interrupted() => {
                if self.tally.cut_off(failure) {
                    Ended::CutOff
                } else {
                    Ended::Unknown
                }
            }
            _ => Ended::Well,
        };
        answer
    }
}

#[async_trait]
impl ExternalSession for Tallied {
    async fn observe(&mut self, managed: &str) -> Result<Observation, Failure> {
        let answer = self.session.observe(managed).await;
        self.see(answer)
    }

    async fn create(&mut self, managed: &str) -> Result<Creation, Failure> {
        let answer = self.session.create(managed).await;
        self.see(answer)
    }

    async fn update(&mut self, managed: &str) -> Result<Change, Failure> {
        let answer = self.session.update(managed).await;
        self.see(answer)
    }

    async fn delete(&mut self, managed: &str) -> Result<(), Failure> {
        let answer = self.session.delete(managed).await;
        self.see(answer)
    }

    async fn disconnect(self: Box<Self>) -> Result<(), Failure> {
        let Self { session, tally, verdict } = *self;
        let answer = session.disconnect().await;
        // The guest's own words are owned. What came of the reconcile is settled by now, so that the breaker hears nothing.
        if let Err(failure) = &answer
            && matches!(failure.problem.reason, Cow::Borrowed(_))
        {
            tally.cut_off(failure);
        }
        drop(verdict);
        answer
    }

    fn is_interrupted(&self) -> bool {
        self.session.is_interrupted()
    }
}

#[cfg(test)]
mod tests {
    use capstan_engine::Retry;

    use super::*;

    /// Ends with this reason.
    struct Leaving(Cow<'static, str>);

    #[async_trait]
    impl ExternalSession for Leaving {
        async fn observe(&mut self, _: &str) -> Result<Observation, Failure> {
            Ok(Observation::default())
        }

        async fn create(&mut self, _: &str) -> Result<Creation, Failure> {
            Ok(Creation::default())
        }

        async fn update(&mut self, _: &str) -> Result<Change, Failure> {
            Ok(Change::default())
        }

        async fn delete(&mut self, _: &str) -> Result<(), Failure> {
            Ok(())
        }

        async fn disconnect(self: Box<Self>) -> Result<(), Failure> {
            Err(Failure::new(self.0, "", Retry::Backoff))
        }
    }

    #[tokio::test]
    async fn a_goodbye_that_is_cut_off_is_counted_unless_the_logic_only_says_so() {
        let (tally, breaker) = (Arc::new(Tally::default()), Arc::new(Breaker::default()));
        for reason in [
            Cow::Borrowed("Trapped"),
            Cow::Borrowed("DeadlineExceeded"),
            Cow::Borrowed("NotLeader"),
            Cow::Owned("Trapped".to_owned()),
        ] {
            let verdict = Verdict::pending(Arc::clone(&breaker), breaker.admit().unwrap(), "uid");
            let session = Box::new(Tallied::new(Box::new(Leaving(reason)), Arc::clone(&tally), verdict));
            session.disconnect().await.unwrap_err();
        }
        assert_eq!((tally.traps(), tally.kills()), (1, 1));
        assert!(!breaker.is_open());
    }
}
