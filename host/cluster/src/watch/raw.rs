//! What kube's watcher needs to know of an object, and its text.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::{ApiResource, DynamicResourceScope, Resource};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::value::RawValue;

/// An object on its way from a watch to the store.
#[derive(Debug, Clone)]
pub(super) struct Raw {
    pub(super) json: Box<RawValue>,
    /// Name, namespace and resourceVersion only.
    meta: ObjectMeta,
}

#[derive(Deserialize)]
struct Outer {
    #[serde(default)]
    metadata: Facts,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Facts {
    name: Option<String>,
    namespace: Option<String>,
    resource_version: Option<String>,
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        let Outer { metadata: facts } = serde_json::from_str(json.get()).map_err(D::Error::custom)?;
        let meta = ObjectMeta {
            name: facts.name,
            namespace: facts.namespace,
            resource_version: facts.resource_version,
            ..ObjectMeta::default()
        };
        Ok(Self { json, meta })
    }
}

impl Resource for Raw {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(api: &ApiResource) -> Cow<'_, str> {
        Cow::Borrowed(&api.kind)
    }

    fn group(api: &ApiResource) -> Cow<'_, str> {
        Cow::Borrowed(&api.group)
    }

    fn version(api: &ApiResource) -> Cow<'_, str> {
        Cow::Borrowed(&api.version)
    }

    fn plural(api: &ApiResource) -> Cow<'_, str> {
        Cow::Borrowed(&api.plural)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.meta
    }
}
