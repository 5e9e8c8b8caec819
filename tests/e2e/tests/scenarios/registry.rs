//! A provider from a real registry.

use std::{io::Write, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use capstan_e2e::{Objects, ServerKind, command, condition, eventually, output, plugin};
use capstan_registry::{PASSWORD, Registry, Setup, USER};
use serde_json::{Value, json};

use crate::world::{NAMESPACE, SOON, World};

/// Compiling a component takes seconds on a busy machine, and a look at a tag comes every ten.
const LOADED: Duration = Duration::from_mins(2);

const PROVIDER: &str = "capstan.dev/v1alpha1";
const NOTE: &str = "test.capstan.dev/v1";
const GRANTS: &str = r#"kubernetes: [{apiGroups: [""], kinds: [ConfigMap], verbs: ["*"]}]"#;
const PULL_SECRET: &str = "registry";

/// A world of its own, with a host that is given no provider.
pub(crate) async fn a_provider_is_pulled_followed_and_kept_while_its_registry_is_away(world: &World) -> Result<()> {
    let kind = world.server().kind();
    let scenario = move || -> Result<()> {
        let world = World::bare(kind)?;
        world.block_on(world.grant_rights("neighbour", GRANTS))?;
        let folder = tempfile::tempdir()?;
        let mut registry = Registry::start(folder.path(), &Setup { asks_who: true, ..Setup::default() })?;
        let pusher = Pusher::new(folder.path(), &registry)?;
        world.block_on(story(&world, &mut registry, &pusher)).with_context(|| world.log())
    };
    // It brings a runtime of its own, which must not be entered from this one's.
    tokio::task::spawn_blocking(scenario).await.context("the scenario panicked")?
}

async fn story(world: &World, registry: &mut Registry, pusher: &Pusher<'_>) -> Result<()> {
    let objects = &world.objects()?;
    let tag = format!("{}/neighbour:stable", registry.address());
    refused_by_the_api_server(objects, &tag).await?;

    // What is missing is said, one thing after the other.
    let follows = |reference: &str| {
        json!({
            "grants": {"kubernetes": [{"apiGroups": [""], "kinds": ["ConfigMap"], "verbs": ["*"]}]},
            "source": {"oci": {
                "reference": reference, "plainHttp": true, "interval": "10s", "pullSecret": {"name": PULL_SECRET},
            }},
        })
    };
    provide(objects, &follows(&tag)).await?;
    if world.server().kind() == ServerKind::Real {
        let found = provider(objects, "Loaded", "False", "RightsMissing").await?;
        ensure!(condition(&found, "Loaded").2.contains("kubectl create role"), "{found:#}");
    }
    objects.apply(&pull_rights()).await?;
    let found = provider(objects, "Loaded", "False", "PullSecretInvalid").await?;
    ensure!(condition(&found, "Loaded").2.contains("kubectl create secret docker-registry"), "{found:#}");
    objects.apply_value(&pull_secret(registry, "guessed")).await?;
    let found = provider(objects, "Loaded", "False", "RegistryUnauthorized").await?;
    ensure!(condition(&found, "Healthy") == ("False", "NotRunning", "no build of it is in service"), "{found:#}");
    objects.apply_value(&pull_secret(registry, PASSWORD)).await?;
    provider(objects, "Loaded", "False", "ArtifactMissing").await?;

    // What is pushed comes into service.
    let neighbour = std::fs::read(plugin("neighbour")?)?;
    let first = pusher.push(&tag, &neighbour)?;
    provider(objects, "Loaded", "True", "Loaded").await?;
    let found = in_service(objects, &first).await?;
    ensure!(found["status"]["size"] == neighbour.len(), "{found:#}");
    note(objects, "one", "first").await?;

    // A tag that moves brings another build, with nothing stopped.
    let second = pusher.push(&tag, &with_another_section(&neighbour))?;
    ensure!(first.component != second.component && first.manifest != second.manifest, "{first:?} {second:?}");
    in_service(objects, &second).await?;
    note(objects, "one", "second").await?;
    ensure!(!world.log().contains("provider stopped"), "{}", world.log());

    // Without its registry it goes on, and says so.
    registry.stop();
    let found = provider(objects, "Loaded", "False", "FetchFailed").await?;
    let running = ("True", "LastGoodBuild", "the last good build is in service");
    ensure!(condition(&found, "Healthy") == running && found["status"]["digest"] == *second.component, "{found:#}");
    note(objects, "one", "third").await?;
    registry.resume()?;
    provider(objects, "Loaded", "True", "Loaded").await?;
    provider(objects, "Healthy", "True", "Running").await?;

    // The Provider that a push prints takes that build and no other.
    objects.apply(&first.provider).await?;
    let found = in_service(objects, &first).await?;
    let reference = found["spec"]["source"]["oci"]["reference"].as_str().unwrap_or_default();
    ensure!(reference.ends_with(&format!("@{}", first.manifest)), "{reference}");
    let wrong = json!({"spec": {"digest": second.component}});
    objects.merge(PROVIDER, "providers", "", "neighbour", wrong).await?;
    let found = provider(objects, "Loaded", "False", "DigestMismatch").await?;
    ensure!(condition(&found, "Loaded").2.contains(&first.component), "{found:#}");
    note(objects, "one", "fourth").await?;

    let (_, metrics) = world.probe("/metrics").await?;
    for outcome in ["pulled", "unchanged", "FetchFailed", "RegistryUnauthorized"] {
        let line = format!(r#"capstan_provider_pulls_total{{provider="neighbour",outcome="{outcome}"}}"#);
        ensure!(metrics.contains(&line), "{line}: {metrics}");
    }
    Ok(())
}

/// References that lead nowhere, and plain HTTP to other machines.
async fn refused_by_the_api_server(objects: &Objects, good: &str) -> Result<()> {
    let digest = format!("registry.example.org/a/b@sha256:{}", "0".repeat(64));
    for (oci, said) in [
        (json!({"reference": "patch:1"}), "registry.example.org/name:tag"),
        (json!({"reference": "https://registry.example.org/patch:1"}), "registry.example.org/name:tag"),
        (json!({"reference": "registry.example.org:5000/patch"}), "a tag or a digest"),
        (json!({"reference": "registry.example.org/patch@sha256:00"}), "registry.example.org/name:tag"),
        (json!({"reference": "registry.example.org/patch:1", "plainHttp": true}), "loopback"),
        (json!({"reference": good, "interval": "9s"}), "10s or more"),
    ] {
        let error = provide(objects, &json!({"source": {"oci": oci}})).await.err().with_context(|| format!("{oci}"))?;
        ensure!(format!("{error:#}").contains(said), "{oci}: {error:#}");
    }
    for reference in ["registry.example.org:5000/a/b:v1_2.3", "localhost/a:1", "[::1]:5000/a:1", &digest, good] {
        let spec = json!({"source": {"oci": {"reference": reference}}, "paused": true});
        provide(objects, &spec).await.with_context(|| reference.to_owned())?;
    }
    objects.delete(PROVIDER, "providers", "", "neighbour").await?;
    let look = || objects.get(PROVIDER, "providers", "", "neighbour");
    eventually("the Provider is gone", SOON, look, Value::is_null).await.map(drop)
}

async fn provide(objects: &Objects, spec: &Value) -> Result<()> {
    let metadata = json!({"name": "neighbour"});
    let provider = json!({"apiVersion": PROVIDER, "kind": "Provider", "metadata": metadata, "spec": spec});
    objects.apply_value(&provider).await
}

fn pull_secret(registry: &Registry, password: &str) -> Value {
    let config = json!({"auths": {registry.address().to_string(): {"username": USER, "password": password}}});
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
        "metadata": {"name": PULL_SECRET, "namespace": NAMESPACE},
        "data": {".dockerconfigjson": STANDARD.encode(config.to_string())},
    })
}

/// As `capstan provider push --pull-secret` prints them; nothing has been pushed yet.
fn pull_rights() -> String {
    format!(
        "{{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {{name: pull, namespace: {NAMESPACE}}}, rules: \
         [{{apiGroups: [''], resources: [secrets], verbs: [get], resourceNames: [{PULL_SECRET}]}}]}}\n---\n\
         {{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {{name: pull, namespace: {NAMESPACE}}}, \
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: pull}}, subjects: [{{kind: ServiceAccount, name: \
         capstan, namespace: {NAMESPACE}}}]}}\n"
    )
}

/// The same component with a custom section more, which is another one to everybody but its logic.
fn with_another_section(component: &[u8]) -> Vec<u8> {
    let mut bytes = component.to_vec();
    bytes.extend([0, 2, 1, b'x']);
    bytes
}

/// Waits until a condition has this status and reason; gives the object.
async fn provider(objects: &Objects, of: &str, status: &str, reason: &str) -> Result<Value> {
    let look = || objects.get(PROVIDER, "providers", "", "neighbour");
    let what = format!("{of}={status} {reason}");
    eventually(&what, LOADED, look, |found| {
        let (is, why, _) = condition(found, of);
        is == status && why == reason
    })
    .await
}

/// Waits until a build is in service.
async fn in_service(objects: &Objects, pushed: &Pushed) -> Result<Value> {
    let look = || objects.get(PROVIDER, "providers", "", "neighbour");
    eventually(&format!("{pushed:?} in service"), LOADED, look, |found| {
        found["status"]["digest"] == *pushed.component && found["status"]["manifestDigest"] == *pushed.manifest
    })
    .await
}

/// A note is written, and what it says arrives.
async fn note(objects: &Objects, name: &str, text: &str) -> Result<()> {
    let metadata = json!({"name": name, "namespace": "default"});
    let note = json!({"apiVersion": NOTE, "kind": "Note", "metadata": metadata, "spec": {"text": text}});
    objects.apply_value(&note).await?;
    let config_map = format!("note-{name}");
    let look = || objects.get("v1", "configmaps", "default", &config_map);
    eventually(&format!("{config_map} says {text}"), SOON, look, |found| found["data"]["text"] == text).await.map(drop)
}

/// Somebody who has signed in to the registry.
struct Pusher<'a> {
    folder: &'a Path,
}

/// What a push has said.
#[derive(Debug)]
struct Pushed {
    component: String,
    manifest: String,
    /// YAML, ready for kubectl.
    provider: String,
}

impl<'a> Pusher<'a> {
    fn new(folder: &'a Path, registry: &Registry) -> Result<Self> {
        let auth = STANDARD.encode(format!("{USER}:{PASSWORD}"));
        let config = json!({"auths": {registry.address().to_string(): {"auth": auth}}});
        std::fs::write(folder.join("config.json"), config.to_string())?;
        Ok(Self { folder })
    }

    fn push(&self, tag: &str, component: &[u8]) -> Result<Pushed> {
        let (file, grants) = (self.folder.join("neighbour.wasm"), self.folder.join("grants.yaml"));
        std::fs::File::create(&file)?.write_all(component)?;
        std::fs::write(&grants, GRANTS)?;
        let mut push = command()?;
        push.env("DOCKER_CONFIG", self.folder).args(["provider", "push", "--plain-http", "--pull-secret", PULL_SECRET]);
        push.arg("--grants").arg(&grants).arg(&file).arg(tag);
        let provider = output(push)?;
        let printed: Vec<Value> = serde_saphyr::from_multiple(&provider)?;
        let spec = &printed.last().context("nothing is printed")?["spec"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let reference = text(&spec["source"]["oci"]["reference"]);
        let (_, manifest) = reference.split_once('@').context("the reference is not pinned")?;
        Ok(Pushed { component: text(&spec["digest"]), manifest: manifest.to_owned(), provider })
    }
}
