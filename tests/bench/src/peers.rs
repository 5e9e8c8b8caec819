//! The same logic without a sandbox: what remains is the host's own cost.

use async_trait::async_trait;
use capstan_engine::{Change, Context, Creation, ExternalSession, ExternalSystem, Failure, Observation, Readiness};

pub(crate) struct Native;

#[async_trait]
impl ExternalSystem for Native {
    async fn connect(&self, _: &Context, _: &str) -> Result<Box<dyn ExternalSession>, Failure> {
        Ok(Box::new(Self))
    }
}

#[async_trait]
impl ExternalSession for Native {
    async fn observe(&mut self, _: &str) -> Result<Observation, Failure> {
        Ok(Observation { exists: true, up_to_date: true, readiness: Readiness::Ready, ..Observation::default() })
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
        Ok(())
    }
}
