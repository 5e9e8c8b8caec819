//! What becomes of values on their way.

use anyhow::{Result, ensure};
use capstan_e2e::{Objects, condition, eventually};
use serde_json::{Value, json};

use super::{PATCHES, config_maps, patch, ready, synced};
use crate::world::{SOON, World};

const GAUGE: (&str, &str) = ("test.capstan.dev/v1", "gauges");

fn gauge(namespace: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": GAUGE.0, "kind": "Gauge", "metadata": {"name": name, "namespace": namespace}, "spec": spec})
}

/// A `Patch` of this name between the gauges `from` and `to` of a namespace.
fn between(namespace: &str, name: &str, from_path: &str, to: &Value) -> Value {
    let mut object = patch(namespace, from_path, to);
    object["metadata"]["name"] = json!(name);
    for (side, gauge) in [("from", "from"), ("to", "to")] {
        object["spec"][side]["objectReference"] =
            json!({"apiVersion": GAUGE.0, "kind": "Gauge", "name": gauge, "namespace": namespace});
    }
    object
}

async fn becomes(objects: &Objects, namespace: &str, pointer: &str, wanted: &Value) -> Result<()> {
    let look = || objects.get(GAUGE.0, GAUGE.1, namespace, "to");
    let what = format!("{pointer} = {wanted}");
    eventually(&what, SOON, look, |found| found.pointer(pointer) == Some(wanted)).await.map(drop)
}

pub(crate) async fn values_keep_their_types_and_shapes(world: &World) -> Result<()> {
    let (objects, namespace) = (world.objects()?, "values");
    objects.namespace(namespace).await?;
    let source = json!({
        "number": 3, "large": 9_007_199_254_740_993_i64, "on": true, "text": "Some Text", "list": ["b", "c"],
        "map": {"a": "new", "b": "new"}, "image": "web:2",
    });
    objects.apply_value(&gauge(namespace, "from", &source)).await?;
    let target = json!({
        "same": 3, "tags": ["a", "b"], "kept": {"a": "old"},
        "containers": [{"name": "one", "image": "web:1"}, {"name": "two", "image": "web:1"}],
    });
    objects.apply_value(&gauge(namespace, "to", &target)).await?;
    let lines = "${\n  .text # several lines\n  | ascii_downcase\n}";
    for (name, from_path, to, merge, pointer, wanted) in [
        // Without a field of its own the one of the source.
        ("values-large", "spec.large", json!({}), None, "/spec/large", source["large"].clone()),
        ("values-on", "spec.on", json!({"fieldPath": "spec.deep.on"}), None, "/spec/deep/on", json!(true)),
        (
            "values-first",
            "spec.number",
            json!({"fieldPath": "spec.first", "transform": "${.+1,99}"}),
            None,
            "/spec/first",
            json!(4),
        ),
        (
            "values-lines",
            "spec",
            json!({"fieldPath": "spec.lines", "transform": lines}),
            None,
            "/spec/lines",
            json!("some text"),
        ),
        (
            "values-list",
            "spec.list",
            json!({"fieldPath": "spec.tags"}),
            Some(json!({"appendSlice": true})),
            "/spec/tags",
            json!(["a", "b", "c"]),
        ),
        (
            "values-map",
            "spec.map",
            json!({"fieldPath": "spec.kept"}),
            Some(json!({"keepMapValues": true})),
            "/spec/kept",
            json!({"a": "old", "b": "new"}),
        ),
        (
            "values-all",
            "spec.image",
            json!({"fieldPath": "spec.containers[*].image"}),
            None,
            "/spec/containers/1/image",
            json!("web:2"),
        ),
    ] {
        let mut object = between(namespace, name, from_path, &to);
        if let Some(merge) = merge {
            object["spec"]["mergeOptions"] = merge;
        }
        objects.apply_value(&object).await?;
        becomes(&objects, namespace, pointer, &wanted).await?;
        ready(&objects, name).await?;
    }
    let found = objects.get(GAUGE.0, GAUGE.1, namespace, "to").await?;
    ensure!(found["spec"]["containers"][0] == json!({"name": "one", "image": "web:2"}), "{found:#}");
    // 3 is 3.0: nothing to write.
    let same = json!({"fieldPath": "spec.same", "transform": "${ 3.0 }"});
    objects.apply_value(&between(namespace, "values-same", "spec.number", &same)).await?;
    ready(&objects, "values-same").await?;
    let after = objects.get(GAUGE.0, GAUGE.1, namespace, "to").await?;
    ensure!(after["metadata"]["resourceVersion"] == found["metadata"]["resourceVersion"], "{after:#}");
    Ok(())
}

pub(crate) async fn a_null_is_a_mistake_unless_it_is_to_remove_the_field(world: &World) -> Result<()> {
    let objects = world.objects()?;
    config_maps(&objects, "nothing").await?;
    let mut to = json!({"fieldPath": "data.value2", "transform": "${ .nosuchkey }"});
    objects.apply_value(&patch("nothing", "data", &to)).await?;
    let found = synced(&objects, "nothing", "False", "TransformFailed").await?;
    ensure!(condition(&found, "Synced").2.contains("whenNull"), "{found:#}");
    to["whenNull"] = json!("delete");
    objects.apply_value(&patch("nothing", "data", &to)).await?;
    let look = || objects.get("v1", "configmaps", "nothing", "bar");
    eventually("the field is gone", SOON, look, |bar| bar["data"] == json!({"value1": "Bar1"})).await?;
    ready(&objects, "nothing").await?;
    ensure!(!objects.get(PATCHES.0, PATCHES.1, "", "nothing").await?.is_null());
    Ok(())
}
