//! Installing the `CustomResourceDefinition`s that a provider brings.

use std::time::Duration;

use capstan_api::{Grants, GroupVersionKind, ObjectKey, ObjectRef};
use capstan_cluster::{Change, Cluster, Error, Object, Patch, Selection, Watches};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{ProviderError, load::names};

/// Annotation of a definition: which provider it was installed for.
pub const INSTALLED_FOR: &str = "capstan.dev/provider";

/// A definition is established within a second or so; a cluster under load may take longer.
const ESTABLISHED_WITHIN: Duration = Duration::from_secs(30);

/// Applies a definition and waits until its kind is served. Fields of others are taken over: the definition that the
/// provider was built with is the one that its objects have to fit. One that somebody else installed is taken over only if
/// the administrator names its kind in the grants.
pub(crate) async fn install(
    cluster: &Cluster,
    watches: &Watches,
    provider: &str,
    definition: &Value,
    grants: &Grants,
) -> Result<(), ProviderError> {
    let name = definition.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let target = ObjectRef {
        kind: GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition"),
        key: ObjectKey::cluster(&name),
    };
    let failed = |error| ProviderError::Install { name: name.clone(), error };
    let force = match cluster.get(&target).await {
        Ok(installed) => {
            check_takeover(provider, &installed.value(), definition, grants)?;
            true
        }
        // Another replica may be installing the same definition for another provider: the annotation that says for whom is
        // a conflict then, and the next try finds out whose it is.
        Err(Error::NotFound(_)) => false,
        Err(error) => return Err(failed(error)),
    };
    let manager = format!("capstan-{provider}");
    let mut definition = definition.clone();
    definition["metadata"]["annotations"][INSTALLED_FOR] = json!(provider);
    let apply = Patch::Apply { body: &definition, manager: &manager, force };
    let applied = cluster.patch(&target, None, apply).await.map_err(failed)?;
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

/// A provider may do anything to objects of its own kinds: it must not make a kind its own by bringing a definition.
fn check_takeover(provider: &str, installed: &Value, definition: &Value, grants: &Grants) -> Result<(), ProviderError> {
    let text = |pointer| definition.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (group, kind) = (text("/spec/group"), text("/spec/names/kind"));
    let ours = installed["metadata"]["annotations"][INSTALLED_FOR] == *provider;
    if ours || names(grants, &GroupVersionKind::gvk(&group, "", &kind)) {
        Ok(())
    } else {
        Err(ProviderError::Conflict(format!(
            "kind {kind} of group {group} is installed already, and not by this provider: name this kind in its grants if it \
             is to take it over"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_of_somebody_else_is_taken_over_only_by_name() {
        let definition = json!({"spec": {"group": "krateo.io", "names": {"kind": "Patch"}}});
        let installed = |by: &str| json!({"metadata": {"annotations": {INSTALLED_FOR: by}}});
        let grants = |kind: &str| {
            Grants::parse(&format!("kubernetes: [{{apiGroups: [krateo.io], kinds: [{kind}], verbs: [get]}}]")).unwrap()
        };
        assert!(check_takeover("patch", &installed("patch"), &definition, &Grants::default()).is_ok());
        assert!(check_takeover("patch", &installed("other"), &definition, &Grants::default()).is_err());
        assert!(check_takeover("patch", &json!({"metadata": {}}), &definition, &grants("Other")).is_err());
        assert!(check_takeover("patch", &json!({"metadata": {}}), &definition, &grants("Patch")).is_ok());
    }
}
