//! One reconcile's conversation with a guest.

use async_trait::async_trait;
use capstan_engine::{Change, Creation, ExternalSession, Failure, Observation};

use crate::{
    Call, Outcome,
    answer::{self, Wrong},
    instance::Instance,
};

/// A session on one instance. After a call that ended badly every other fails at once.
pub(crate) struct Session(pub(crate) Instance);

#[async_trait]
impl ExternalSession for Session {
    async fn observe(&mut self, managed: &str) -> Result<Observation, Failure> {
        let raw = self.0.observe(managed.to_owned()).await?.map_err(answer::failure)?;
        sense(Call::Observe, answer::observation(raw))
    }

    async fn create(&mut self, managed: &str) -> Result<Creation, Failure> {
        let raw = self.0.create(managed.to_owned()).await?.map_err(answer::failure)?;
        sense(Call::Create, answer::creation(raw))
    }

    async fn update(&mut self, managed: &str) -> Result<Change, Failure> {
        let raw = self.0.update(managed.to_owned()).await?.map_err(answer::failure)?;
        sense(Call::Update, answer::change(raw))
    }

    async fn delete(&mut self, managed: &str) -> Result<(), Failure> {
        self.0.delete(managed.to_owned()).await?.map_err(answer::failure)
    }

    /// A session that is over has nobody left to say goodbye to; why it ended has been reported.
    async fn disconnect(mut self: Box<Self>) -> Result<(), Failure> {
        if self.0.is_over() {
            return Ok(());
        }
        self.0.disconnect().await?.map_err(answer::failure)
    }
}

fn sense<T>(call: Call, answer: Result<T, Wrong>) -> Result<T, Failure> {
    answer.map_err(|detail| Outcome::MalformedAnswer { call, detail }.into())
}
