//! The end of a `Provider`: not before the objects of its kinds are gone, or have been let go.

use std::fmt::Write;

use capstan_api::{GroupVersionKind, KindName, keys, kind_of, provider_ref};
use capstan_cluster::{Cluster, Error, Object, Patch, Selection};
use serde_json::{Value, json};

/// So many times a finalizer is tried again that somebody else's write came before.
const TRIES: u32 = 5;

/// Objects of one kind that are still there.
#[derive(Debug)]
pub(crate) struct Left {
    /// `notes.test.capstan.dev`
    resource: String,
    namespaced: bool,
    objects: Vec<Object>,
}

/// Everything that is left of the kinds of a provider. Kinds that are not served any more have no objects.
pub(crate) async fn left(cluster: &Cluster, kinds: &[KindName]) -> Result<Vec<Left>, Error> {
    let mut left = Vec::new();
    for kind in kinds.iter().filter_map(|KindName { api_version, kind }| kind_of(api_version, kind)) {
        match of_kind(cluster, kind).await {
            Ok(found) if found.objects.is_empty() => {}
            Ok(found) => left.push(found),
            Err(Error::UnknownKind(_) | Error::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(left)
}

async fn of_kind(cluster: &Cluster, kind: GroupVersionKind) -> Result<Left, Error> {
    let resource = cluster.resource(&kind).await?;
    let objects = cluster.list(&Selection::all(kind)).await?;
    let name = format!("{}.{}", resource.api.plural, resource.api.group);
    Ok(Left { resource: name, namespaced: resource.namespaced, objects })
}

/// What is waited for, and both ways to go on.
pub(crate) fn in_words(provider: &str, left: &[Left]) -> String {
    let counts: Vec<String> = left.iter().map(|left| format!("{} {}", left.objects.len(), left.resource)).collect();
    let mut words = format!("objects are left: {}. Delete them", counts.join(", "));
    for Left { resource, namespaced, .. } in left {
        let places = if *namespaced { " --all-namespaces" } else { "" };
        // Writing to a string does not fail.
        let _ = write!(words, " -- `kubectl delete {resource} --all{places}`");
    }
    let _ = write!(
        words,
        " -- or leave them, and what they stand for, as they are: `kubectl annotate providers.capstan.dev {provider} \
         {}=true`",
        keys::ABANDON
    );
    words
}

/// Takes our finalizer off all of them. Nothing may reconcile them meanwhile.
pub(crate) async fn abandon(cluster: &Cluster, left: &[Left]) -> Result<(), Error> {
    for object in left.iter().flat_map(|left| &left.objects).filter(|object| is_held(object)) {
        without(cluster, object.clone(), keys::FINALIZER).await?;
    }
    Ok(())
}

/// Whether any of them has our finalizer.
pub(crate) fn any_held(left: &[Left]) -> bool {
    left.iter().flat_map(|left| &left.objects).any(is_held)
}

fn is_held(object: &Object) -> bool {
    finalizers(object).iter().any(|finalizer| finalizer == keys::FINALIZER)
}

fn finalizers(object: &Object) -> Vec<String> {
    serde_json::from_value(object.value()["metadata"]["finalizers"].take()).unwrap_or_default()
}

/// Keeps a `Provider` with this uid from going before its objects.
pub(crate) async fn hold(cluster: &Cluster, provider: &str, uid: &str) -> Result<(), Error> {
    let object = cluster.get(&provider_ref(provider)).await?;
    let mut finalizers = finalizers(&object);
    if object.uid() != uid || finalizers.iter().any(|finalizer| finalizer == keys::PROVIDER_FINALIZER) {
        return Ok(());
    }
    finalizers.push(keys::PROVIDER_FINALIZER.to_owned());
    set(cluster, &object, finalizers).await
}

/// Lets it go.
pub(crate) async fn release(cluster: &Cluster, provider: &str, uid: &str) -> Result<(), Error> {
    match cluster.get(&provider_ref(provider)).await {
        Ok(object) if object.uid() == uid => without(cluster, object, keys::PROVIDER_FINALIZER).await,
        Ok(_) | Err(Error::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

async fn without(cluster: &Cluster, mut object: Object, finalizer: &str) -> Result<(), Error> {
    for attempt in 1.. {
        let mut kept = finalizers(&object);
        kept.retain(|other| other != finalizer);
        match set(cluster, &object, kept).await {
            Err(Error::Conflict(_)) if attempt < TRIES => {}
            Err(Error::NotFound(_)) => return Ok(()),
            done => return done,
        }
        match cluster.get(&object.reference()).await {
            Ok(newest) if newest.uid() == object.uid() => object = newest,
            Ok(_) | Err(Error::NotFound(_)) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Not if anybody wrote to it since.
async fn set(cluster: &Cluster, object: &Object, finalizers: Vec<String>) -> Result<(), Error> {
    let metadata: Value = json!({"resourceVersion": object.resource_version(), "finalizers": finalizers});
    cluster.patch(&object.reference(), None, Patch::Merge(&json!({"metadata": metadata}))).await.map(drop)
}
