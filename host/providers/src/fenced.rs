//! Sessions of a provider that may be asked only while its lease is held.

use async_trait::async_trait;
use capstan_cluster::Fence;
use capstan_engine::{Change, Context, Creation, ExternalSession, ExternalSystem, Failure, Observation, Retry};

/// Asks nothing more once its fence is closed: a process that was stopped in the middle of a reconcile must not go on with
/// the next call to the outside when somebody else has taken over.
pub(crate) struct Fenced {
    session: Box<dyn ExternalSession>,
    fence: Fence,
}

impl Fenced {
    pub(crate) async fn connect(
        fence: &Fence,
        logic: &dyn ExternalSystem,
        context: &Context,
        managed: &str,
    ) -> Result<Box<dyn ExternalSession>, Failure> {
        check(fence)?;
        let session = logic.connect(context, managed).await?;
        Ok(Box::new(Self { session, fence: fence.clone() }))
    }
}

fn check(fence: &Fence) -> Result<(), Failure> {
    fence.check().map_err(|error| Failure::new(error.reason(), error.to_string(), Retry::Backoff))
}

#[async_trait]
impl ExternalSession for Fenced {
    async fn observe(&mut self, managed: &str) -> Result<Observation, Failure> {
        check(&self.fence)?;
        self.session.observe(managed).await
    }

    async fn create(&mut self, managed: &str) -> Result<Creation, Failure> {
        check(&self.fence)?;
        self.session.create(managed).await
    }

    async fn update(&mut self, managed: &str) -> Result<Change, Failure> {
        check(&self.fence)?;
        self.session.update(managed).await
    }

    async fn delete(&mut self, managed: &str) -> Result<(), Failure> {
        check(&self.fence)?;
        self.session.delete(managed).await
    }

    async fn disconnect(self: Box<Self>) -> Result<(), Failure> {
        check(&self.fence)?;
        self.session.disconnect().await
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
    use std::{
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering::Relaxed},
        },
        time::Duration,
    };

    use capstan_api::{GroupVersionKind, ObjectKey, ObjectRef};
    use capstan_engine::Reads;
    use tokio::time::{Instant, advance};

    use super::*;

    /// Counts what it is asked.
    #[derive(Clone, Default)]
    struct Counting(Arc<AtomicU32>);

    #[async_trait]
    impl ExternalSystem for Counting {
        async fn connect(&self, _: &Context, _: &str) -> Result<Box<dyn ExternalSession>, Failure> {
            self.0.fetch_add(1, Relaxed);
            Ok(Box::new(self.clone()))
        }
    }

    #[async_trait]
    impl ExternalSession for Counting {
        async fn observe(&mut self, _: &str) -> Result<Observation, Failure> {
            self.0.fetch_add(1, Relaxed);
            Ok(Observation::default())
        }

        async fn create(&mut self, _: &str) -> Result<Creation, Failure> {
            self.0.fetch_add(1, Relaxed);
            Ok(Creation::default())
        }

        async fn update(&mut self, _: &str) -> Result<Change, Failure> {
            self.0.fetch_add(1, Relaxed);
            Ok(Change::default())
        }

        async fn delete(&mut self, _: &str) -> Result<(), Failure> {
            self.0.fetch_add(1, Relaxed);
            Ok(())
        }

        async fn disconnect(self: Box<Self>) -> Result<(), Failure> {
            self.0.fetch_add(1, Relaxed);
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_asked_after_the_term() {
        let fence = Fence::new(Instant::now() + Duration::from_secs(10));
        let context = Context {
            object: ObjectRef { kind: GroupVersionKind::gvk("g.io", "v1", "Note"), key: ObjectKey::cluster("a") },
            uid: "u".to_owned(),
            reconcile_id: 1,
            verbose: false,
            reads: Arc::new(Reads::default()),
        };
        let counting = Counting::default();
        let mut session = Fenced::connect(&fence, &counting, &context, "{}").await.unwrap();
        session.observe("{}").await.unwrap();
        assert_eq!(counting.0.load(Relaxed), 2);
        // No task had to run for the term to be over.
        advance(Duration::from_secs(10)).await;
        let refused = [
            session.observe("{}").await.map(drop),
            session.create("{}").await.map(drop),
            session.update("{}").await.map(drop),
            session.delete("{}").await,
            session.disconnect().await,
            Fenced::connect(&fence, &counting, &context, "{}").await.map(drop),
        ];
        assert!(refused.iter().all(|answer| answer.as_ref().is_err_and(|error| error.problem.reason == "NotLeader")));
        assert_eq!(counting.0.load(Relaxed), 2);
    }
}
