//! The session of one reconcile, with all of its calls under one deadline.

use std::time::Duration;

use tokio::time::{Instant, error::Elapsed, timeout, timeout_at};

use crate::{Change, Context, Creation, ExternalSession, ExternalSystem, Failure, Observation, Problem, Retry};

/// How long the lifecycle waits for a disconnect, which only tidies up.
pub const DISCONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// What a system is waited for beyond its time: one that ends its calls by itself says why, which is worth more than that time is
/// over.
const LATE: Duration = Duration::from_secs(1);

/// A session that may not be open, or not any more.
pub(super) struct Session {
    until: Instant,
    open: Option<Box<dyn ExternalSession>>,
}

impl Session {
    /// Not open; its calls have to end at `until`, and are given up a second later.
    pub(super) fn new(until: Instant) -> Self {
        Self { until, open: None }
    }

    pub(super) async fn connect(
        &mut self,
        external: &dyn ExternalSystem,
        context: &Context,
        managed: &str,
    ) -> Result<(), Failure> {
        let answer = timeout_at(self.until + LATE, external.connect(context, managed)).await;
        self.open = Some(self.ended(answer)?);
        Ok(())
    }

    pub(super) async fn observe(&mut self, managed: &str) -> Result<Observation, Failure> {
        let answer = timeout_at(self.until + LATE, self.open()?.observe(managed)).await;
        self.ended(answer)
    }

    pub(super) async fn create(&mut self, managed: &str) -> Result<Creation, Failure> {
        let answer = timeout_at(self.until + LATE, self.open()?.create(managed)).await;
        self.ended(answer)
    }

    pub(super) async fn update(&mut self, managed: &str) -> Result<Change, Failure> {
        let answer = timeout_at(self.until + LATE, self.open()?.update(managed)).await;
        self.ended(answer)
    }

    pub(super) async fn delete(&mut self, managed: &str) -> Result<(), Failure> {
        let answer = timeout_at(self.until + LATE, self.open()?.delete(managed)).await;
        self.ended(answer)
    }

    /// Ends it, if it is open and was not cut off.
    pub(super) async fn disconnect(self) -> Result<(), Problem> {
        let Some(session) = self.open.filter(|session| !session.is_interrupted()) else {
            return Ok(());
        };
        match timeout(DISCONNECT_PATIENCE, session.disconnect()).await {
            Ok(answer) => answer.map_err(|failure| failure.problem),
            Err(_) => Err(out_of_time(DISCONNECT_PATIENCE).problem),
        }
    }

    /// The time that is left for its calls.
    pub(super) fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// Whether nobody knows what the create did that failed just now.
    pub(super) fn is_unclear(&self) -> bool {
        self.open.as_ref().is_none_or(|session| session.is_unclear())
    }

    fn open(&mut self) -> Result<&mut dyn ExternalSession, Failure> {
        match &mut self.open {
            Some(session) => Ok(session.as_mut()),
            None => Err(Failure::new("SessionClosed", "the session was given up", Retry::Backoff)),
        }
    }

    /// A call that ran out of time leaves a session of which nothing more can be asked.
    fn ended<T>(&mut self, answer: Result<Result<T, Failure>, Elapsed>) -> Result<T, Failure> {
        answer.unwrap_or_else(|_| {
            self.open = None;
            Err(Failure::new("DeadlineExceeded", "the reconcile ran out of time during this call", Retry::Backoff))
        })
    }
}

fn out_of_time(patience: Duration) -> Failure {
    Failure::new("DeadlineExceeded", format!("no answer within {} s", patience.as_secs()), Retry::Backoff)
}
