//! How a kind is served: plural and scope, found out on demand.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use capstan_api::{GroupVersionKind, ObjectKey, api_version};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResourceList;
use kube::core::ApiResource;
use tokio::time::{Instant, timeout};

use crate::{
    Error, path,
    request::{Outgoing, TIMEOUT, Terms, send},
    transport::Transport,
};

/// A kind that was not there is not asked for again for so long: it may be about to appear, and a provider that asks
/// for it in a loop must not become a load.
const MISSING_FOR: Duration = Duration::from_secs(1);

/// Groups and versions of which something is known. A cluster with all of the cloud providers has a few hundred; what is
/// asked for beyond that is asked for again each time.
const VERSIONS: usize = 1024;

/// Subresources that hold part of an object's state. Others are actions: `proxy` leads out of the API server.
pub(crate) const STATE: [&str; 2] = ["status", "scale"];

/// How the API server serves a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Group, version, kind and plural.
    pub api: ApiResource,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
    /// Which of the subresources its objects have that hold a part of their state: `status`, `scale`.
    pub subresources: Vec<&'static str>,
}

impl Resource {
    /// The path of a collection; of all namespaces if `namespace` is none.
    pub(crate) fn collection(&self, namespace: Option<&str>) -> Result<String, Error> {
        let api = &self.api;
        let mut path = version_path(&api.group, &api.version)?;
        match namespace {
            Some(_) if !self.namespaced => {
                return Err(Error::Invalid(format!("kind {} has no namespaces: leave the namespace out", api.kind)));
            }
            Some(namespace) => {
                path.push_str("/namespaces/");
                path.push_str(path::segment(namespace)?);
            }
            None => {}
        }
        path.push('/');
        path.push_str(path::segment(&api.plural)?);
        Ok(path)
    }

    /// The path of one object. An error if its scope is another one, or if a name could lead elsewhere.
    pub fn item(&self, key: &ObjectKey) -> Result<String, Error> {
        if self.namespaced && key.namespace.is_none() {
            return Err(Error::Invalid(format!("kind {} is namespaced: name the namespace", self.api.kind)));
        }
        Ok(format!("{}/{}", self.collection(key.namespace.as_deref())?, path::name(&key.name)?))
    }

    pub(crate) fn has(&self, subresource: &str) -> bool {
        self.subresources.contains(&subresource)
    }
}

fn version_path(group: &str, version: &str) -> Result<String, Error> {
    let version = path::segment(version)?;
    Ok(if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{}/{version}", path::segment(group)?) })
}

/// What is known of the kinds that were asked for, by group and version: the API server tells all kinds of one together.
#[derive(Debug, Default)]
pub(crate) struct Resources(Mutex<HashMap<String, Version>>);

/// Asked for by one at a time, so that many who want to know it are one request.
type Version = Arc<tokio::sync::Mutex<Known>>;

#[derive(Debug, Default)]
struct Known {
    kinds: HashMap<String, Arc<Resource>>,
    /// When the API server was asked last.
    asked: Option<Instant>,
}

impl Resources {
    pub(crate) async fn find(&self, transport: &Transport, kind: &GroupVersionKind) -> Result<Arc<Resource>, Error> {
        self.find_with(transport, kind, None).await
    }

    /// The same; a kind that is not known to have the `subresource` is asked for again, as one that is missing is: its
    /// definition may have got it meanwhile.
    pub(crate) async fn find_with(
        &self,
        transport: &Transport,
        kind: &GroupVersionKind,
        subresource: Option<&str>,
    ) -> Result<Arc<Resource>, Error> {
        let version = self.version(kind);
        let found = async {
            let mut known = version.lock().await;
            let has = |resource: &&Arc<Resource>| subresource.is_none_or(|name| resource.has(name));
            if let Some(resource) = known.kinds.get(&kind.kind).filter(has) {
                return Ok(Arc::clone(resource));
            }
            if known.asked.is_none_or(|asked| asked.elapsed() >= MISSING_FOR) {
                known.kinds = list(transport, kind).await?;
                known.asked = Some(Instant::now());
            }
            known.kinds.get(&kind.kind).cloned().ok_or_else(|| Error::UnknownKind(kind.clone()))
        };
        timeout(TIMEOUT, found).await.unwrap_or_else(|_| Err(Error::unavailable("discovery took too long")))
    }

    /// Its definition was deleted or changed: looked up again when it is next asked for.
    pub(crate) fn forget(&self, kind: &GroupVersionKind) {
        // Whoever is asking now does not need to be told.
        self.lock().remove(&api_version(kind));
    }

    fn version(&self, kind: &GroupVersionKind) -> Version {
        let mut versions = self.lock();
        if versions.len() >= VERSIONS && !versions.contains_key(&api_version(kind)) {
            // Those that were made up by a provider, first of all.
            versions.retain(|_, known| known.try_lock().is_ok_and(|known| !known.kinds.is_empty()));
            if versions.len() >= VERSIONS {
                versions.clear();
            }
        }
        Arc::clone(versions.entry(api_version(kind)).or_default())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Version>> {
        // A cache of independent entries is whole after a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All kinds of a group and version, by name; none if there is no such version.
async fn list(transport: &Transport, kind: &GroupVersionKind) -> Result<HashMap<String, Arc<Resource>>, Error> {
    let path = version_path(&kind.group, &kind.version)?;
    let text =
        match send(transport, &Terms::default(), kind, Outgoing::get("discover", &path)).await.map_err(Error::from) {
            Ok(text) => text,
            Err(Error::UnknownKind(_) | Error::NotFound(_)) => return Ok(HashMap::new()),
            Err(error) => return Err(error),
        };
    let listed: APIResourceList = serde_json::from_str(&text).map_err(|error| Error::Malformed(error.to_string()))?;
    let (below, resources): (Vec<_>, Vec<_>) =
        listed.resources.into_iter().partition(|resource| resource.name.contains('/'));
    // A subresource may be of a kind of its own, as `Scale` is.
    let below: HashSet<&str> = below.iter().map(|resource| resource.name.as_str()).collect();
    Ok(resources
        .into_iter()
        .map(|resource| {
            let found = GroupVersionKind::gvk(&kind.group, &kind.version, &resource.kind);
            let api = ApiResource::from_gvk_with_plural(&found, &resource.name);
            let has = |name: &&'static str| below.contains(format!("{}/{name}", resource.name).as_str());
            let subresources = STATE.into_iter().filter(has).collect();
            (resource.kind, Arc::new(Resource { api, namespaced: resource.namespaced, subresources }))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use tokio::time::advance;

    use super::*;
    use crate::fake::{Fake, things};

    fn config_maps() -> Resource {
        let kind = GroupVersionKind::gvk("", "v1", "ConfigMap");
        let api = ApiResource::from_gvk_with_plural(&kind, "configmaps");
        Resource { api, namespaced: true, subresources: Vec::new() }
    }

    #[test]
    fn paths_are_those_of_the_api_server() {
        let resource = config_maps();
        assert_eq!(resource.item(&ObjectKey::namespaced("n", "a")).unwrap(), "/api/v1/namespaces/n/configmaps/a");
        assert_eq!(resource.collection(None).unwrap(), "/api/v1/configmaps");
        assert_eq!(resource.item(&ObjectKey::namespaced("n", "a?b")).unwrap(), "/api/v1/namespaces/n/configmaps/a%3Fb");
    }

    #[test]
    fn the_wrong_scope_is_named() {
        let error = config_maps().item(&ObjectKey::cluster("a")).unwrap_err();
        assert!(error.to_string().contains("name the namespace"), "{error}");
        let cluster = Resource { namespaced: false, ..config_maps() };
        let error = cluster.item(&ObjectKey::namespaced("n", "a")).unwrap_err();
        assert!(error.to_string().contains("has no namespaces"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn many_who_ask_at_once_are_one_request() {
        let fake = Fake::default();
        let cluster = fake.cluster();
        let kind = things().kind;
        let found = join_all((0..50).map(|_| cluster.resource(&kind))).await;
        assert!(found.iter().all(Result::is_ok));
        assert_eq!(fake.asked("example.com"), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn kinds_that_do_not_exist_cost_one_request_a_second_and_bounded_memory() {
        let fake = Fake::default();
        let cluster = fake.cluster();
        for number in 0..100 {
            let kind = GroupVersionKind::gvk("example.com", "v1", &format!("Made{number}"));
            assert_eq!(cluster.resource(&kind).await.unwrap_err().reason(), "UnknownKind");
        }
        assert_eq!(fake.asked("example.com"), 1);
        advance(MISSING_FOR).await;
        cluster.resource(&GroupVersionKind::gvk("example.com", "v1", "Made")).await.unwrap_err();
        assert_eq!(fake.asked("example.com"), 2);
        let resources = Resources::default();
        let transport = fake.transport();
        resources.find(&transport, &things().kind).await.unwrap();
        for number in 0..3 * VERSIONS {
            let kind = GroupVersionKind::gvk("example.com", &format!("v{}", number + 2), "Thing");
            resources.find(&transport, &kind).await.unwrap_err();
        }
        assert!(resources.lock().len() <= VERSIONS);
        let asked = fake.state().requests.len();
        resources.find(&transport, &things().kind).await.unwrap();
        assert_eq!(fake.state().requests.len(), asked, "what exists is not pushed out by what does not");
    }
}
