//! What was there before its object.

use anyhow::{Context, Result, ensure};
use capstan_e2e::{Objects, condition, eventually};
use serde_json::{Value, json};

use crate::{
    provider::NOTE,
    world::{SOON, World},
};

const NAMESPACE: &str = "import";

pub(crate) async fn an_existing_one_is_imported_by_its_external_name(world: &World) -> Result<()> {
    let objects = &world.objects()?;
    objects.namespace(NAMESPACE).await?;
    let metadata = json!({"name": "old", "namespace": NAMESPACE});
    let data = json!({"text": "theirs", "other": "stays"});
    let theirs = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data});
    objects.apply_value(&theirs).await?;
    let found = config_map(objects).await?;

    let annotations = json!({"krateo.io/external-name": "old", "krateo.io/management-policy": "observe"});
    let metadata = json!({"name": "one", "namespace": NAMESPACE, "annotations": annotations});
    let note = json!({"apiVersion": NOTE, "kind": "Note", "metadata": metadata, "spec": {"text": "ours"}});
    objects.apply_value(&note).await?;
    let is_well = |note: &Value| ["Ready", "Synced"].iter().all(|kind| condition(note, kind).0 == "True");
    let seen = eventually("it is seen", SOON, || a_note(objects), is_well).await?;
    ensure!(seen["status"]["written"] == "theirs", "{seen:#}");
    // Once more, so that whatever the first look had led to is done.
    change(objects, json!({"metadata": {"annotations": {"capstan.dev/reconcile-requested-at": "now"}}})).await?;
    let is_handled = |note: &Value| note["status"]["lastHandledReconcileAt"] == "now";
    eventually("it is looked at again", SOON, || a_note(objects), is_handled).await?;
    let version = |config_map: &Value| config_map["metadata"]["resourceVersion"].clone();
    let observed = config_map(objects).await?;
    ensure!(version(&observed) == version(&found), "it was only to be observed: {observed:#}");
    is_imported(objects, &found).await?;

    change(objects, json!({"metadata": {"annotations": {"krateo.io/management-policy": null}}})).await?;
    says(objects, "ours").await?;
    change(objects, json!({"spec": {"text": "newer"}})).await?;
    says(objects, "newer").await?;
    is_imported(objects, &found).await?;

    change(objects, json!({"metadata": {"annotations": {"krateo.io/deletion-policy": "orphan"}}})).await?;
    objects.delete(NOTE, "notes", NAMESPACE, "one").await?;
    eventually("the note is gone", SOON, || a_note(objects), Value::is_null).await?;
    let left = config_map(objects).await?;
    ensure!(left["metadata"]["deletionTimestamp"].is_null() && left["data"]["text"] == "newer", "{left:#}");
    Ok(())
}

/// It is the one that was found, and nothing was created in its place, nor was that intended.
async fn is_imported(objects: &Objects, found: &Value) -> Result<()> {
    let now = config_map(objects).await?;
    ensure!(now["metadata"]["uid"] == found["metadata"]["uid"], "another one: {now:#}");
    ensure!(now["data"]["other"] == "stays", "{now:#}");
    let all = objects.list("v1", "configmaps", NAMESPACE).await?;
    ensure!(!all.iter().any(|each| each["metadata"]["name"] == "note-one"), "{all:#?}");
    let note = a_note(objects).await?;
    let annotations = note["metadata"]["annotations"].as_object().context("no annotations")?;
    ensure!(annotations["krateo.io/external-name"] == "old", "{note:#}");
    ensure!(!annotations.keys().any(|key| key.starts_with("krateo.io/external-create-")), "{note:#}");
    Ok(())
}

async fn a_note(objects: &Objects) -> Result<Value> {
    objects.get(NOTE, "notes", NAMESPACE, "one").await
}

async fn change(objects: &Objects, patch: Value) -> Result<()> {
    objects.merge(NOTE, "notes", NAMESPACE, "one", patch).await
}

async fn config_map(objects: &Objects) -> Result<Value> {
    objects.get("v1", "configmaps", NAMESPACE, "old").await
}

async fn says(objects: &Objects, text: &str) -> Result<()> {
    let says = |found: &Value| found["data"]["text"] == text;
    eventually(&format!("it says {text}"), SOON, || config_map(objects), says).await.map(drop)
}
