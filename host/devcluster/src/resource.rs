//! A served resource: everything the request handlers need to know about one kind in one version.

use std::sync::Arc;

use serde_json::Value;

use crate::builtin;
use crate::request::path::GroupVersion;
use crate::schema::Schema;
use crate::table::columns::Column;
use crate::table::json_path::JsonPath;

/// One kind in one version, built in or defined by a CRD.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent properties, as the API has them")]
pub(crate) struct Resource {
    pub(crate) group_version: GroupVersion,
    pub(crate) kind: String,
    pub(crate) list_kind: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) namespaced: bool,
    /// The collection that holds the objects, shared by all versions: `plural.group`.
    pub(crate) collection: Arc<str>,
    /// The group that names the objects in messages; differs from the served one for `events.k8s.io` alone.
    pub(crate) storage_group: String,
    pub(crate) schema: Schema,
    /// The `OpenAPI` document that `schema` was parsed from.
    pub(crate) document: Value,
    /// Distinguishes schemas: an object written under another one is pruned and defaulted anew when read.
    pub(crate) schema_id: u64,
    pub(crate) status: bool,
    pub(crate) scale: Option<ScalePaths>,
    pub(crate) columns: Vec<Column>,
    pub(crate) selectable: Vec<Selectable>,
    /// What users of this version are told, if it is deprecated.
    pub(crate) deprecation: Option<String>,
    /// Whether `metadata.generation` counts changes of the desired state.
    pub(crate) generation: bool,
    /// Whether an update may come without a resourceVersion.
    pub(crate) unconditional_update: bool,
    pub(crate) rules: Rules,
}

/// Where the scale subresource finds its fields.
#[derive(Clone, Debug)]
pub(crate) struct ScalePaths {
    pub(crate) spec_replicas: JsonPath,
    pub(crate) status_replicas: JsonPath,
    pub(crate) selector: Option<JsonPath>,
}

/// A field that field selectors may name, beside `metadata.name` and `metadata.namespace`.
#[derive(Clone, Debug)]
pub(crate) struct Selectable {
    /// As selectors write it, without the leading dot.
    pub(crate) name: String,
    /// Where stored objects have it.
    pub(crate) path: JsonPath,
}

/// The rules of a kind that a schema cannot express.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    /// Built in, stored as it comes.
    None,
    ConfigMap,
    CustomResource,
    CustomResourceDefinition,
    /// `core/v1`, which is also the stored form.
    Event,
    /// `events.k8s.io/v1`, a view of the core events.
    EventView,
    Lease,
    Namespace,
    Secret,
    Workload(Workload),
}

/// The kinds that stand for something that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    DaemonSet,
    Deployment,
    Job,
    Pod,
    ReplicaSet,
    StatefulSet,
}

impl Resource {
    /// `widgets.demo.example`, or `configmaps` for the core group.
    pub(crate) fn qualified(&self) -> &str {
        &self.collection
    }

    /// `Widget.demo.example`, or `ConfigMap` for the core group.
    pub(crate) fn qualified_kind(&self) -> String {
        qualify(&self.kind, &self.storage_group)
    }

    pub(crate) fn is_custom(&self) -> bool {
        self.rules == Rules::CustomResource
    }

    pub(crate) fn api_version(&self) -> String {
        self.group_version.api_version()
    }

    /// The schema of the stored form, which differs from the served one for `events.k8s.io` alone.
    pub(crate) fn storage_schema(&self) -> &Schema {
        let is_stored_form = |other: &&Arc<Self>| other.rules == Rules::Event;
        match self.rules {
            Rules::EventView => {
                builtin::RESOURCES.iter().find(is_stored_form).map_or(&self.schema, |core| &core.schema)
            }
            _ => &self.schema,
        }
    }

    /// In the order in which Kubernetes lists them, which differs for custom resources.
    pub(crate) fn verbs(&self) -> &'static [&'static str] {
        match self.rules {
            Rules::CustomResource => {
                &["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]
            }
            Rules::Namespace => &["create", "delete", "get", "list", "patch", "update", "watch"],
            _ => &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
        }
    }
}

/// `name.group`, or the name alone in the core group.
pub(crate) fn qualify(name: &str, group: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
}
