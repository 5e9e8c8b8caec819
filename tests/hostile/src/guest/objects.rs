//! What a guest does to objects of the cluster.

use super::{
    bindings::capstan::provider::{
        cluster::{self, PatchKind, PatchOptions},
        types::{Failure, ObjectKind, ObjectRef, Problem},
    },
    deep, huge, told,
};
use crate::Behaviour;

const PLAIN: PatchOptions = PatchOptions { subresource: None, force: false, dry_run: false };

/// Does what it should not be able to, and tells if it was.
pub(super) fn reach_for(behaviour: Behaviour) -> Result<(), Failure> {
    match behaviour {
        Behaviour::FloodsTheCluster => loop {
            let _ = cluster::get(&config_map("team-a", "allowed"));
        },
        Behaviour::ReadsOutsideItsGrant => told(&cluster::get(&config_map("team-b", "secret"))?),
        Behaviour::ReadsAnotherName => told(&cluster::get(&pod(Some("team-a"), "two"))?),
        Behaviour::ReadsAnotherVersion => {
            told(&cluster::get(&ObjectRef { api_version: "v9".to_owned(), ..pod(Some("team-a"), "two") })?);
        }
        Behaviour::ReadsInNoNamespace => told(&cluster::get(&pod(None, "one"))?),
        Behaviour::ReadsAnotherKind => {
            told(&cluster::get(&ObjectRef { kind: "Secret".to_owned(), ..config_map("team-a", "token") })?);
        }
        Behaviour::ReadsThroughAPath => {
            told(&cluster::get(&config_map("team-a", "../../team-b/configmaps/secret"))?);
        }
        Behaviour::ListsOutsideItsGrant => list("ConfigMap", None)?,
        Behaviour::ListsAnotherNamespace => list("ConfigMap", Some("team-b"))?,
        Behaviour::ListsWhatItMayRead => list("Pod", Some("team-a"))?,
        Behaviour::CreatesOutsideItsGrant => {
            told(&cluster::create(&body("ConfigMap", "team-b", "new"))?);
        }
        Behaviour::AppliesSomethingDeep => {
            told(&cluster::patch(&config_map("team-a", "allowed"), PatchKind::Apply, &deep(), &PLAIN)?);
        }
        Behaviour::CreatesSomethingLarge => told(&cluster::create(&config_map_of(&"x".repeat(2 << 20)))?),
        Behaviour::CreatesSomethingHuge => told(&cluster::create(&huge())?),
        Behaviour::CreatesWhatItMayRead => told(&cluster::create(&body("Pod", "team-a", "one"))?),
        Behaviour::WritesOutsideItsGrant => told(&patch(&config_map("team-b", "secret"), r#"{"data": {}}"#)?),
        Behaviour::PatchesAnotherObject => {
            told(&patch(&config_map("team-a", "allowed"), r#"{"metadata": {"namespace": "team-b"}}"#)?);
        }
        Behaviour::AppliesWhatItMayRead => told(&write(PatchKind::Apply, r#"{"spec": {}}"#, None)?),
        Behaviour::PatchesWhatItMayRead => told(&write(PatchKind::Json, "[]", None)?),
        Behaviour::PatchesAStatusItMayRead => told(&write(PatchKind::Merge, r#"{"status": {}}"#, Some("status"))?),
        Behaviour::AdoptsWhatItMayPatch => {
            told(&patch(&service(), &format!(r#"{{"metadata": {{"ownerReferences": [{OWNER}]}}}}"#))?);
        }
        Behaviour::AdoptsByAnOperation => {
            let operation = format!(r#"[{{"op": "add", "path": "/metadata/ownerReferences/-", "value": {OWNER}}}]"#);
            told(&by_operations(&service(), &operation)?);
        }
        Behaviour::DeletesWhatItMayRead => {
            cluster::delete(&pod(Some("team-a"), "one"))?;
            told("a pod's end");
        }
        Behaviour::DeletesOutsideItsGrant => {
            cluster::delete(&config_map("team-b", "secret"))?;
            told("a config map's end");
        }
        _ => {}
    }
    Ok(())
}

fn config_map(namespace: &str, name: &str) -> ObjectRef {
    ObjectRef {
        api_version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        namespace: Some(namespace.to_owned()),
        name: name.to_owned(),
    }
}

fn pod(namespace: Option<&str>, name: &str) -> ObjectRef {
    ObjectRef { kind: "Pod".to_owned(), namespace: namespace.map(str::to_owned), ..config_map("", name) }
}

/// May be read and patched, and nothing else.
fn service() -> ObjectRef {
    ObjectRef { kind: "Service".to_owned(), ..config_map("team-a", "front") }
}

/// One that there is not.
const OWNER: &str =
    r#"{"apiVersion": "v1", "kind": "ConfigMap", "name": "no", "uid": "00000000-0000-0000-0000-000000000000"}"#;

fn body(kind: &str, namespace: &str, name: &str) -> String {
    format!(r#"{{"apiVersion": "v1", "kind": "{kind}", "metadata": {{"namespace": "{namespace}", "name": "{name}"}}}}"#)
}

fn config_map_of(text: &str) -> String {
    let metadata = r#"{"namespace": "team-a", "name": "large"}"#;
    format!(r#"{{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {metadata}, "data": {{"text": "{text}"}}}}"#)
}

fn list(kind: &str, namespace: Option<&str>) -> Result<(), Failure> {
    let kind = ObjectKind { api_version: "v1".to_owned(), kind: kind.to_owned() };
    let selection = cluster::Selection { kind, namespace: namespace.map(str::to_owned), labels: None };
    told(&cluster::list(&selection)?.concat());
    Ok(())
}

fn patch(target: &ObjectRef, patch: &str) -> Result<String, cluster::Error> {
    cluster::patch(target, PatchKind::Merge, patch, &PLAIN)
}

fn by_operations(target: &ObjectRef, operations: &str) -> Result<String, cluster::Error> {
    cluster::patch(target, PatchKind::Json, operations, &PLAIN)
}

/// To the pod that may be read.
fn write(kind: PatchKind, patch: &str, subresource: Option<&str>) -> Result<String, cluster::Error> {
    let options = PatchOptions { subresource: subresource.map(str::to_owned), force: true, dry_run: false };
    cluster::patch(&pod(Some("team-a"), "one"), kind, patch, &options)
}

/// A refusal, as a failure that carries its kind and text.
impl From<cluster::Error> for Failure {
    fn from(error: cluster::Error) -> Self {
        let (reason, message) = match error {
            cluster::Error::NotFound(message) => ("NotFound", message),
            cluster::Error::Conflict(clash) => ("Conflict", clash.message),
            cluster::Error::Denied(message) => ("Denied", message),
            cluster::Error::Invalid(message) => ("Invalid", message),
            cluster::Error::Unavailable(message) => ("Unavailable", message),
        };
        Self::Terminal(Problem { reason: reason.to_owned(), message })
    }
}
