//! A provider that acts in the name of a service account.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use capstan_e2e::{Objects, condition, eventually, plugin};
use serde_json::{Value, json};

use crate::world::{ACCOUNT, NAMESPACE, SOON, World};

/// Compiling a component takes seconds on a busy machine, and a refused build is tried again after up to a minute.
const LOADED: Duration = Duration::from_mins(2);

const PROVIDER: &str = "capstan.dev/v1alpha1";
const NOTE: &str = "test.capstan.dev/v1";
const RBAC: &str = "rbac.authorization.k8s.io/v1";
/// Where the account is: nobody runs anything there.
const TEAM: &str = "accounts";
const ALL: &str = r#"kubernetes: [{apiGroups: [""], kinds: [ConfigMap], verbs: ["*"]}]"#;

/// A world of its own, with a host that is given no provider.
async fn alone(world: &World, story: fn(&World, &Objects) -> Result<()>) -> Result<()> {
    let kind = world.server().kind();
    let scenario = move || -> Result<()> {
        let world = World::bare(kind)?;
        let objects = world.block_on(async { world.objects() })?;
        world.block_on(objects.namespace(TEAM))?;
        story(&world, &objects).with_context(|| world.log())
    };
    // It brings a runtime of its own, which must not be entered from this one's.
    tokio::task::spawn_blocking(scenario).await.context("the scenario panicked")?
}

/// The grants, in the name of the account.
fn in_its_name(grants: &str) -> String {
    format!("{grants}\nserviceAccount: {{namespace: {TEAM}, name: neighbour}}\n")
}

/// A `ConfigMap` with the component and its grants.
async fn deliver(objects: &Objects, grants: &str) -> Result<()> {
    let component = STANDARD.encode(std::fs::read(plugin("neighbour")?)?);
    let metadata = json!({"name": "carrier", "namespace": NAMESPACE, "labels": {"capstan.dev/provider": "neighbour"}});
    objects
        .apply_value(&json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata,
            "data": {"grants.yaml": grants}, "binaryData": {"provider.wasm": component},
        }))
        .await
}

async fn note(objects: &Objects, name: &str, text: &str) -> Result<()> {
    let metadata = json!({"name": name, "namespace": "default"});
    objects
        .apply_value(&json!({"apiVersion": NOTE, "kind": "Note", "metadata": metadata, "spec": {"text": text}}))
        .await
}

async fn says(objects: &Objects, name: &str, text: &str) -> Result<()> {
    let config_map = format!("note-{name}");
    let look = || objects.get("v1", "configmaps", "default", &config_map);
    eventually(&format!("{config_map} says {text}"), LOADED, look, |found| found["data"]["text"] == text)
        .await
        .map(drop)
}

/// Waits until `Loaded` is as wanted and its message has a text; gives the object.
async fn loaded(objects: &Objects, status: &str, reason: &str, text: &str) -> Result<Value> {
    let look = || objects.get(PROVIDER, "providers", "", "neighbour");
    let what = format!("Loaded={status} {reason}: {text}");
    eventually(&what, LOADED, look, |found| {
        let (is, why, message) = condition(found, "Loaded");
        is == status && why == reason && message.contains(text)
    })
    .await
}

/// The host's right to that, as `capstan provider package` prints it.
fn may_act_as_it() -> [Value; 2] {
    let metadata = json!({"name": "capstan-provider-neighbour", "namespace": TEAM});
    let allowed = json!({
        "apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["impersonate"], "resourceNames": ["neighbour"],
    });
    let role = json!({"apiVersion": RBAC, "kind": "Role", "metadata": metadata, "rules": [allowed]});
    let binding = json!({
        "apiVersion": RBAC, "kind": "RoleBinding", "metadata": metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "capstan-provider-neighbour"},
        "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": NAMESPACE}],
    });
    [role, binding]
}

/// On every server: what is asked in the name of the account is done, from the first object to the last.
pub(crate) async fn a_provider_converges_in_the_name_of_its_account(world: &World) -> Result<()> {
    alone(world, |world, objects| world.block_on(converges(world, objects))).await
}

async fn converges(world: &World, objects: &Objects) -> Result<()> {
    world.grant_rights("neighbour", &in_its_name(ALL)).await?;
    deliver(objects, &in_its_name(ALL)).await?;
    let found = loaded(objects, "True", "Loaded", "").await?;
    let account = json!({"namespace": TEAM, "name": "neighbour"});
    ensure!(found["spec"]["serviceAccount"] == account, "the Provider follows its ConfigMap: {found:#}");
    note(objects, "one", "first").await?;
    says(objects, "one", "first").await?;
    // Its own watch hears of changes, and of those of what it wrote.
    note(objects, "one", "second").await?;
    says(objects, "one", "second").await?;
    let look = || objects.get(NOTE, "notes", "default", "one");
    eventually("the note is synced", SOON, look, |note| condition(note, "Synced").0 == "True").await?;

    // Another name for the same build and the same grants is in force as well: here it is the host's own again.
    world.grant_rights("neighbour", ALL).await?;
    deliver(objects, ALL).await?;
    let look = || objects.get(PROVIDER, "providers", "", "neighbour");
    eventually("the Provider names no account", SOON, look, |found| found["spec"]["serviceAccount"].is_null()).await?;
    note(objects, "one", "third").await?;
    says(objects, "one", "third").await?;
    deliver(objects, &in_its_name(ALL)).await?;
    eventually("the Provider names the account", SOON, look, |found| found["spec"]["serviceAccount"] == account)
        .await?;

    // It goes with its last object, which only the account may let go.
    objects.delete("v1", "configmaps", NAMESPACE, "carrier").await?;
    eventually("it waits for its objects", LOADED, look, |found| condition(found, "Deleting").1 == "ObjectsRemain")
        .await?;
    let abandon = json!({"metadata": {"annotations": {"capstan.dev/abandon": "true"}}});
    objects.merge(PROVIDER, "providers", "", "neighbour", abandon).await?;
    eventually("the Provider is gone", LOADED, look, Value::is_null).await?;
    let one = objects.get(NOTE, "notes", "default", "one").await?;
    ensure!(one["metadata"]["name"] == "one" && one["metadata"]["finalizers"].is_null(), "{one:#}");
    Ok(())
}

/// What the account may not do is refused although the grants allow it, and the host could do it.
pub(crate) async fn the_api_server_refuses_what_the_account_may_not(world: &World) -> Result<()> {
    alone(world, |world, objects| world.block_on(second_wall(world, objects))).await
}

async fn second_wall(world: &World, objects: &Objects) -> Result<()> {
    // The host itself may do everything that there is to do here.
    let rules = json!([
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]},
        {"apiGroups": ["test.capstan.dev"], "resources": ["*"], "verbs": ["*"]},
        {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": ["*"]},
    ]);
    let labels = json!({"capstan.dev/aggregate-to-host": "true"});
    let all = json!({"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": "all", "labels": labels}, "rules": rules});
    objects.apply_value(&all).await?;

    // It may not act as the account.
    deliver(objects, &in_its_name(ALL)).await?;
    let found = loaded(objects, "False", "RightsMissing", "impersonate of serviceaccounts named neighbour").await?;
    let (_, _, message) = condition(&found, "Loaded");
    ensure!(message.starts_with("the host") && message.contains("--service-account accounts/neighbour"), "{message}");

    // It may act as the account, which may not do the least.
    for object in may_act_as_it() {
        objects.apply_value(&object).await?;
    }
    let own = "get, list, watch, patch of notes.test.capstan.dev";
    let found = loaded(objects, "False", "RightsMissing", own).await?;
    let (_, _, message) = condition(&found, "Loaded");
    ensure!(message.starts_with("ServiceAccount accounts/neighbour has not the right to"), "{message}");

    // It may do what belongs to its own kinds, and nothing of what its grants speak of.
    world.grant_rights("neighbour", &in_its_name("")).await?;
    let look = || objects.get(PROVIDER, "providers", "", "neighbour");
    let found = eventually("it is loaded", LOADED, look, |found| {
        condition(found, "Loaded").0 == "True" && !found["status"]["permissions"]["missing"].is_null()
    })
    .await?;
    let missing = found["status"]["permissions"]["missing"].to_string();
    ensure!(missing.contains("of configmaps"), "{missing}");
    let named =
        |event: &Value| event["note"].as_str().is_some_and(|note| note.contains("ServiceAccount accounts/neighbour"));
    let look = || objects.events("default", "Provider", "neighbour");
    let is_told = |events: &Vec<Value>| events.iter().any(|event| event["reason"] == "RightsMissing" && named(event));
    eventually("whose rights are missing is told", SOON, look, is_told).await?;

    // The ConfigMap is there already and the host could read and write it: nothing of that is of use to the provider.
    let made = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "note-one", "namespace": "default"}, "data": {"text": "before"}});
    objects.apply_value(&made).await?;
    note(objects, "one", "first").await?;
    let look = || objects.get(NOTE, "notes", "default", "one");
    let found = eventually("the note is refused", SOON, look, |found| condition(found, "Synced").0 == "False").await?;
    let (_, reason, message) = condition(&found, "Synced");
    ensure!(reason == "Denied", "{reason}: {message}");
    for named in ["system:serviceaccount:accounts:neighbour", "configmaps"] {
        ensure!(message.contains(named), "{named}: {message}");
    }
    ensure!(!message.contains(&format!("system:serviceaccount:{NAMESPACE}:{ACCOUNT}")), "{message}");
    let before = objects.get("v1", "configmaps", "default", "note-one").await?;
    ensure!(before["data"]["text"] == "before", "{before:#}");

    // With the right it converges, without being loaded anew.
    world.grant_rights("neighbour", &in_its_name(ALL)).await?;
    says(objects, "one", "first").await?;

    // The host has no right of the provider, and no more than to act as this one account.
    objects.delete(RBAC, "clusterroles", "", "all").await?;
    note(objects, "one", "second").await?;
    says(objects, "one", "second").await?;
    let host = format!("--as=system:serviceaccount:{NAMESPACE}:{ACCOUNT}");
    let may = |arguments: &[&str]| -> Result<bool> {
        let mut kubectl = world.server().kubectl()?.context("no kubectl was built")?;
        kubectl.args(["auth", "can-i", "--quiet", &host]).args(arguments);
        Ok(kubectl.status()?.success())
    };
    ensure!(may(&["impersonate", "serviceaccounts/neighbour", "-n", TEAM])?, "the host may not act as the account");
    for refused in [
        &["impersonate", "serviceaccounts/default", "-n", TEAM][..],
        &["impersonate", "serviceaccounts/neighbour", "-n", "default"],
        &["impersonate", "users/admin"],
        &["impersonate", "groups/system:masters"],
        &["get", "configmaps", "-n", "default"],
        &["patch", "notes.test.capstan.dev", "-n", "default"],
    ] {
        ensure!(!may(refused)?, "the host may {refused:?}");
    }
    Ok(())
}
