//! Finds out what a provider's build needs from the API server, and what of it the host does not have.

use std::{sync::Arc, time::Duration};

use kube::Client;
use tokio::{sync::Mutex, time::sleep};

use crate::{
    RightsMissing,
    load::Loaded,
    rights::{self, Kinds, Right, Rights},
};

/// A role that is applied together with its provider counts only once Kubernetes has added it to the host's own.
const ADDED_UP_WITHIN: Duration = Duration::from_secs(2);

/// Asks for all providers. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Reviewer {
    client: Client,
    /// The host's own; for the command that mends what is missing.
    namespace: Arc<str>,
    /// Held by whoever asks: each has several questions under way, and those of all providers of a host that starts should
    /// not come at once.
    turn: Arc<Mutex<()>>,
}

impl Reviewer {
    pub(crate) fn new(client: Client, namespace: &str) -> Self {
        Self { client, namespace: namespace.into(), turn: Arc::default() }
    }

    /// What the API server has to allow. Kinds that are not served yet are left out: what is missing for them shows when they
    /// are used.
    pub(crate) async fn rights(&self, loaded: &Loaded) -> Rights {
        let mut kinds = Kinds::of(&loaded.descriptor);
        let rights = Rights::of(&loaded.descriptor, &loaded.grants, &kinds);
        if rights.unknown.is_empty() {
            return rights;
        }
        if let Err(error) = kinds.discover(&self.client, &rights.unknown).await {
            tracing::warn!(provider = loaded.descriptor.name, %error, "the kinds of its grants cannot be looked up");
        }
        Rights::of(&loaded.descriptor, &loaded.grants, &kinds)
    }

    /// What of `rights` is missing.
    pub(crate) async fn missing(&self, provider: &str, rights: &[Right]) -> Option<RightsMissing> {
        let mut missing = self.ask(provider, rights).await;
        if !missing.is_empty() {
            sleep(ADDED_UP_WITHIN).await;
            missing = self.ask(provider, &missing).await;
        }
        let (provider, namespace) = (provider.to_owned(), self.namespace.to_string());
        (!missing.is_empty()).then_some(RightsMissing { provider, namespace, missing })
    }

    /// What cannot be found out is taken for there: then the API server's refusals tell.
    async fn ask(&self, provider: &str, rights: &[Right]) -> Vec<Right> {
        let _turn = self.turn.lock().await;
        rights::missing(&self.client, rights).await.unwrap_or_else(|error| {
            tracing::warn!(provider, %error, "rights not checked");
            Vec::new()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        sync::atomic::{AtomicU32, Ordering::Relaxed},
    };

    use http::{Request, Response};
    use kube::client::Body;

    use super::*;

    /// Refuses so many questions and allows every later one.
    fn reviewer(refusals: u32) -> Reviewer {
        let asked = Arc::new(AtomicU32::new(0));
        let service = tower::service_fn(move |_: Request<Body>| {
            let allowed = asked.fetch_add(1, Relaxed) >= refusals;
            let review = serde_json::json!({"metadata": {}, "spec": {}, "status": {"allowed": allowed}});
            async move { Ok::<_, Infallible>(Response::new(Body::from(review.to_string().into_bytes()))) }
        });
        Reviewer::new(Client::new(service, "default"), "host")
    }

    #[tokio::test(start_paused = true)]
    async fn a_right_that_comes_a_moment_later_is_not_missing() {
        let right = Right::new("", "pods", &["get"]);
        assert_eq!(reviewer(1).missing("note", std::slice::from_ref(&right)).await, None);
        let missing = reviewer(2).missing("note", std::slice::from_ref(&right)).await.unwrap();
        assert_eq!(missing.missing, [right]);
        let said = missing.to_string();
        assert!(
            said.contains("get of pods") && said.contains("--name note") && said.contains("--namespace host"),
            "{said}"
        );
    }
}
