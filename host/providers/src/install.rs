//! Installing the `CustomResourceDefinition`s that a provider brings.

use std::time::Duration;

use capstan_api::{GroupVersionKind, ObjectKey, ObjectRef};
use capstan_cluster::{Change, Cluster, Object, Patch, Selection, Watches};
use serde_json::Value;
use tokio::time::timeout;

use crate::ProviderError;

/// A definition is established within a second or so; a cluster under load may take longer.
const ESTABLISHED_WITHIN: Duration = Duration::from_secs(30);

/// Applies a definition and waits until its kind is served. Fields of others are taken over: the definition that the
/// provider was built with is the one that its objects have to fit.
pub(crate) async fn install(
    cluster: &Cluster,
    watches: &Watches,
    provider: &str,
    definition: &Value,
) -> Result<(), ProviderError> {
    let name = definition.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let target = ObjectRef {
        kind: GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition"),
        key: ObjectKey::cluster(&name),
    };
    let manager = format!("capstan-{provider}");
    let apply = Patch::Apply { body: definition, manager: &manager, force: true };
    let applied = cluster
        .patch(&target, None, apply)
        .await
        .map_err(|error| ProviderError::Install { name: name.clone(), error })?;
    if is_established(&applied) {
        return Ok(());
    }
    let mut changes = watches.subscribe(Selection::one(&target));
    let established = timeout(ESTABLISHED_WITHIN, async {
        while let Some(change) = changes.next().await {
            if let Change::Applied { new, .. } = change
                && is_established(&new)
            {
                return true;
            }
        }
        false
    });
    if established.await.unwrap_or(false) { Ok(()) } else { Err(ProviderError::NotEstablished(name)) }
}

fn is_established(definition: &Object) -> bool {
    let definition = definition.value();
    let conditions = definition.pointer("/status/conditions").and_then(Value::as_array);
    conditions
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "Established" && condition["status"] == "True")
}
