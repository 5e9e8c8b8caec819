//! What people do with kubectl, in the order in which they would.

use std::{
    io::Write,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use capstan_e2e::{Lines, eventually};

use crate::world::{SOON, World};

/// Between two attempts.
const LOOK: Duration = Duration::from_millis(200);

/// A kind with everything that kubectl looks at: columns, short name, category, status, scale, defaults and rules.
const DEFINITION: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: kites.session.example}
spec:
  group: session.example
  names: {kind: Kite, listKind: KiteList, plural: kites, singular: kite, shortNames: [ki], categories: [toys]}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      subresources:
        status: {}
        scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}
      additionalPrinterColumns:
        - {name: Colour, type: string, jsonPath: .spec.colour}
        - {name: Replicas, type: integer, jsonPath: .spec.replicas}
      schema:
        openAPIV3Schema:
          type: object
          description: Something on a string.
          properties:
            spec:
              type: object
              description: How it should be.
              required: [colour]
              properties:
                colour: {type: string, description: What it looks like., enum: [red, blue]}
                replicas: {type: integer, default: 1, minimum: 0}
              x-kubernetes-validations:
                - {rule: 'self.replicas < 10', message: 'nine are enough'}
            status:
              type: object
              x-kubernetes-preserve-unknown-fields: true
";

const KITE: &str =
    "{apiVersion: session.example/v1, kind: Kite, metadata: {name: one, namespace: session}, spec: {colour: red}}";
const BLUE: &str =
    "{apiVersion: session.example/v1, kind: Kite, metadata: {name: one, namespace: session}, spec: {colour: blue}}";
const GREEN: &str =
    "{apiVersion: session.example/v1, kind: Kite, metadata: {name: two, namespace: session}, spec: {colour: green}}";
const MANY: &str = "{apiVersion: session.example/v1, kind: Kite, metadata: {name: two, namespace: session}, spec: {colour: red, replicas: 10}}";
const MISSPELT: &str = "{apiVersion: session.example/v1, kind: Kite, metadata: {name: two, namespace: session}, spec: {colour: red, size: 1}}";
const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: flyer, namespace: session}
spec:
  replicas: 1
  selector: {matchLabels: {app: flyer}}
  template:
    metadata: {labels: {app: flyer}}
    spec: {containers: [{name: flyer, image: 'registry.example/flyer:1'}]}
";

/// What somebody saw of the deployment.
const HAPPENED: &str = "
apiVersion: v1
kind: Event
metadata: {name: flyer.launched, namespace: session}
involvedObject: {apiVersion: apps/v1, kind: Deployment, name: flyer, namespace: session}
reason: Launched
message: it is in the air
type: Normal
source: {component: session}
firstTimestamp: '2026-01-01T00:00:00Z'
lastTimestamp: '2026-01-01T00:00:00Z'
count: 1
";

/// A patch that only shows what it would do.
const PREVIEW: &str = "
{apiVersion: v1, kind: ConfigMap, metadata: {name: from, namespace: session}, data: {text: shown}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: to, namespace: session}}
---
apiVersion: krateo.io/v1alpha1
kind: Patch
metadata: {name: session-preview, annotations: {krateo.io/management-policy: observe}}
spec:
  from: {objectReference: {kind: ConfigMap, name: from, namespace: session}, fieldPath: data.text}
  to: {objectReference: {kind: ConfigMap, name: to, namespace: session}}
";

/// One call: its words, what goes to stdin, how it ends, and what it must say.
struct Step {
    words: &'static str,
    input: &'static str,
    code: i32,
    says: &'static [&'static str],
    /// How long it may fail first, where the server follows a change with a delay.
    patience: Duration,
}

const fn step(words: &'static str, input: &'static str, code: i32, says: &'static [&'static str]) -> Step {
    Step { words, input, code, says, patience: Duration::ZERO }
}

const fn soon(words: &'static str, code: i32, says: &'static [&'static str]) -> Step {
    Step { words, input: "", code, says, patience: SOON }
}

const SESSION: &[Step] = &[
    // Typed clients send these as protobuf.
    step("create namespace session", "", 0, &["namespace/session created"]),
    step("create configmap settings -n session --from-literal=a=1", "", 0, &["configmap/settings created"]),
    step("create secret generic keys -n session --from-literal=b=2", "", 0, &["secret/keys created"]),
    step("create serviceaccount flyer -n session", "", 0, &["serviceaccount/flyer created"]),
    step("get configmap settings -n session -o jsonpath={.data.a}", "", 0, &["1"]),
    step("get secret keys -n session -o jsonpath={.data.b}", "", 0, &["Mg=="]),
    step("create namespace session", "", 1, &["AlreadyExists"]),
    step("auth can-i create kites.session.example -n session", "", 0, &["yes"]),
    // A kind, and its objects.
    step("apply -f -", DEFINITION, 0, &["kites.session.example created"]),
    step("wait --for=condition=Established crd/kites.session.example --timeout=30s", "", 0, &["condition met"]),
    soon("explain kite.spec.colour", 0, &["session.example", "What it looks like.", "red"]),
    step("explain deployment.spec.replicas", "", 0, &["apps", "replicas"]),
    step("api-resources --api-group=session.example", "", 0, &["kites", "ki", "session.example/v1"]),
    step("apply -f -", KITE, 0, &["kite.session.example/one created"]),
    step("apply -f -", KITE, 0, &["kite.session.example/one unchanged"]),
    step("diff -f -", BLUE, 1, &["-  colour: red", "+  colour: blue"]),
    step("apply -f -", BLUE, 0, &["kite.session.example/one configured"]),
    step("apply -f -", GREEN, 1, &["Unsupported value: \"green\"", "\"red\", \"blue\""]),
    step("apply -f -", MANY, 1, &["nine are enough"]),
    step("apply -f -", MISSPELT, 1, &["unknown field \"spec.size\""]),
    step("create --dry-run=server -f -", KITE, 1, &["AlreadyExists"]),
    step("get kites -n session", "", 0, &["NAME", "COLOUR", "REPLICAS", "one", "blue"]),
    step("get toys -A --no-headers", "", 0, &["session", "one"]),
    step("get ki one -n session -o yaml", "", 0, &["colour: blue", "replicas: 1", "generation: 2"]),
    step("get kite one -n session -o json", "", 0, &["\"colour\": \"blue\""]),
    step("get kites -n session -o name", "", 0, &["kite.session.example/one"]),
    step("get kite three -n session", "", 1, &["NotFound"]),
    step("get dragons", "", 1, &["the server doesn't have a resource type \"dragons\""]),
    step("describe kite one -n session", "", 0, &["Name:", "one", "Colour", "blue"]),
    // Field owners.
    step("apply --server-side --field-manager=other -f -", KITE, 1, &["conflict", ".spec.colour"]),
    step("apply --server-side --field-manager=other --force-conflicts -f -", KITE, 0, &["serverside-applied"]),
    step("get kite one -n session --show-managed-fields -o yaml", "", 0, &["manager: other", "operation: Apply"]),
    // Changes.
    step("label kite one -n session season=autumn", "", 0, &["labeled"]),
    step("get kites -n session -l season=autumn -o name", "", 0, &["one"]),
    step("get kites -n session -l season!=autumn", "", 0, &["No resources found"]),
    step("get kites -n session --field-selector=metadata.name=one -o name", "", 0, &["one"]),
    step("annotate kite one -n session wind=strong", "", 0, &["annotated"]),
    step("patch kite one -n session --type=merge -p {\"spec\":{\"replicas\":2}}", "", 0, &["patched"]),
    step(
        "patch kite one -n session --type=json -p [{\"op\":\"test\",\"path\":\"/spec/replicas\",\"value\":7}]",
        "",
        1,
        &["the server rejected our request"],
    ),
    step("patch kite one -n session -p {\"spec\":{\"replicas\":3}}", "", 1, &["merge-patch+json"]),
    step(
        "patch kite one -n session --subresource=status --type=merge -p {\"status\":{\"replicas\":2,\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}",
        "",
        0,
        &["patched"],
    ),
    step("wait --for=condition=Ready kite/one -n session --timeout=10s", "", 0, &["condition met"]),
    step("wait --for=jsonpath={.status.replicas}=2 kite/one -n session --timeout=10s", "", 0, &["condition met"]),
    step("scale kite one -n session --replicas=4", "", 0, &["scaled"]),
    step("get kite one -n session -o jsonpath={.spec.replicas}", "", 0, &["4"]),
    step("edit kite one -n session", "", 0, &["edited"]),
    step("get kite one -n session -o jsonpath={.spec.colour}", "", 0, &["blue"]),
    step("replace -f -", KITE, 0, &["replaced"]),
    // Built-in kinds with a strategic merge.
    step("apply -f -", DEPLOYMENT, 0, &["deployment.apps/flyer created"]),
    step("rollout status deployment/flyer -n session --timeout=30s", "", 0, &["successfully rolled out"]),
    step("set image deployment/flyer -n session flyer=registry.example/flyer:2", "", 0, &["image updated"]),
    step("get deployment flyer -n session -o jsonpath={.spec.template.spec.containers[0].image}", "", 0, &["flyer:2"]),
    step("scale deployment flyer -n session --replicas=2", "", 0, &["scaled"]),
    step("wait --for=condition=Available deployment/flyer -n session --timeout=30s", "", 0, &["condition met"]),
    step("get deployments -n session", "", 0, &["NAME", "READY", "flyer"]),
    step("create -f -", HAPPENED, 0, &["event/flyer.launched created"]),
    step("get events -n session", "", 0, &["LAST SEEN", "TYPE", "REASON", "Launched", "it is in the air"]),
    // What a provider tells of its objects.
    step("apply -f -", PREVIEW, 0, &["session-preview created"]),
    soon(
        "get patches session-preview",
        0,
        &["NAME", "READY", "SYNCED", "PREVIEW", "AGE", "session-preview", "True", "\"shown\""],
    ),
    soon("describe patches.krateo.io session-preview", 0, &["Events:", "capstan.dev/patch", "Synced is True"]),
    step("delete patches.krateo.io session-preview --timeout=30s", "", 0, &["\"session-preview\" deleted"]),
    // Ends.
    step("delete deployment flyer -n session", "", 0, &["deleted"]),
    step("delete kite one -n session", "", 0, &["\"one\" deleted"]),
    step("delete kite one -n session", "", 1, &["NotFound"]),
    step("delete kite one -n session --ignore-not-found", "", 0, &[]),
    step("delete configmap --all -n session --wait=false", "", 0, &["\"settings\" deleted"]),
    step("delete namespace session --timeout=60s", "", 0, &["\"session\" deleted"]),
    step("delete crd kites.session.example", "", 0, &["deleted"]),
    soon("get crd kites.session.example", 1, &["NotFound"]),
];

pub(crate) async fn a_session_from_create_to_delete(world: &World) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let kubectl = || -> Result<Command> {
        let mut command = world.server().kubectl()?.context("no kubectl was built")?;
        command.env("KUBE_EDITOR", "sed -i s/red/blue/").env("KUBECTL_EXTERNAL_DIFF", "diff -u -N");
        command.arg("--cache-dir").arg(folder.path());
        Ok(command)
    };
    for step in SESSION {
        let deadline = Instant::now() + step.patience;
        loop {
            let mut command = kubectl()?;
            command.args(step.words.split(' '));
            match play(command, step) {
                Err(_) if Instant::now() < deadline => tokio::time::sleep(LOOK).await,
                played => break played.with_context(|| format!("kubectl {}", step.words))?,
            }
        }
    }
    Ok(())
}

fn play(mut command: Command, step: &Step) -> Result<()> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    child.stdin.take().context("no stdin")?.write_all(step.input.as_bytes())?;
    let done = child.wait_with_output()?;
    let said = [done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    ensure!(done.status.code() == Some(step.code), "it ended with {}: {said}", done.status);
    for words in step.says {
        ensure!(said.contains(words), "it should say {words:?}: {said}");
    }
    Ok(())
}

pub(crate) async fn a_watch_shows_changes_as_they_come(world: &World) -> Result<()> {
    let objects = world.objects()?;
    objects.namespace("watched").await?;
    let config_map = |value: &str| {
        serde_json::json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "seen", "namespace": "watched"}, "data": {"a": value},
        })
    };
    let mut names = watch(world, &["configmaps", "--field-selector=metadata.name=seen", "-o", "name"])?;
    for value in ["1", "2"] {
        objects.apply_value(&config_map(value)).await?;
        names.say(&["configmap/seen"], SOON).await?;
    }

    // A kind with columns, as a table, until the object is gone.
    let mut table = watch(world, &["patches.krateo.io", "--field-selector=metadata.name=watched"])?;
    let reference = |name: &str| serde_json::json!({"kind": "ConfigMap", "name": name, "namespace": "watched"});
    let patch = serde_json::json!({
        "apiVersion": "krateo.io/v1alpha1", "kind": "Patch", "metadata": {"name": "watched"},
        "spec": {
            "from": {"objectReference": reference("seen"), "fieldPath": "data.a"},
            "to": {"objectReference": reference("seen"), "fieldPath": "data.b"},
        },
    });
    objects.apply_value(&patch).await?;
    table.say(&["NAME", "READY", "SYNCED", "AGE"], SOON).await?;
    table.say(&["watched", "True", "True"], SOON).await?;
    objects.delete("krateo.io/v1alpha1", "patches", "", "watched").await?;
    let gone = || objects.get("krateo.io/v1alpha1", "patches", "", "watched");
    eventually("the patch is gone", SOON, gone, serde_json::Value::is_null).await?;
    // The row of one that is being deleted, and the row of the one that was.
    table.say(&["watched"], SOON).await
}

/// `kubectl get WORDS -n watched -w`
fn watch(world: &World, words: &[&str]) -> Result<Lines> {
    let mut command = world.server().kubectl()?.context("no kubectl was built")?;
    command.arg("get").args(words).args(["-n", "watched", "-w"]);
    Lines::of(command)
}
