//! Counts how sessions with a provider's logic end badly.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use async_trait::async_trait;
use capstan_engine::{Change, Creation, ExternalSession, Failure, Observation};

/// Of one provider, whatever its build.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    traps: AtomicU64,
    kills: AtomicU64,
    /// By builds that were replaced.
    denied_before: AtomicU64,
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

    pub(crate) fn denied_before(&self) -> u64 {
        self.denied_before.load(Relaxed)
    }

    pub(crate) fn add_denied(&self, denied: u64) {
        self.denied_before.fetch_add(denied, Relaxed);
    }

    /// A call was cut off; the words are those of the sandbox.
    pub(crate) fn cut_off(&self, failure: &Failure) {
        match failure.problem.reason.as_ref() {
            "DeadlineExceeded"
            | "MemoryExhausted"
            | "RequestsExhausted"
            | "HttpRequestsExhausted"
            | "HttpBytesExhausted" => self.kills.fetch_add(1, Relaxed),
            "Trapped" | "StackExhausted" | "BoundaryViolated" | "ImportUnavailable" => self.traps.fetch_add(1, Relaxed),
            _ => return,
        };
    }
}

/// A session whose ends are counted.
pub(crate) struct Tallied {
    pub(crate) session: Box<dyn ExternalSession>,
    pub(crate) tally: Arc<Tally>,
}

impl Tallied {
    fn see<T>(&self, answer: Result<T, Failure>) -> Result<T, Failure> {
        // What the logic reports by itself is its own affair, in whatever words.
        if let Err(failure) = &answer
            && self.session.is_interrupted()
        {
            self.tally.cut_off(failure);
        }
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
        self.session.disconnect().await
    }

    fn is_interrupted(&self) -> bool {
        self.session.is_interrupted()
    }
}
