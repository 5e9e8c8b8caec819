//! The end of a `Provider`: not before the objects of its kinds are gone, or have been let go.

use std::fmt::Write;

use capstan_api::{GroupVersionKind, KindName, keys, kind_of, provider_ref};
use capstan_cluster::{Cluster, Error, Metadata, Object, Patch};
use serde_json::{Value, json};

use crate::ProviderError;

/// So many times a finalizer is tried again that somebody else's write came before.
const TRIES: u32 = 5;

/// Objects in one page of those that are let go.
const PAGE: u32 = 500;

/// Objects of one kind that are still there.
#[derive(Debug)]
pub(crate) struct Left {
    kind: GroupVersionKind,
    /// `notes.test.capstan.dev`
    resource: String,
    namespaced: bool,
    count: u64,
}

/// Everything that is left of the kinds of a provider. Kinds that are not served any more have no objects.
pub(crate) async fn left(cluster: &Cluster, kinds: &[KindName]) -> Result<Vec<Left>, Error> {
    let mut left = Vec::new();
    for kind in kinds.iter().filter_map(|KindName { api_version, kind }| kind_of(api_version, kind)) {
        match of_kind(cluster, kind).await {
            Ok(found) if found.count == 0 => {}
            Ok(found) => left.push(found),
            Err(Error::UnknownKind(_) | Error::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(left)
}

async fn of_kind(cluster: &Cluster, kind: GroupVersionKind) -> Result<Left, Error> {
    let resource = cluster.resource(&kind).await?;
    // It is asked for every few seconds: one of them and how many more there are is enough.
    let first = cluster.metadata(&kind, 1, None).await?;
    let count = first.objects.len() as u64 + first.remaining;
    let name = format!("{}.{}", resource.api.plural, resource.api.group);
    Ok(Left { kind, resource: name, namespaced: resource.namespaced, count })
}

/// Objects of these kinds that nothing but a provider lets go, as our finalizer is on them. Kinds that are not served any more have
/// none.
async fn held(cluster: &Cluster, kinds: &[KindName]) -> Result<Vec<Left>, Error> {
    let mut held = left(cluster, kinds).await?;
    for Left { kind, count, .. } in &mut held {
        *count = 0;
        let mut next = None;
        loop {
            let page = cluster.metadata(kind, PAGE, next.as_deref()).await?;
            *count += page.objects.iter().filter(|object| has(object, keys::FINALIZER)).count() as u64;
            next = page.next;
            if next.is_none() {
                break;
            }
        }
    }
    held.retain(|left| left.count > 0);
    Ok(held)
}

/// Refuses a build that leaves out one of the kinds that were managed before it, while objects of that are held: deleted, they
/// would stay for ever, as nobody takes the finalizer off.
pub(crate) async fn drops_nothing_held<'a>(
    cluster: &Cluster,
    mut former: Vec<KindName>,
    kept: impl Iterator<Item = &'a GroupVersionKind> + Clone,
) -> Result<(), ProviderError> {
    former.retain(|KindName { api_version, kind }| {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        // Versions are views of the same objects.
        !kept.clone().any(|kept| kept.kind == *kind && kept.group == group)
    });
    match held(cluster, &former).await {
        Ok(held) if held.is_empty() => Ok(()),
        Ok(held) => {
            let commands: Vec<String> = deletions(&held).map(|command| format!("`{command}`")).collect();
            Err(ProviderError::WouldDropKind { objects: counts(&held), commands: commands.join(", ") })
        }
        Err(error) => {
            let kinds: Vec<&str> = former.iter().map(|dropped| dropped.kind.as_str()).collect();
            Err(ProviderError::DroppedUnknown { kinds: kinds.join(", "), error })
        }
    }
}

/// What is waited for, and both ways to go on.
pub(crate) fn in_words(provider: &str, left: &[Left]) -> String {
    let mut words = format!("objects are left: {}. Delete them", counts(left));
    for command in deletions(left) {
        // Writing to a string does not fail.
        let _ = write!(words, " -- `{command}`");
    }
    let _ = write!(
        words,
        " -- or leave them, and what they stand for, as they are: `kubectl annotate providers.capstan.dev {provider} \
         {}=true`",
        keys::ABANDON
    );
    words
}

/// `3 notes.test.capstan.dev`
fn counts(left: &[Left]) -> String {
    left.iter().map(|left| format!("{} {}", left.count, left.resource)).collect::<Vec<_>>().join(", ")
}

/// The commands that delete them.
fn deletions(left: &[Left]) -> impl Iterator<Item = String> {
    left.iter().map(|Left { resource, namespaced, .. }| {
        let places = if *namespaced { " --all-namespaces" } else { "" };
        format!("kubectl delete {resource} --all{places}")
    })
}

/// Takes our finalizer off all of them; from how many it was taken. Nothing may reconcile them meanwhile.
pub(crate) async fn abandon(cluster: &Cluster, left: &[Left]) -> Result<u64, Error> {
    let mut freed = 0;
    for Left { kind, .. } in left {
        let mut next = None;
        loop {
            let page = cluster.metadata(kind, PAGE, next.as_deref()).await?;
            for object in page.objects.into_iter().filter(|object| has(object, keys::FINALIZER)) {
                without(cluster, object, keys::FINALIZER).await?;
                freed += 1;
            }
            next = page.next;
            if next.is_none() {
                break;
            }
        }
    }
    Ok(freed)
}

fn has(object: &Metadata, finalizer: &str) -> bool {
    object.finalizers.iter().any(|other| other == finalizer)
}

fn metadata(object: &Object) -> Metadata {
    let finalizers = serde_json::from_value(object.value()["metadata"]["finalizers"].take()).unwrap_or_default();
    Metadata {
        object: object.reference(),
        uid: object.uid().to_owned(),
        resource_version: object.resource_version().to_owned(),
        finalizers,
    }
}

/// Keeps a `Provider` with this uid from going before its objects.
pub(crate) async fn hold(cluster: &Cluster, provider: &str, uid: &str) -> Result<(), Error> {
    let mut object = metadata(&cluster.get(&provider_ref(provider)).await?);
    if object.uid != uid || has(&object, keys::PROVIDER_FINALIZER) {
        return Ok(());
    }
    object.finalizers.push(keys::PROVIDER_FINALIZER.to_owned());
    set(cluster, &object).await
}

/// Lets it go.
pub(crate) async fn release(cluster: &Cluster, provider: &str, uid: &str) -> Result<(), Error> {
    match cluster.get(&provider_ref(provider)).await {
        Ok(object) if object.uid() == uid => without(cluster, metadata(&object), keys::PROVIDER_FINALIZER).await,
        Ok(_) | Err(Error::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

async fn without(cluster: &Cluster, mut object: Metadata, finalizer: &str) -> Result<(), Error> {
    for attempt in 1.. {
        object.finalizers.retain(|other| other != finalizer);
        match set(cluster, &object).await {
            Err(Error::Conflict(_)) if attempt < TRIES => {}
            Err(Error::NotFound(_)) => return Ok(()),
            done => return done,
        }
        match cluster.get(&object.object).await {
            Ok(newest) if newest.uid() == object.uid => object = metadata(&newest),
            Ok(_) | Err(Error::NotFound(_)) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes its finalizers; not if anybody wrote to it since.
async fn set(cluster: &Cluster, object: &Metadata) -> Result<(), Error> {
    let metadata: Value = json!({"resourceVersion": object.resource_version, "finalizers": object.finalizers});
    cluster.patch(&object.object, None, Patch::Merge(&json!({"metadata": metadata}))).await.map(drop)
}

#[cfg(test)]
mod tests;
