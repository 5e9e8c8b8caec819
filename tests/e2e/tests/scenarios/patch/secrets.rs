//! A Secret as a source.

use anyhow::{Result, ensure};
use capstan_e2e::{condition, eventually};
use serde_json::{Value, json};

use super::loops::watches_of;
use super::{PATCHES, config_maps, patch, ready, synced};
use crate::world::{SOON, World};

/// As itself and as the API server stores it.
const PASSWORD: &str = "correct-horse-battery";
const ENCODED: &str = "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5";

pub(crate) async fn a_granted_secret_is_copied_and_shown_nowhere_else(world: &World) -> Result<()> {
    let (objects, name) = (world.objects()?, "secret");
    config_maps(&objects, name).await?;
    objects
        .apply_value(&json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login", "namespace": "vault"},
            "data": {"password": ENCODED},
        }))
        .await?;
    let from_secret = |patch_name: &str, transform: &str, annotations: Value| {
        let to = json!({"fieldPath": "data.value2", "transform": transform});
        let mut object = patch(name, "data.password", &to);
        object["metadata"] = json!({"name": patch_name, "annotations": annotations});
        object["spec"]["from"]["objectReference"] = json!({"kind": "Secret", "name": "login", "namespace": "vault"});
        object
    };
    // Whatever could show it: a preview, a log that says everything, a transform that fails over it.
    let observe = json!({"krateo.io/management-policy": "observe"});
    objects.apply_value(&from_secret("secret-preview", "${ @base64d }", observe)).await?;
    let look = || objects.get(PATCHES.0, PATCHES.1, "", "secret-preview");
    eventually("a preview", SOON, look, |found| found["status"]["preview"][0]["desired"].is_string()).await?;
    let verbose = json!({"krateo.io/connector-verbose": "true"});
    objects.apply_value(&from_secret("secret-fails", "${ error(.) }", verbose.clone())).await?;
    let found = synced(&objects, "secret-fails", "False", "TransformFailed").await?;
    ensure!(condition(&found, "Synced").2.contains("Secret"), "the message says why it says no more: {found:#}");
    // The API server quotes what it refuses.
    let mut refused = from_secret("secret-refused", "${ @base64d + \"!\" }", verbose.clone());
    refused["spec"]["to"]["fieldPath"] = json!("metadata.labels.x");
    objects.apply_value(&refused).await?;
    let found = synced(&objects, "secret-refused", "False", "Invalid").await?;
    ensure!(condition(&found, "Synced").2.contains("Secret"), "the message says why it says no more: {found:#}");
    objects.apply_value(&from_secret(name, "${ @base64d }", verbose)).await?;
    super::value(&objects, name, PASSWORD).await?;
    ready(&objects, name).await?;

    let mut shown = world.log();
    for patch_name in [name, "secret-preview", "secret-fails", "secret-refused"] {
        shown += &objects.get(PATCHES.0, PATCHES.1, "", patch_name).await?.to_string();
        shown += &json!(objects.events("default", "Patch", patch_name).await?).to_string();
    }
    for form in [PASSWORD, ENCODED] {
        let place = shown.find(form).map(|at| shown[..at].lines().last().unwrap_or_default().to_owned());
        ensure!(place.is_none(), "{form} is shown after {place:?}");
    }
    // It is followed by a watch that is as narrow as the grant.
    let changed = json!({"data": {"password": "Y2hhbmdlZA=="}});
    objects.merge("v1", "secrets", "vault", "login", changed).await?;
    super::value(&objects, name, "changed").await?;
    let watches = watches_of(world, "Secret").await?;
    ensure!(watches.iter().any(|watch| watch["namespace"] == "vault"), "{watches:#?}");
    ensure!(watches.iter().all(|watch| !watch["namespace"].is_null()), "of all namespaces: {watches:#?}");

    // Not granted here, and a Secret of the namespace that is granted is not to be written.
    let mut writing = patch(name, "data.value1", &json!({"fieldPath": "stringData.password"}));
    writing["metadata"]["name"] = json!("secret-writes");
    writing["spec"]["to"]["objectReference"] = json!({"kind": "Secret", "name": "login", "namespace": "vault"});
    objects.apply_value(&writing).await?;
    synced(&objects, "secret-writes", "False", "Denied").await?;
    Ok(())
}
