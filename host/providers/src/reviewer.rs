//! Finds out what a provider's build needs from the API server, and what of it the host, or the account in whose name it acts, does
//! not have.

use std::{collections::HashMap, sync::Arc, time::Duration};

use capstan_api::ServiceAccount;
use capstan_cluster::Cluster;
use kube::Client;
use tokio::{sync::Mutex, time::sleep};

use crate::{
    Holder, ProviderError, RightsMissing,
    load::Loaded,
    rights::{self, Kinds, Right, Rights, Rulebook},
};

/// A role that is applied together with its provider counts only once Kubernetes has added it to the host's own.
const ADDED_UP_WITHIN: Duration = Duration::from_secs(2);

/// Asks for all providers. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Reviewer {
    /// In the host's own name.
    client: Client,
    /// The host's own; for the command that mends what is missing.
    namespace: Arc<str>,
    /// What was listed for the host, and for each account. Held by whoever asks: each has several questions under way, and those of
    /// all providers of a host that starts should not come at once.
    rulebooks: Arc<Mutex<HashMap<Option<ServiceAccount>, Rulebook>>>,
}

impl Reviewer {
    pub(crate) fn new(client: Client, namespace: &str) -> Self {
        Self { client, namespace: namespace.into(), rulebooks: Arc::default() }
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

    /// Whether a provider can be run that acts through this cluster: whether it acts in the name that it should, and whether nothing
    /// is missing that it cannot do without.
    pub(crate) async fn check(&self, provider: &str, acting: &Cluster, rights: &Rights) -> Result<(), ProviderError> {
        let Some(account) = acting.account() else {
            let all: Vec<Right> = rights.host.iter().chain(&rights.own).cloned().collect();
            return self.have(provider, acting, Holder::Host, &all).await;
        };
        // Nothing can be asked in the name of the account before the host has the right to that.
        self.have(provider, acting, Holder::Host, &rights.host).await?;
        rights::check_identity(acting.client(), account)
            .await
            .map_err(|problem| ProviderError::NotImpersonated { account: account.clone(), problem })?;
        self.have(provider, acting, Holder::Account, &rights.own).await
    }

    /// What of its grants will fail.
    pub(crate) async fn lacking(&self, provider: &str, acting: &Cluster, rights: &Rights) -> Option<RightsMissing> {
        let holder = if acting.account().is_some() { Holder::Account } else { Holder::Host };
        self.missing(provider, acting, holder, &rights.granted).await
    }

    async fn have(
        &self,
        provider: &str,
        acting: &Cluster,
        holder: Holder,
        rights: &[Right],
    ) -> Result<(), ProviderError> {
        self.missing(provider, acting, holder, rights)
            .await
            .map_or(Ok(()), |missing| Err(ProviderError::RightsMissing(Box::new(missing))))
    }

    /// What of `rights` is missing to the host, or to whom a provider acts as.
    async fn missing(
        &self,
        provider: &str,
        acting: &Cluster,
        holder: Holder,
        rights: &[Right],
    ) -> Option<RightsMissing> {
        let (client, account) = match holder {
            Holder::Host => (&self.client, None),
            Holder::Account => (acting.client(), acting.account()),
        };
        let mut missing = self.ask(client, account, provider, rights).await;
        if !missing.is_empty() {
            sleep(ADDED_UP_WITHIN).await;
            missing = self.ask(client, account, provider, &missing).await;
        }
        let (provider, namespace, account) =
            (provider.to_owned(), self.namespace.to_string(), acting.account().cloned());
        (!missing.is_empty()).then_some(RightsMissing { provider, namespace, account, holder, missing })
    }

    /// What cannot be found out is taken for there: then the API server's refusals tell.
    async fn ask(
        &self,
        client: &Client,
        account: Option<&ServiceAccount>,
        provider: &str,
        rights: &[Right],
    ) -> Vec<Right> {
        let mut rulebooks = self.rulebooks.lock().await;
        rulebooks.retain(|_, rulebook| rulebook.is_fresh());
        let rulebook = rulebooks.entry(account.cloned()).or_default();
        rights::missing(client, rulebook, rights).await.unwrap_or_else(|error| {
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

    use capstan_api::ServiceAccount;
    use http::{Request, Response};
    use kube::client::Body;
    use serde_json::{Value, json};

    use super::*;

    /// An API server that answers reviews.
    fn cluster(answer: impl Fn(Option<&str>, &str) -> Value + Clone + Send + Sync + 'static) -> Cluster {
        let service = tower::service_fn(move |request: Request<Body>| {
            let user = request.headers().get("impersonate-user").map(|user| user.to_str().unwrap());
            let status = answer(user, request.uri().path());
            let review = json!({"metadata": {}, "spec": {}, "status": status});
            async move { Ok::<_, Infallible>(Response::new(Body::from(review.to_string().into_bytes()))) }
        });
        Cluster::new(Client::new(service, "default"))
    }

    fn reviewer(cluster: &Cluster) -> Reviewer {
        Reviewer::new(cluster.client().clone(), "host")
    }

    /// Refuses so many questions and allows every later one.
    fn refusing(refusals: u32) -> Cluster {
        let asked = Arc::new(AtomicU32::new(0));
        cluster(move |_, path| {
            let is_question = path.ends_with("selfsubjectaccessreviews");
            json!({"allowed": is_question && asked.fetch_add(1, Relaxed) >= refusals})
        })
    }

    fn rights() -> Rights {
        let impersonate =
            Right { names: vec!["note".to_owned()], ..Right::new("", "serviceaccounts", &["impersonate"]) };
        Rights { host: vec![impersonate], own: vec![Right::new("", "pods", &["get"])], ..Rights::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_right_that_comes_a_moment_later_is_not_missing() {
        let rights = Rights { own: rights().own, ..Rights::default() };
        let late = refusing(1);
        reviewer(&late).check("note", &late, &rights).await.unwrap();
        let later = refusing(2);
        let Err(ProviderError::RightsMissing(missing)) = reviewer(&later).check("note", &later, &rights).await else {
            panic!("not missed");
        };
        assert_eq!(missing.missing, rights.own);
        let said = missing.to_string();
        assert!(
            said.contains("the host has not the right to: get of pods")
                && said.contains("--name note")
                && said.contains("--namespace host")
                && !said.contains("--service-account"),
            "{said}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_host_and_the_account_are_asked_each_for_its_own() {
        const USER: &str = "system:serviceaccount:team-a:note";
        let account = ServiceAccount::new("team-a", "note").unwrap();
        let verdict = async |host: bool, of_account: bool, user: &'static str| {
            let groups = account.groups();
            let own = cluster(move |asker, path| match asker {
                None => json!({"allowed": host}),
                Some(_) if path.ends_with("selfsubjectreviews") => {
                    json!({"userInfo": {"username": user, "groups": groups}})
                }
                Some(_) => json!({"allowed": of_account}),
            });
            let acting = own.acting_as(&account);
            let error = reviewer(&own).check("note", &acting, &rights()).await.err()?;
            Some((error.reason(), error.to_string()))
        };
        assert_eq!(verdict(true, true, USER).await, None);
        let (reason, said) = verdict(false, true, USER).await.unwrap();
        assert!(
            reason == "RightsMissing" && said.starts_with("the host has not the right to: impersonate of"),
            "{said}"
        );
        assert!(said.contains("--service-account team-a/note"), "{said}");
        let (reason, said) = verdict(true, false, USER).await.unwrap();
        assert!(
            reason == "RightsMissing" && said.starts_with("ServiceAccount team-a/note has not the right to: get of"),
            "{said}"
        );
        assert!(said.contains("--service-account team-a/note"), "{said}");
        // Were it run all the same, it would be with the rights of somebody else.
        let (reason, said) = verdict(true, true, "system:admin").await.unwrap();
        assert!(reason == "NotImpersonated" && said.contains("system:admin"), "{said}");
    }
}
