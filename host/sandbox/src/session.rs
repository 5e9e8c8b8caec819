//! One reconcile's conversation with a guest.

use async_trait::async_trait;
use capstan_engine::{Change, Creation, ExternalSession, Failure, Observation};

use crate::{
    Call, Outcome,
    answer::{self, Wrong},
    instance::Instance,
};

/// A session on one instance. After a call that ended badly every other fails at once.
pub(crate) struct Session {
    instance: Instance,
    /// A create came to its end, and its answer made no sense.
    garbled: bool,
    /// A create failed, and something that it had sent was not answered.
    unanswered: bool,
}

impl Session {
    pub(crate) fn new(instance: Instance) -> Self {
        Self { instance, garbled: false, unanswered: false }
    }
}

#[async_trait]
impl ExternalSession for Session {
    async fn observe(&mut self, managed: &str) -> Result<Observation, Failure> {
        let raw = self.instance.observe(managed.to_owned()).await?.map_err(answer::failure)?;
        sense(Call::Observe, answer::observation(raw))
    }

    async fn create(&mut self, managed: &str) -> Result<Creation, Failure> {
        let before = self.instance.unanswered();
        let raw = self.instance.create(managed.to_owned()).await?.map_err(|raw| {
            self.unanswered = self.instance.unanswered() > before;
            answer::failure(raw)
        })?;
        sense(Call::Create, answer::creation(raw)).inspect_err(|_| self.garbled = true)
    }

    async fn update(&mut self, managed: &str) -> Result<Change, Failure> {
        let raw = self.instance.update(managed.to_owned()).await?.map_err(answer::failure)?;
        sense(Call::Update, answer::change(raw))
    }

    async fn delete(&mut self, managed: &str) -> Result<(), Failure> {
        self.instance.delete(managed.to_owned()).await?.map_err(answer::failure)
    }

    /// A session that is over has nobody left to say goodbye to; why it ended has been reported.
    async fn disconnect(mut self: Box<Self>) -> Result<(), Failure> {
        if self.instance.is_over() {
            return Ok(());
        }
        self.instance.disconnect().await?.map_err(answer::failure)
    }

    /// Cut off in the middle, or done with an answer that nobody understands: either way something may exist outside.
    fn is_interrupted(&self) -> bool {
        self.garbled || self.instance.is_over()
    }

    /// Also where the guest has been told that no answer came, and calls that a failure: it may not be one.
    fn is_unclear(&self) -> bool {
        self.unanswered || self.is_interrupted()
    }
}

fn sense<T>(call: Call, answer: Result<T, Wrong>) -> Result<T, Failure> {
    answer.map_err(|detail| Outcome::MalformedAnswer { call, detail }.into())
}
