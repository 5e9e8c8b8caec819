//! Installing Capstan in a cluster, and the rights it has there.

use std::{io::Write, process::Stdio};

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use capstan_e2e::{capstan, condition, eventually, output, plugin};
use serde_json::{Value, json};

use crate::world::{ACCOUNT, NAMESPACE, SOON, World};

/// Of the definition that the Prometheus operator brings, what a `ServiceMonitor` of ours has to fit.
const SERVICE_MONITORS: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: servicemonitors.monitoring.coreos.com}
spec:
  group: monitoring.coreos.com
  names: {kind: ServiceMonitor, listKind: ServiceMonitorList, plural: servicemonitors, singular: servicemonitor}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          required: [spec]
          properties:
            spec:
              type: object
              required: [endpoints, selector]
              properties:
                selector:
                  type: object
                  x-kubernetes-map-type: atomic
                  properties:
                    matchLabels: {type: object, additionalProperties: {type: string}}
                endpoints:
                  type: array
                  items:
                    type: object
                    properties:
                      port: {type: string}
                      path: {type: string}
";

pub(crate) async fn the_manifests_apply_and_the_deployment_becomes_available(world: &World) -> Result<()> {
    let objects = world.objects()?;
    let look = || objects.get("apps/v1", "deployments", NAMESPACE, "capstan");
    let deployment =
        eventually("the host's deployment", SOON, look, |found| condition(found, "Available").0 == "True").await?;
    ensure!(deployment["status"]["readyReplicas"] == 2, "{deployment:#}");
    Ok(())
}

pub(crate) async fn everything_passes_a_server_side_dry_run(world: &World) -> Result<()> {
    let patch = plugin("patch")?;
    let component = patch.to_str().context("a path is no text")?;
    let packaged = capstan(&["provider", "package", component, "--name", "dry"])?;
    service_monitors_are_served(world).await?;
    for (what, yaml) in [("manifests", capstan(&["manifests", "--service-monitor"])?), ("package", packaged)] {
        // The order of things does not matter to a dry run, but their namespace has to be there: it is.
        let arguments = ["--server-side", "--dry-run=server", "--force-conflicts", "--validate=strict"];
        let complaint = kubectl_apply(world, &arguments, &yaml).context(what)?;
        ensure!(!complaint.contains("Warning"), "{what}: {complaint}");
    }
    Ok(())
}

/// Until discovery, which follows a new definition a little later, and the schemas that fields are checked against have them.
async fn service_monitors_are_served(world: &World) -> Result<()> {
    let objects = world.objects()?;
    objects.apply(SERVICE_MONITORS).await?;
    let name = "servicemonitors.monitoring.coreos.com";
    let look = || objects.get("apiextensions.k8s.io/v1", "customresourcedefinitions", "", name);
    eventually("their definition", SOON, look, |found| condition(found, "Established").0 == "True").await?;
    for (path, text) in
        [("/apis/monitoring.coreos.com/v1", "servicemonitors"), ("/openapi/v3", "monitoring.coreos.com/v1")]
    {
        let look = || async { raw(world, path) };
        eventually(path, SOON, look, |found| found.contains(text)).await?;
    }
    Ok(())
}

/// What the API server answers at a path; nothing if that is not there.
fn raw(world: &World, path: &str) -> Result<String> {
    let mut kubectl = world.server().kubectl()?.context("no kubectl was built")?;
    let done = kubectl.args(["get", "--raw", path]).output().context("kubectl")?;
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

/// `kubectl apply ARGUMENTS -f -`; what it has to say beside what it did.
fn kubectl_apply(world: &World, arguments: &[&str], yaml: &str) -> Result<String> {
    let mut kubectl = world.server().kubectl()?.context("no kubectl was built")?;
    kubectl.arg("apply").args(arguments).args(["-f", "-"]);
    let mut child =
        kubectl.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().context("kubectl")?;
    child.stdin.take().context("no stdin")?.write_all(yaml.as_bytes())?;
    let done = child.wait_with_output()?;
    let complaint = String::from_utf8_lossy(&done.stderr).into_owned();
    ensure!(done.status.success(), "{complaint}");
    Ok(complaint)
}

pub(crate) async fn the_host_has_the_rights_it_was_given_and_no_others(world: &World) -> Result<()> {
    for allowed in [
        &["list", "configmaps", "-n", NAMESPACE][..],
        &["update", "leases.coordination.k8s.io/capstan-host", "-n", NAMESPACE],
        &["create", "events.events.k8s.io", "-n", "default"],
        &["patch", "patches.krateo.io", "--subresource=status"],
    ] {
        ensure!(may(world, allowed)?, "the host may not {allowed:?}");
    }
    for refused in [
        &["get", "secrets", "-n", NAMESPACE][..],
        &["get", "secrets", "-n", "default"],
        &["create", "clusterroles"],
        &["create", "pods", "-n", "default"],
        &["delete", "patches.krateo.io"],
        &["create", "clusterrolebindings"],
        &["patch", "customresourcedefinitions/others.example.com"],
    ] {
        ensure!(!may(world, refused)?, "the host may {refused:?}");
    }
    // Nothing in the base rights is a wildcard; what a provider's grants say is the administrator's.
    let mut kubectl = world.server().kubectl()?.context("no kubectl was built")?;
    kubectl.args([
        "get",
        "clusterrole,role",
        "--all-namespaces",
        "-l",
        "app.kubernetes.io/part-of=capstan",
        "-o",
        "json",
    ]);
    let roles: Value = serde_json::from_str(&output(kubectl)?)?;
    let roles = roles["items"].as_array().context("no roles")?;
    ensure!(!roles.is_empty(), "no roles of the manifests are labelled");
    for role in roles.iter().filter(|role| role["metadata"]["labels"]["capstan.dev/provider"].is_null()) {
        let aggregated = !role["aggregationRule"].is_null();
        ensure!(aggregated || !role["rules"].to_string().contains("\"*\""), "{role:#}");
    }
    Ok(())
}

/// Whether the API server would let the host do it.
fn may(world: &World, arguments: &[&str]) -> Result<bool> {
    let mut kubectl = world.server().kubectl()?.context("no kubectl was built")?;
    let account = format!("--as=system:serviceaccount:{NAMESPACE}:{ACCOUNT}");
    kubectl.args(["auth", "can-i", "--quiet", &account]).args(arguments);
    Ok(kubectl.status()?.success())
}

/// A world of its own: rights that were given once stay.
pub(crate) async fn a_provider_without_its_rights_says_what_is_missing(world: &World) -> Result<()> {
    let kind = world.server().kind();
    let scenario = move || -> Result<()> {
        let mut world = World::bare(kind)?;
        world.block_on(rights_arrive_late(&world)).with_context(|| world.log())?;
        world.block_on(the_host_loses_a_right(&world))?;
        world.restart()?;
        let log = || async { Ok(world.log()) };
        let said = |log: &String| {
            let mut lines = log.lines().filter(|line| line.contains("RightsMissing") && line.contains("leases"));
            lines.any(|line| line.contains("capstan manifests --part rbac"))
        };
        world.block_on(eventually("the right that is missing, and how it is given", SOON, log, said)).map(drop)
    };
    // It brings a runtime of its own, which must not be entered from this one's.
    tokio::task::spawn_blocking(scenario).await.context("the scenario panicked")?
}

/// Every world is made with the manifests, by an apply of the server's. The command of the guide takes them as well, with a
/// second copy of each in an annotation, and changes nothing else.
///
/// A world of its own, as the copies are in the way of who applies the same by the server.
pub(crate) async fn the_guides_command_takes_the_manifests(world: &World) -> Result<()> {
    let kind = world.server().kind();
    let scenario = move || -> Result<()> {
        let world = World::bare(kind)?;
        world.block_on(take_the_manifests(&world))
    };
    // It brings a runtime of its own, which must not be entered from this one's.
    tokio::task::spawn_blocking(scenario).await.context("the scenario panicked")?
}

async fn take_the_manifests(world: &World) -> Result<()> {
    kubectl_apply(world, &[], &capstan(&["manifests"])?)?;
    let deployment = world.objects()?.get("apps/v1", "deployments", NAMESPACE, "capstan").await?;
    let copy = &deployment["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"];
    ensure!(copy.is_string(), "{deployment:#}");
    Ok(())
}

async fn the_host_loses_a_right(world: &World) -> Result<()> {
    let role = ("rbac.authorization.k8s.io/v1", "roles");
    let objects = world.objects()?;
    let mut rules = objects.get(role.0, role.1, NAMESPACE, "capstan").await?["rules"].take();
    let rules = rules.as_array_mut().context("no rules")?;
    rules.retain(|rule| rule["resources"] != json!(["leases"]));
    objects.merge(role.0, role.1, NAMESPACE, "capstan", json!({ "rules": rules })).await?;
    // Who asks learns of it a little later.
    let look = || async { may(world, &["list", "leases.coordination.k8s.io", "-n", NAMESPACE]) };
    eventually("the right is gone", SOON, look, |may| !may).await.map(drop)
}

async fn rights_arrive_late(world: &World) -> Result<()> {
    const GRANTS: &str =
        r#"kubernetes: [{apiGroups: [""], kinds: [ConfigMap], verbs: [get, list, watch, create, patch]}]"#;
    let objects = world.objects()?;
    let component = STANDARD.encode(std::fs::read(plugin("neighbour")?)?);
    objects
        .apply_value(&json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "early", "namespace": NAMESPACE, "labels": {"capstan.dev/provider": "neighbour"}},
            "data": {"grants.yaml": GRANTS}, "binaryData": {"provider.wasm": component},
        }))
        .await?;
    let look = || objects.events(NAMESPACE, "ConfigMap", "early");
    let told = |reason: &'static str| move |events: &Vec<Value>| events.iter().any(|event| event["reason"] == reason);
    let events = eventually("missing rights are told", SOON, look, told("RightsMissing")).await?;
    let event = events.iter().find(|event| event["reason"] == "RightsMissing").context("no event")?;
    let note = event["note"].as_str().unwrap_or_default();
    ensure!(note.contains("capstan provider package"), "the note names the command that mends it: {note}");

    world.grant_rights("neighbour", GRANTS).await?;
    eventually("the provider is loaded", SOON * 2, look, told("Loaded")).await?;
    objects
        .apply_value(&json!({
            "apiVersion": "test.capstan.dev/v1", "kind": "Note",
            "metadata": {"name": "late", "namespace": "default"}, "spec": {"text": "after all"},
        }))
        .await?;
    let look = || objects.get("v1", "configmaps", "default", "note-late");
    eventually("the note is written", SOON, look, |found| found["data"]["text"] == "after all").await.map(drop)
}
