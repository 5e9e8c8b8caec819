//! A provider that answers as told.

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::sleep;

use super::{
    Log,
    store::{Meddling, Store},
};
use crate::{Change, Context, Creation, ExternalSession, ExternalSystem, Failure, Observation, Retry};

/// What each call answers. By default everything succeeds and nothing exists.
#[derive(Clone)]
pub(super) struct Answers {
    pub(super) connect: Result<(), Failure>,
    pub(super) observe: Result<Observation, Failure>,
    pub(super) create: Result<Creation, Failure>,
    pub(super) update: Result<Change, Failure>,
    pub(super) delete: Result<(), Failure>,
    pub(super) disconnect: Result<(), Failure>,
    /// The call that never ends.
    pub(super) hangs: Option<&'static str>,
    /// The call that takes so long.
    pub(super) slow: Option<(&'static str, Duration)>,
    /// The call that panics.
    pub(super) panics: Option<&'static str>,
    /// The session is cut off by its first failure.
    pub(super) interrupted: bool,
    /// Nobody knows what a create did that fails.
    pub(super) unclear: bool,
    /// What somebody else does to the object during a call.
    pub(super) meanwhile: Option<(&'static str, Meddling)>,
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            connect: Ok(()),
            observe: Ok(Observation::default()),
            create: Ok(Creation::default()),
            update: Ok(Change::default()),
            delete: Ok(()),
            disconnect: Ok(()),
            hangs: None,
            slow: None,
            panics: None,
            interrupted: false,
            unclear: false,
            meanwhile: None,
        }
    }
}

impl Answers {
    pub(super) fn observing(observation: Observation) -> Self {
        Self { observe: Ok(observation), ..Self::default() }
    }
}

pub(super) fn failure(message: &str) -> Failure {
    Failure::new("", message, Retry::Backoff)
}

pub(super) struct Scripted {
    pub(super) answers: Arc<Mutex<Answers>>,
    pub(super) store: Arc<Store>,
    pub(super) log: Log,
    /// Whether the last session was asked to be verbose.
    pub(super) verbose: Mutex<bool>,
}

struct Session {
    answers: Answers,
    store: Arc<Store>,
    log: Log,
}

impl Session {
    async fn called(&self, call: &'static str) {
        self.log.lock().unwrap().push(call.to_owned());
        if let Some((_, meddle)) = self.answers.meanwhile.as_ref().filter(|(during, _)| *during == call) {
            meddle(&self.store);
        }
        assert!(self.answers.panics != Some(call), "broken {call}");
        if let Some((_, time)) = self.answers.slow.filter(|(slow, _)| *slow == call) {
            sleep(time).await;
        }
        if self.answers.hangs == Some(call) {
            pending::<()>().await;
        }
    }
}

#[async_trait]
impl ExternalSystem for Scripted {
    async fn connect(&self, context: &Context, _: &str) -> Result<Box<dyn ExternalSession>, Failure> {
        *self.verbose.lock().unwrap() = context.verbose;
        let answers = self.answers.lock().unwrap().clone();
        let session = Session { answers, store: Arc::clone(&self.store), log: Arc::clone(&self.log) };
        session.called("connect").await;
        session.answers.connect.clone()?;
        Ok(Box::new(session))
    }
}

#[async_trait]
impl ExternalSession for Session {
    async fn observe(&mut self, _: &str) -> Result<Observation, Failure> {
        self.called("observe").await;
        self.answers.observe.clone()
    }

    async fn create(&mut self, _: &str) -> Result<Creation, Failure> {
        self.called("create").await;
        self.answers.create.clone()
    }

    async fn update(&mut self, _: &str) -> Result<Change, Failure> {
        self.called("update").await;
        self.answers.update.clone()
    }

    async fn delete(&mut self, _: &str) -> Result<(), Failure> {
        self.called("delete").await;
        self.answers.delete.clone()
    }

    async fn disconnect(self: Box<Self>) -> Result<(), Failure> {
        self.called("disconnect").await;
        self.answers.disconnect.clone()
    }

    fn is_interrupted(&self) -> bool {
        self.answers.interrupted
    }

    fn is_unclear(&self) -> bool {
        self.answers.interrupted || self.answers.unclear
    }
}
