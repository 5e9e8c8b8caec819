//! Objects written for either generation of Krateo's provider.

use anyhow::{Result, ensure};
use capstan_e2e::{Objects, eventually};
use serde_json::{Value, json};

use super::{PATCHES, gone, ready};
use crate::world::{SOON, World};

/// What the samples read and change. They name no namespace, so it is `default`.
const OBJECTS: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: foo, namespace: default}
data: {value: Foo, value1: Foo1, value2: Foo2, replicas: \"3\"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: bar, namespace: default}
data: {value1: Bar1, value2: Bar2}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web}]}
";

const TRANSFORMS: &str = "
apiVersion: krateo.io/v1alpha1
kind: Patch
metadata: {name: sample1}
spec:
  from: {objectReference: {apiVersion: v1, kind: ConfigMap, name: foo}, fieldPath: data}
  to:
    objectReference: {apiVersion: v1, kind: ConfigMap, name: bar}
    fieldPath: data.value2
    transforms: [\"b64enc .value1\", 'printf \"prefix-%s\"']
";

/// Of the first generation too, from a text to a text.
const TEXTS: &str = "
apiVersion: krateo.io/v1alpha1
kind: Patch
metadata: {name: sample1}
spec:
  from: {objectReference: {apiVersion: v1, kind: ConfigMap, name: foo}, fieldPath: data.value}
  to:
    objectReference: {apiVersion: v1, kind: ConfigMap, name: bar}
    fieldPath: data.value
    transforms: [\"b64enc . \", 'printf \"prefix-%s\"']
";

const PLAIN: &str = "
apiVersion: krateo.io/v1alpha1
kind: Patch
metadata: {name: sample}
spec:
  from: {objectReference: {apiVersion: v1, kind: ConfigMap, name: foo}, fieldPath: data.value}
  to: {objectReference: {apiVersion: v1, kind: ConfigMap, name: bar}, fieldPath: data.value}
";

const TRANSFORM: &str = "
apiVersion: krateo.io/v1alpha1
kind: Patch
metadata: {name: sample1}
spec:
  deletionPolicy: Delete
  from: {objectReference: {apiVersion: v1, kind: ConfigMap, name: foo, namespace: default}, fieldPath: data}
  to:
    objectReference: {apiVersion: v1, kind: ConfigMap, name: bar, namespace: default}
    fieldPath: data.value1
    transform: ${ .value2 | @base64 }
";

const JQ: &str = "
apiVersion: krateo.io/v1alpha1
kind: Patch
metadata: {name: sample-jq}
spec:
  from: {objectReference: {apiVersion: v1, kind: ConfigMap, name: foo, namespace: default}, fieldPath: data}
  to:
    objectReference: {apiVersion: apps/v1, kind: Deployment, name: web, namespace: default}
    fieldPath: spec.replicas
    transform: ${ .replicas | tonumber }
";

const WHOLE: &str = "
apiVersion: krateo.io/v1alpha1
kind: Patch
metadata: {name: sample-notransform}
spec:
  from: {objectReference: {apiVersion: v1, kind: ConfigMap, name: foo, namespace: default}, fieldPath: data}
  to:
    objectReference: {apiVersion: v1, kind: ConfigMap, name: bar, namespace: default}
    fieldPath: data
";

pub(crate) async fn samples_of_both_generations_converge_unchanged(world: &World) -> Result<()> {
    let objects = world.objects()?;
    objects.apply(OBJECTS).await?;
    for (sample, name, kind, pointer, wanted) in [
        (TEXTS, "sample1", "configmaps", "/data/value", json!("prefix-Rm9v")),
        (PLAIN, "sample", "configmaps", "/data/value", json!("Foo")),
        (TRANSFORMS, "sample1", "configmaps", "/data/value2", json!("prefix-Rm9vMQ==")),
        (TRANSFORM, "sample1", "configmaps", "/data/value1", json!("Rm9vMg==")),
        (JQ, "sample-jq", "deployments", "/spec/replicas", json!(3)),
        (WHOLE, "sample-notransform", "configmaps", "/data/value2", json!("Foo2")),
    ] {
        objects.apply(sample).await?;
        let (version, target) = if kind == "deployments" { ("apps/v1", "web") } else { ("v1", "bar") };
        let look = || objects.get(version, kind, "default", target);
        let what = format!("{name}: {pointer} = {wanted}");
        eventually(&what, SOON, look, |found| found.pointer(pointer) == Some(&wanted)).await?;
        ready(&objects, name).await?;
        objects.delete(PATCHES.0, PATCHES.1, "", name).await?;
        gone(&objects, name).await?;
        let after = objects.get(version, kind, "default", target).await?;
        ensure!(after.pointer(pointer) == Some(&wanted), "{name} leaves the value: {after:#}");
    }
    let bar = objects.get("v1", "configmaps", "default", "bar").await?;
    ensure!(bar["data"] == json!({"value": "Foo", "value1": "Foo1", "value2": "Foo2", "replicas": "3"}), "{bar:#}");
    listed_as_krateo_lists_it(&objects).await
}

/// Same plural, columns and category as before.
async fn listed_as_krateo_lists_it(objects: &Objects) -> Result<()> {
    let look = objects.get("apiextensions.k8s.io/v1", "customresourcedefinitions", "", "patches.krateo.io").await?;
    let spec = &look["spec"];
    ensure!(spec["names"]["categories"] == json!(["krateo"]), "{spec:#}");
    let columns = spec["versions"][0]["additionalPrinterColumns"].as_array();
    let names: Vec<&Value> = columns.into_iter().flatten().map(|column| &column["name"]).collect();
    ensure!(names.starts_with(&[&json!("READY"), &json!("SYNCED")]), "{names:?}");
    Ok(())
}

pub(crate) async fn what_makes_no_sense_is_refused_by_the_api_server(world: &World) -> Result<()> {
    let objects = world.objects()?;
    let one = json!({"objectReference": {"kind": "ConfigMap", "name": "foo"}, "fieldPath": "data.a"});
    let several =
        json!([{"name": "a", "objectReference": {"kind": "ConfigMap", "name": "foo"}, "fieldPath": "data.a"}]);
    let target = json!({"kind": "ConfigMap", "name": "bar"});
    let both = json!({"objectReference": target, "fieldPath": "data.b", "transform": "x", "transforms": ["."]});
    let chosen = json!({"objectReference": target, "fieldPath": "data.b", "selector": {"matchLabels": {"a": "b"}}});
    let nobody = json!({"objectReference": {"kind": "ConfigMap"}, "fieldPath": "data.b"});
    let plain = json!({"objectReference": target, "fieldPath": "data.b"});
    for (spec, says) in [
        (json!({"from": one, "to": both}), "transform and transforms exclude each other"),
        (json!({"from": one, "sources": several, "to": plain}), "from and sources exclude each other"),
        (json!({"from": one, "to": chosen}), "objectReference.name or selector is needed, and not both"),
        (json!({"from": one, "to": nobody}), "objectReference.name or selector is needed, and not both"),
        (json!({"from": one, "to": plain, "onDelete": "explode"}), "onDelete"),
    ] {
        for (kind, namespace) in [("Patch", None), ("NamespacedPatch", Some("default"))] {
            let mut metadata = json!({"name": "senseless"});
            if let Some(namespace) = namespace {
                metadata["namespace"] = json!(namespace);
            }
            let object = json!({"apiVersion": PATCHES.0, "kind": kind, "metadata": metadata, "spec": spec});
            let refused = objects.apply_value(&object).await.map_err(|error| format!("{error:#}"));
            ensure!(refused.as_ref().is_err_and(|text| text.contains(says)), "{kind}: {refused:?} for {spec:#}");
        }
    }
    Ok(())
}
