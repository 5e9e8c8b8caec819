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
        "map": {"a": "new", "b": "new"}, "image": "web:2", "mixed": {"same": "new", "yours": 2, "list": ["b", "c"]},
    });
    objects.apply_value(&gauge(namespace, "from", &source)).await?;
    let target = json!({
        "same": 3, "tags": ["a", "b"], "kept": {"a": "old"}, "word": "old", "keptWord": "old",
        "merged": {"same": "old", "mine": 1, "list": ["a", "b"]}, "both": {"same": "old", "mine": 1, "list": ["a", "b"]},
        "containers": [{"name": "one", "image": "web:1"}, {"name": "two", "image": "web:1"}],
    });
    objects.apply_value(&gauge(namespace, "to", &target)).await?;
    let lines = "${\n  .text # several lines\n  | ascii_downcase\n}";
    for (name, from_path, to, pointer, wanted) in [
        // Without a field of its own the one of the source.
        ("values-large", "spec.large", json!({}), "/spec/large", source["large"].clone()),
        (
            "values-precise",
            "spec",
            json!({"fieldPath": "spec.precise", "transform": "${ .large }"}),
            "/spec/precise",
            source["large"].clone(),
        ),
        ("values-on", "spec.on", json!({"fieldPath": "spec.deep.on"}), "/spec/deep/on", json!(true)),
        (
            "values-first",
            "spec.number",
            json!({"fieldPath": "spec.first", "transform": "${.+1,99}"}),
            "/spec/first",
            json!(4),
        ),
        (
            "values-lines",
            "spec",
            json!({"fieldPath": "spec.lines", "transform": lines}),
            "/spec/lines",
            json!("some text"),
        ),
        (
            "values-all",
            "spec.image",
            json!({"fieldPath": "spec.containers[*].image"}),
            "/spec/containers/1/image",
            json!("web:2"),
        ),
    ] {
        objects.apply_value(&between(namespace, name, from_path, &to)).await?;
        becomes(&objects, namespace, pointer, &wanted).await?;
        ready(&objects, name).await?;
    }
    values_meet_what_is_there(&objects, namespace).await?;
    let found = objects.get(GAUGE.0, GAUGE.1, namespace, "to").await?;
    ensure!(found["spec"]["containers"][0] == json!({"name": "one", "image": "web:2"}), "{found:#}");
    ensure!(found["spec"]["keptWord"] == "old", "{found:#}");
    // 3 is 3.0: nothing to write.
    let same = json!({"fieldPath": "spec.same", "transform": "${ 3.0 }"});
    objects.apply_value(&between(namespace, "values-same", "spec.number", &same)).await?;
    ready(&objects, "values-same").await?;
    let after = objects.get(GAUGE.0, GAUGE.1, namespace, "to").await?;
    ensure!(after["metadata"]["resourceVersion"] == found["metadata"]["resourceVersion"], "{after:#}");
    Ok(())
}

/// The merge options one by one and together, for a map with each kind of value in it and for scalars.
async fn values_meet_what_is_there(objects: &Objects, namespace: &str) -> Result<()> {
    let keep = json!({"keepMapValues": true});
    let append = json!({"appendSlice": true});
    let both = json!({"keepMapValues": true, "appendSlice": true});
    for (name, from, to, options, wanted) in [
        ("values-list", "list", "tags", &append, json!(["a", "b", "c"])),
        ("values-map", "map", "kept", &keep, json!({"a": "old", "b": "new"})),
        (
            "values-merged",
            "mixed",
            "merged",
            &json!({}),
            json!({"same": "new", "mine": 1, "yours": 2, "list": ["b", "c"]}),
        ),
        ("values-both", "mixed", "both", &both, json!({"same": "old", "mine": 1, "yours": 2, "list": ["a", "b", "c"]})),
        ("values-word", "text", "word", &json!({}), json!("Some Text")),
        ("values-kept-word", "text", "keptWord", &keep, json!("old")),
    ] {
        let to_field = json!({"fieldPath": format!("spec.{to}")});
        let mut object = between(namespace, name, &format!("spec.{from}"), &to_field);
        object["spec"]["mergeOptions"] = options.clone();
        objects.apply_value(&object).await?;
        becomes(objects, namespace, &format!("/spec/{to}"), &wanted).await?;
        ready(objects, name).await?;
    }
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
