//! Counts how calls into a provider's logic end badly.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use async_trait::async_trait;
use capstan_engine::{Change, Creation, ExternalSession, Failure, Observation};
use capstan_sandbox::Outcome;

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

    /// How a session ended that cannot be asked any more, and is counted if a call of it was cut off.
    pub(crate) fn ended(&self, failure: &Failure) -> Ended {
        match &failure.problem.reason {
            // The guest's own words are owned, and its own affair; the host's are known beforehand.
            Cow::Owned(_) | Cow::Borrowed("") => Ended::Well,
            Cow::Borrowed(_) if self.cut_off(failure) => Ended::CutOff,
            Cow::Borrowed(_) => Ended::Unknown,
        }
    }

    /// A `describe`, which belongs to no session.
    pub(crate) fn described(&self, outcome: &Outcome) {
        self.count(outcome.reason());
    }

    /// Whether a call was cut off, by the words of the sandbox; then it is counted.
    fn cut_off(&self, failure: &Failure) -> bool {
        self.count(&failure.problem.reason)
    }

    fn count(&self, reason: &str) -> bool {
        match reason {
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
        let Self { session, tally, mut verdict } = *self;
        let answer = session.disconnect().await;
        // What was found out by the calls before counts, unless this one did not come to its end.
        if let Err(failure) = &answer
            && tally.ended(failure) == Ended::CutOff
        {
            verdict.ended = Ended::CutOff;
        }
        answer
    }

    fn is_interrupted(&self) -> bool {
        self.session.is_interrupted()
    }

    fn is_unclear(&self) -> bool {
        self.session.is_unclear()
    }
}

#[cfg(test)]
mod tests {
    use capstan_engine::Retry;
    use capstan_sandbox::{Call, LastSaid, LastWords};

    use super::*;

    /// Does well until it is to say goodbye.
    struct Last(Failure);

    #[async_trait]
    impl ExternalSession for Last {
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
            Err(self.0)
        }
    }

    /// Ten sessions with several objects, each of which ends like that.
    async fn ten(reason: impl Into<Cow<'static, str>> + Clone) -> (Arc<Tally>, Arc<Breaker>) {
        let (tally, breaker) = (Arc::<Tally>::default(), Arc::<Breaker>::default());
        for number in 0..10 {
            let uid = (number % 3).to_string();
            let verdict = Verdict::pending(Arc::clone(&breaker), breaker.admit(&uid).unwrap(), &uid);
            let last = Last(Failure::new(reason.clone(), "as told", Retry::Backoff));
            let mut session = Box::new(Tallied::new(Box::new(last), Arc::clone(&tally), verdict));
            session.observe("{}").await.unwrap();
            session.disconnect().await.unwrap_err();
        }
        (tally, breaker)
    }

    #[tokio::test]
    async fn a_disconnect_that_is_cut_off_counts_like_any_other_call() {
        for (reason, traps, kills) in
            [("Trapped", 10, 0), ("StackExhausted", 10, 0), ("DeadlineExceeded", 0, 10), ("MemoryExhausted", 0, 10)]
        {
            let (tally, breaker) = ten(reason).await;
            assert_eq!((tally.traps(), tally.kills()), (traps, kills), "{reason}");
            assert!(breaker.is_open(), "{reason}: it is given rest");
        }
    }

    #[test]
    fn a_describe_that_is_cut_off_counts_too() {
        let tally = Tally::default();
        let (call, trap, last_words) = (Call::Describe, "unreachable".to_owned(), LastWords::default());
        tally.described(&Outcome::Trapped { call, trap, last_words });
        tally.described(&Outcome::MemoryExhausted { call, limit: 1, last_said: LastSaid::default() });
        tally.described(&Outcome::MalformedAnswer { call, detail: "no name".to_owned() });
        assert_eq!((tally.traps(), tally.kills()), (1, 1));
    }

    #[tokio::test]
    async fn what_the_logic_says_of_a_disconnect_is_its_own_affair() {
        for own in ["Trapped".to_owned(), "NotReachable".to_owned()] {
            let (tally, breaker) = ten(own).await;
            assert_eq!((tally.traps(), tally.kills(), breaker.is_open()), (0, 0, false));
        }
        // Nor is it the logic's fault when the lease is lost.
        let (tally, breaker) = ten("NotLeader").await;
        assert_eq!((tally.traps(), tally.kills(), breaker.is_open()), (0, 0, false));
    }
}
