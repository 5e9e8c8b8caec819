//! Installing the `CustomResourceDefinition`s that a provider brings, unless they would do harm to what is stored.

mod compare;
mod schema;
mod settle;
mod standard;

use std::{sync::Arc, time::Duration};

use capstan_api::{Grants, GroupVersionKind, ObjectKey, ObjectRef};
use capstan_cluster::{Change, Cluster, Error, Object, Patch, Selection, Walk, Watches};
use serde_json::{Value, json};
use tokio::{task::spawn_blocking, time::timeout};

pub use compare::Misfits;

use crate::{ProviderError, load::Loaded};

/// Annotation of a definition: which provider it was installed for.
pub const INSTALLED_FOR: &str = "capstan.dev/provider";

/// A definition is established within a second or so; a cluster under load may take longer.
const ESTABLISHED_WITHIN: Duration = Duration::from_secs(30);

/// Applies the definitions of a provider and waits until their kinds are served; none of them if one of them would do harm.
///
/// What is created or changed between the look at the objects and the installation is not seen: another order is not possible,
/// as nothing that the API server offers holds objects still. Objects are read through `acting`, which has the right to: that of the
/// account in whose name the provider acts, if there is one.
pub(crate) async fn install(
    cluster: &Cluster,
    acting: &Cluster,
    watches: &Watches,
    provider: &str,
    loaded: &Loaded,
) -> Result<(), ProviderError> {
    let mut installations = Vec::new();
    for definition in loaded.descriptor.kinds.iter().filter_map(|managed| managed.definition.as_ref()) {
        installations.push(Installation::check(cluster, acting, provider, definition, &loaded.grants).await?);
    }
    for installation in installations {
        installation.apply(cluster, watches, provider).await?;
    }
    Ok(())
}

/// A definition that may be installed.
struct Installation<'a> {
    name: String,
    target: ObjectRef,
    definition: &'a Value,
    is_there: IsThere,
}

/// What there is of a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IsThere {
    No,
    /// One that is replaced.
    Another,
    /// This very one, installed for this provider and served.
    This,
}

impl<'a> Installation<'a> {
    /// Fields of others are taken over: the definition that the provider was built with is the one that its objects have to
    /// fit. One that somebody else installed is taken over only if the administrator grants to manage its kind, and none
    /// is replaced by one that its objects do not fit.
    async fn check(
        cluster: &Cluster,
        acting: &Cluster,
        provider: &str,
        definition: &'a Value,
        grants: &Grants,
    ) -> Result<Self, ProviderError> {
        let name = definition.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let target = ObjectRef {
            kind: GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition"),
            key: ObjectKey::cluster(&name),
        };
        let is_there = match cluster.get(&target).await {
            Ok(installed) => {
                let value = installed.value();
                check_takeover(provider, &value, definition, grants)?;
                check_stored(acting, &name, &installed, definition).await?;
                let is_this = is_for(provider, &value) && is_established(&installed) && includes(&value, definition);
                if is_this { IsThere::This } else { IsThere::Another }
            }
            // Another replica may be installing the same definition for another provider: the annotation that says for whom
            // is a conflict then, and the next try finds out whose it is.
            Err(Error::NotFound(_)) => IsThere::No,
            Err(error) => return Err(ProviderError::Install { name, error }),
        };
        Ok(Self { name, target, definition, is_there })
    }

    async fn apply(self, cluster: &Cluster, watches: &Watches, provider: &str) -> Result<(), ProviderError> {
        let Self { name, target, definition, is_there } = self;
        // The API server would compile all of it again to find that nothing changes.
        if is_there == IsThere::This {
            return Ok(());
        }
        let manager = format!("capstan-{provider}");
        let mut definition = definition.clone();
        definition["metadata"]["annotations"][INSTALLED_FOR] = json!(provider);
        let apply = Patch::Apply { body: &definition, manager: &manager, force: is_there == IsThere::Another };
        let applied = cluster.patch(&target, None, apply).await;
        if is_established(&applied.map_err(|error| ProviderError::Install { name: name.clone(), error })?) {
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
}

/// Refuses a definition that drops a version in which objects are stored, or that objects do not fit which fit the one that
/// is installed.
async fn check_stored(
    cluster: &Cluster,
    name: &str,
    installed: &Object,
    definition: &Value,
) -> Result<(), ProviderError> {
    // Before that there are no objects.
    if !is_established(installed) {
        return Ok(());
    }
    let installed = installed.value();
    let group = installed.pointer("/spec/group").and_then(Value::as_str).unwrap_or_default();
    let in_version = |version: &str| GroupVersionKind::gvk(group, version, compare::kind(&installed));
    let failed = |error| ProviderError::Install { name: name.to_owned(), error };
    if let Some(version) = compare::dropped(&installed, definition) {
        let objects = match compare::readable(&installed) {
            Some(readable) => {
                let first = cluster.metadata(&in_version(readable), 1, None).await.map_err(failed)?;
                first.objects.len() as u64 + first.remaining
            }
            None => 0,
        };
        return Err(ProviderError::WouldDropVersion { name: name.to_owned(), version, objects });
    }
    for (version, doubts) in compare::doubts(&installed, definition) {
        let doubts = Arc::new(doubts);
        let mut misfits = Misfits::default();
        let mut walk = Walk::over(&in_version(&version));
        while let Some(objects) = walk.page(cluster).await.map_err(failed)? {
            let doubts = Arc::clone(&doubts);
            // Patterns are a stranger's, and values may be long.
            let judged = spawn_blocking(move || Misfits::among(&objects, &doubts)).await;
            misfits.add(judged.map_err(|error| ProviderError::NotJudged { name: name.to_owned(), error })?);
        }
        if !misfits.is_empty() {
            return Err(ProviderError::WouldInvalidate { name: name.to_owned(), misfits });
        }
    }
    Ok(())
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
    if is_for(provider, installed) || grants.manages(&group, &kind) {
        Ok(())
    } else {
        Err(ProviderError::Conflict(format!(
            "kind {kind} of group {group} is installed already, and not by this provider: if it is to take it over, add to its \
             grants `manages: [{{apiGroups: [{group}], kinds: [{kind}]}}]`"
        )))
    }
}

fn is_for(provider: &str, installed: &Value) -> bool {
    installed["metadata"]["annotations"][INSTALLED_FOR] == *provider
}

/// Whether everything that is wanted is there, beside what the API server and others put in.
fn includes(is: &Value, wanted: &Value) -> bool {
    match (is, wanted) {
        (Value::Object(is), Value::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| is.get(key).is_some_and(|is| includes(is, wanted)))
        }
        (Value::Array(is), Value::Array(wanted)) => {
            is.len() == wanted.len() && is.iter().zip(wanted).all(|(is, wanted)| includes(is, wanted))
        }
        (is, wanted) => is == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_is_there_if_nothing_of_it_differs_whatever_the_api_server_put_in() {
        let wanted = json!({"spec": {"names": {"kind": "A", "shortNames": ["a"]}, "versions": [{"name": "v1", "served": true}]}});
        let mut is = wanted.clone();
        is["spec"]["conversion"] = json!({"strategy": "None"});
        is["spec"]["versions"][0]["additionalPrinterColumns"] = json!([]);
        is["status"] = json!({});
        assert!(includes(&is, &wanted));
        for (pointer, value) in [
            ("/spec/names/kind", json!("B")),
            ("/spec/names/shortNames", json!(["a", "b"])),
            ("/spec/names/shortNames", json!([])),
            ("/spec/versions/0/served", json!(false)),
            ("/spec/versions/0", json!({"name": "v1"})),
            ("/spec/versions", json!({})),
        ] {
            let mut other = is.clone();
            *other.pointer_mut(pointer).unwrap() = value;
            assert!(!includes(&other, &wanted), "{other}");
        }
    }

    #[test]
    fn a_definition_of_somebody_else_is_taken_over_only_where_that_is_granted() {
        let definition = json!({"spec": {"group": "krateo.io", "names": {"kind": "Patch"}}});
        let installed = |by: &str| json!({"metadata": {"annotations": {INSTALLED_FOR: by}}});
        let grants =
            |kind: &str| Grants::parse(&format!("manages: [{{apiGroups: [krateo.io], kinds: [{kind}]}}]")).unwrap();
        assert!(check_takeover("patch", &installed("patch"), &definition, &Grants::default()).is_ok());
        assert!(check_takeover("patch", &installed("other"), &definition, &Grants::default()).is_err());
        assert!(check_takeover("patch", &json!({"metadata": {}}), &definition, &grants("Other")).is_err());
        assert!(check_takeover("patch", &json!({"metadata": {}}), &definition, &grants("Patch")).is_ok());
        let reach = Grants::parse("kubernetes: [{apiGroups: [krateo.io], kinds: [Patch], verbs: ['*']}]").unwrap();
        let error = check_takeover("patch", &json!({"metadata": {}}), &definition, &reach).unwrap_err().to_string();
        assert!(error.contains("`manages: [{apiGroups: [krateo.io], kinds: [Patch]}]`"), "{error}");
    }
}
