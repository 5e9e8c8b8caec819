//! Which kinds the API server serves, and where.
//!
//! Asked for one group version at a time, when one of its kinds is first needed: a host of a few kinds needs a few small
//! answers, not the list of everything.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use capstan_api::{GroupVersionKind, api_version};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResourceList;
use kube::core::ApiResource;
use tokio::time::Instant;

use crate::{Error, path, transport::Transport};

/// For so long it is believed that a kind is not served. Short, as CRDs appear while the host runs; long enough that
/// a provider in a loop does not become a load on the API server.
const MISS_TIME: Duration = Duration::from_secs(1);

/// Group versions remembered. Names can come from providers, which must not fill the memory; a cluster with many CRDs has
/// some hundred.
const REMEMBERED: usize = 1024;

/// A kind that is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Group, version, kind and plural.
    pub api: ApiResource,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
    /// `status`, `scale` and the like.
    pub subresources: Vec<String>,
    pub(crate) kind: Arc<GroupVersionKind>,
}

impl Resource {
    /// The path of the object's neighbours.
    pub(crate) fn collection_of(&self, namespace: Option<&str>) -> Result<String, Error> {
        if self.namespaced && namespace.is_none() {
            return Err(self.wrong_scope("is namespaced: a namespace is needed"));
        }
        self.collection(namespace)
    }

    /// The path of all objects, or of those of a namespace.
    pub(crate) fn collection(&self, namespace: Option<&str>) -> Result<String, Error> {
        let root = path::version_root(&self.kind)?;
        let plural = &self.api.plural;
        match namespace {
            None => Ok(format!("{root}/{plural}")),
            Some(_) if !self.namespaced => Err(self.wrong_scope("is cluster-scoped: it has no namespace")),
            Some(namespace) => {
                path::check_namespace(namespace)?;
                Ok(format!("{root}/namespaces/{namespace}/{plural}"))
            }
        }
    }

    fn wrong_scope(&self, problem: &str) -> Error {
        Error::WrongScope(format!("{} ({}) {problem}", self.kind.kind, self.api.api_version))
    }
}

/// What one group version serves.
#[derive(Default)]
struct Known {
    kinds: HashMap<String, Arc<Resource>>,
    /// When it was asked for; `None` before the first time, and when it is doubted.
    asked: Option<Instant>,
}

/// Asked for by one at a time, others wait for the answer.
type Slot = Arc<tokio::sync::Mutex<Known>>;

#[derive(Default)]
pub(crate) struct Discovery {
    versions: Mutex<HashMap<(String, String), Slot>>,
}

impl Discovery {
    pub(crate) async fn resource(&self, transport: &Transport, kind: &GroupVersionKind) -> Result<Arc<Resource>, Error> {
        let root = path::version_root(kind)?;
        let slot = self.slot(kind);
        // Held over one request at most, which has a deadline.
        let mut known = slot.lock().await;
        let asked = known.asked;
        if asked.is_some()
            && let Some(resource) = known.kinds.get(&kind.kind)
        {
            return Ok(Arc::clone(resource));
        }
        if asked.is_none_or(|asked| asked.elapsed() >= MISS_TIME) {
            known.kinds = ask(transport, &root, kind).await?;
            known.asked = Some(Instant::now());
        }
        known.kinds.get(&kind.kind).map(Arc::clone).ok_or_else(|| {
            let version = api_version(kind);
            Error::UnknownKind(format!("the API server serves no kind {} in {version}", kind.kind))
        })
    }

    /// A request found that the resource is not there: what is known of its group version is doubted.
    pub(crate) async fn doubt(&self, kind: &GroupVersionKind) {
        self.slot(kind).lock().await.asked = None;
    }

    fn slot(&self, kind: &GroupVersionKind) -> Slot {
        // A panic while inserting leaves a map that is still whole.
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        let name = (kind.group.clone(), kind.version.clone());
        if versions.len() >= REMEMBERED && !versions.contains_key(&name) {
            // Those in use are soon there again.
            versions.clear();
        }
        Arc::clone(versions.entry(name).or_default())
    }
}

async fn ask(
    transport: &Transport,
    root: &str,
    kind: &GroupVersionKind,
) -> Result<HashMap<String, Arc<Resource>>, Error> {
    let request = http::Request::get(root).body(Vec::new());
    let request = request.map_err(|error| Error::BadName(error.to_string()))?;
    let text = match transport.send(request).await {
        Err(error) if error.is_not_found() => return Ok(HashMap::new()),
        answer => answer?,
    };
    let list: APIResourceList = serde_json::from_str(&text)
        .map_err(|error| Error::Malformed(format!("the API server's list of resources at {root}: {error}")))?;
    let (subresources, resources): (Vec<_>, Vec<_>) = list.resources.into_iter().partition(|entry| entry.name.contains('/'));
    let resources = resources.into_iter().map(|entry| {
        let kind = GroupVersionKind::gvk(&kind.group, &kind.version, &entry.kind);
        let parts = subresources.iter().filter_map(|part| part.name.strip_prefix(&entry.name)?.strip_prefix('/'));
        let resource = Resource {
            subresources: parts.map(ToOwned::to_owned).collect(),
            api: ApiResource::from_gvk_with_plural(&kind, &entry.name),
            namespaced: entry.namespaced,
            kind: Arc::new(kind),
        };
        (entry.kind, Arc::new(resource))
    });
    Ok(resources.collect())
}
