//! The end of a namespace: its content goes first, and what holds that up is said in conditions.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::object::{ObjectExt, now};
use crate::request::path::GroupVersion;
use crate::store::ObjectRef;
use crate::write::DeleteOptions;

impl Cluster {
    /// Deletes the content of a namespace that is being deleted, and the namespace when it is empty.
    pub(super) fn end_namespace(&mut self, name: &str) {
        let group_version = GroupVersion { group: String::new(), version: "v1".to_owned() };
        let Some(namespaces) = self.registry.find(&group_version, "namespaces").cloned() else {
            return;
        };
        let at = Self::at(&namespaces, None, name);
        let Some(namespace) = self.store.get(&at).cloned().filter(|found| found.value.is_deleting()) else {
            return;
        };
        for content in self.store.in_namespace(name) {
            if let Some(resource) = self.resource_of(&content) {
                // The object was just listed and there are no preconditions, so that nothing can refuse.
                let _ = self.mark_deleted(&resource, &content, &DeleteOptions::default());
            }
        }
        let remaining = self.store.in_namespace(name);
        let mut value = namespace.value.clone();
        if remaining.is_empty() {
            value["spec"]["finalizers"] = json!([]);
            if value.meta_strings("finalizers").is_empty() {
                self.remove(&at);
                return;
            }
        }
        let previous = value["status"]["conditions"].clone();
        value["status"]["conditions"] = self.conditions(&remaining, &previous);
        if value != namespace.value {
            self.put(&namespaces, &at, value, namespace.schema_id);
        }
    }

    fn conditions(&self, remaining: &[ObjectRef], previous: &Value) -> Value {
        let mut resources: BTreeMap<&str, usize> = BTreeMap::new();
        let mut finalizers: BTreeMap<String, usize> = BTreeMap::new();
        for at in remaining {
            *resources.entry(&at.collection).or_default() += 1;
            let held = self.store.get(at).map(|object| object.value.meta_strings("finalizers")).unwrap_or_default();
            for finalizer in held {
                *finalizers.entry(finalizer.to_owned()).or_default() += 1;
            }
        }
        let resources: Vec<String> =
            resources.iter().map(|(name, count)| format!("{} has {count} resource instances", dotted(name))).collect();
        let finalizers: Vec<String> =
            finalizers.iter().map(|(name, count)| format!("{name} in {count} resource instances")).collect();
        let content = match &resources[..] {
            [] => ("False", "ContentRemoved", "All content successfully removed".to_owned()),
            list => ("True", "SomeResourcesRemain", format!("Some resources are remaining: {}", list.join(", "))),
        };
        let held = match &finalizers[..] {
            [] => ("False", "ContentHasNoFinalizers", "All content-preserving finalizers finished".to_owned()),
            list => (
                "True",
                "SomeFinalizersRemain",
                format!("Some content in the namespace has finalizers remaining: {}", list.join(", ")),
            ),
        };
        let deleted = "All content successfully deleted, may be waiting on finalization".to_owned();
        let discovered = "All resources successfully discovered".to_owned();
        let parsed = "All legacy kube types successfully parsed".to_owned();
        let conditions = [
            ("NamespaceDeletionDiscoveryFailure", ("False", "ResourcesDiscovered", discovered)),
            ("NamespaceDeletionGroupVersionParsingFailure", ("False", "ParsedGroupVersions", parsed)),
            ("NamespaceDeletionContentFailure", ("False", "ContentDeleted", deleted)),
            ("NamespaceContentRemaining", content),
            ("NamespaceFinalizersRemaining", held),
        ];
        let conditions = conditions.into_iter().map(|(ty, (status, reason, message))| {
            let known = previous.as_array().into_iter().flatten();
            let known = known.into_iter().find(|known| known["type"] == ty && known["status"] == status);
            let time = known.map_or_else(|| json!(now()), |known| known["lastTransitionTime"].clone());
            json!({"type": ty, "status": status, "lastTransitionTime": time, "reason": reason, "message": message})
        });
        conditions.collect()
    }
}

/// Kubernetes writes `resource.group` here even when the group is the nameless core group.
fn dotted(collection: &str) -> String {
    if collection.contains('.') { collection.to_owned() } else { format!("{collection}.") }
}
