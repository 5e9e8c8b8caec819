//! How a kind is served: plural and scope, found out on demand.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use capstan_api::{GroupVersionKind, ObjectKey, api_version};
use kube::{Client, core::ApiResource};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};

use crate::{Error, request::TIMEOUT};

/// A kind that was not there is not asked for again for so long: it may be about to appear, and a provider that asks
/// for it in a loop must not become a load.
const MISSING_FOR: Duration = Duration::from_secs(1);

/// How the API server serves a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Group, version, kind and plural.
    pub api: ApiResource,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
}

impl Resource {
    /// The path of a collection; of all namespaces if `namespace` is none.
    pub(crate) fn collection(&self, namespace: Option<&str>) -> Result<String, Error> {
        let api = &self.api;
        let mut path =
            if api.group.is_empty() { "/api/".to_owned() } else { format!("/apis/{}/", segment(&api.group)?) };
        path.push_str(segment(&api.version)?);
        match namespace {
            Some(_) if !self.namespaced => {
                return Err(Error::Invalid(format!("kind {} has no namespaces: leave the namespace out", api.kind)));
            }
            Some(namespace) => {
                path.push_str("/namespaces/");
                path.push_str(segment(namespace)?);
            }
            None => {}
        }
        path.push('/');
        path.push_str(segment(&api.plural)?);
        Ok(path)
    }

    /// The path of one object.
    pub(crate) fn item(&self, key: &ObjectKey) -> Result<String, Error> {
        if self.namespaced && key.namespace.is_none() {
            return Err(Error::Invalid(format!("kind {} is namespaced: name the namespace", self.api.kind)));
        }
        Ok(format!("{}/{}", self.collection(key.namespace.as_deref())?, segment(&key.name)?))
    }
}

/// A part of a path that cannot lead anywhere else. Kubernetes itself allows a little less.
pub(crate) fn segment(text: &str) -> Result<&str, Error> {
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    if text.is_empty() || text == "." || text == ".." || !text.bytes().all(harmless) {
        return Err(Error::Invalid(format!("`{}` is no name of an object, kind or namespace", text.escape_debug())));
    }
    Ok(text)
}

/// What is known of the kinds that were asked for.
#[derive(Debug, Default)]
pub(crate) struct Resources(Mutex<HashMap<GroupVersionKind, Known>>);

#[derive(Debug, Clone)]
enum Known {
    Served(Arc<Resource>),
    Missing(Instant),
}

impl Resources {
    pub(crate) async fn find(
        &self,
        client: &Client,
        slots: &Semaphore,
        kind: &GroupVersionKind,
    ) -> Result<Arc<Resource>, Error> {
        match self.lock().get(kind) {
            Some(Known::Served(resource)) => return Ok(Arc::clone(resource)),
            Some(Known::Missing(since)) if since.elapsed() < MISSING_FOR => {
                return Err(Error::UnknownKind(kind.clone()));
            }
            _ => {}
        }
        let served = match list(client, slots, kind).await {
            Ok(served) => served,
            // A group or version that is not there.
            Err(Error::NotFound(_)) => Vec::new(),
            Err(error) => return Err(error),
        };
        let mut known = self.lock();
        known.extend(served.into_iter().map(|(kind, resource)| (kind, Known::Served(Arc::new(resource)))));
        if let Some(Known::Served(resource)) = known.get(kind) {
            return Ok(Arc::clone(resource));
        }
        known.insert(kind.clone(), Known::Missing(Instant::now()));
        Err(Error::UnknownKind(kind.clone()))
    }

    /// Its definition was deleted or changed: looked up again when it is next asked for.
    pub(crate) fn forget(&self, kind: &GroupVersionKind) {
        self.lock().remove(kind);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<GroupVersionKind, Known>> {
        // A cache of independent entries is whole after a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn list(
    client: &Client,
    slots: &Semaphore,
    kind: &GroupVersionKind,
) -> Result<Vec<(GroupVersionKind, Resource)>, Error> {
    segment(&kind.version)?;
    let asked = async {
        // Never closed; without a slot the request is merely not counted.
        let _slot = slots.acquire().await;
        if kind.group.is_empty() {
            client.list_core_api_resources(&kind.version).await
        } else {
            segment(&kind.group).map_err(|_| kube::Error::Api(Box::new(not_found())))?;
            client.list_api_group_resources(&api_version(kind)).await
        }
    };
    let answer = timeout(TIMEOUT, asked).await.map_err(|_| Error::unavailable("discovery took too long"))??;
    let resources = answer.resources.into_iter().filter(|resource| !resource.name.contains('/'));
    Ok(resources
        .map(|resource| {
            let found = GroupVersionKind::gvk(&kind.group, &kind.version, &resource.kind);
            let api = ApiResource::from_gvk_with_plural(&found, &resource.name);
            (found, Resource { api, namespaced: resource.namespaced })
        })
        .collect())
}

fn not_found() -> kube::core::Status {
    kube::core::Status::failure("no such group", "NotFound").with_code(404)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config_maps() -> Resource {
        let kind = GroupVersionKind::gvk("", "v1", "ConfigMap");
        Resource { api: ApiResource::from_gvk_with_plural(&kind, "configmaps"), namespaced: true }
    }

    #[test]
    fn paths_are_those_of_the_api_server() {
        let resource = config_maps();
        assert_eq!(resource.item(&ObjectKey::namespaced("n", "a")).unwrap(), "/api/v1/namespaces/n/configmaps/a");
        assert_eq!(resource.collection(None).unwrap(), "/api/v1/configmaps");
    }

    #[test]
    fn hostile_names_reach_no_other_path() {
        for name in ["", ".", "..", "a/b", "../secrets/x", "a%2fb", "a?x=y", "a#b", "a b", "ä", "a\n"] {
            for key in [ObjectKey::namespaced("n", name), ObjectKey::namespaced(name, "a")] {
                assert!(matches!(config_maps().item(&key), Err(Error::Invalid(_))), "{name:?}");
            }
        }
    }

    #[test]
    fn the_wrong_scope_is_named() {
        let error = config_maps().item(&ObjectKey::cluster("a")).unwrap_err();
        assert!(error.to_string().contains("name the namespace"), "{error}");
        let cluster = Resource { namespaced: false, ..config_maps() };
        let error = cluster.item(&ObjectKey::namespaced("n", "a")).unwrap_err();
        assert!(error.to_string().contains("has no namespaces"), "{error}");
    }
}
