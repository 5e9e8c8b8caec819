//! Transforms that would never end.

use anyhow::{Context, Result, ensure};
use capstan_e2e::condition;
use serde_json::json;

use super::{PATCHES, config_maps, gone, patch, ready, synced, value};
use crate::world::World;

pub(crate) async fn transforms_without_end_are_ended_and_named(world: &World) -> Result<()> {
    let (objects, name) = (world.objects()?, "endless");
    config_maps(&objects, name).await?;
    let jq = |expression: &str| json!({"fieldPath": "data.value2", "transform": expression});
    // Each turn costs something, and there are more than the engine's own bound lets through in the time of a call.
    let ranges = "range 100000 }}{{ range 100000 }}{{ $text := b64enc (toJson $) }}{{ end }}{{ end";
    let recursion = "define \"a\" }}{{ template \"a\" . }}{{ end }}{{ template \"a\" .";
    for (patch_name, to, reasons, field) in [
        ("endless-loop", jq("${ last(range(infinite)) }"), &["DeadlineExceeded"][..], "spec.to.transform"),
        // Whichever runs out first.
        ("endless-list", jq("${ [range(infinite)] }"), &["MemoryExhausted", "DeadlineExceeded"], "spec.to.transform"),
        ("endless-recursion", jq("${ def f: 1 + f; f }"), &["StackExhausted", "Trapped"], "spec.to.transform"),
        ("endless-tail", jq("${ def f: f; f }"), &["DeadlineExceeded"], "spec.to.transform"),
        (
            "endless-template",
            json!({"fieldPath": "data.value2", "transforms": [recursion]}),
            &["TransformFailed"],
            "spec.to.transforms",
        ),
        (
            "endless-ranges",
            json!({"fieldPath": "data.value2", "transforms": [ranges]}),
            &["DeadlineExceeded"],
            "spec.to.transforms",
        ),
        ("endless-output", jq("${ [range(100000)] | tojson }"), &["TransformFailed"], "spec.to.transform"),
    ] {
        let mut object = patch(name, "data", &to);
        object["metadata"]["name"] = json!(patch_name);
        objects.apply_value(&object).await?;
        let found = failed(&objects, patch_name, reasons).await?;
        let message = condition(&found, "Synced").2.to_owned();
        ensure!(message.contains(field), "{patch_name}: the message names the transform: {message}");
        // Deletion transforms nothing.
        objects.delete(PATCHES.0, PATCHES.1, "", patch_name).await?;
        gone(&objects, patch_name).await?;
    }
    // Nobody else minds.
    objects.apply_value(&patch(name, "data.value1", &json!({"fieldPath": "data.value2"}))).await?;
    ready(&objects, name).await?;
    synced(&objects, name, "True", "ReconcileSuccess").await?;
    Ok(())
}

/// A world of its own, since they take up all that the provider may do at a time.
pub(crate) async fn transforms_without_end_of_some_do_not_hold_up_others(world: &World) -> Result<()> {
    let kind = world.server().kind();
    let scenario = move || -> Result<()> {
        let world = World::with_patch(kind)?;
        world.block_on(others_go_on(&world)).with_context(|| world.log())
    };
    // It brings a runtime of its own, which must not be entered from this one's.
    tokio::task::spawn_blocking(scenario).await.context("the scenario panicked")?
}

async fn others_go_on(world: &World) -> Result<()> {
    let (objects, name) = (world.objects()?, "others");
    config_maps(&objects, name).await?;
    objects.apply_value(&patch(name, "data.value1", &json!({"fieldPath": "data.value2"}))).await?;
    ready(&objects, name).await?;
    let to = json!({"fieldPath": "data.value3", "transform": "${ last(range(infinite)) }"});
    let endless: Vec<String> = (0..12).map(|number| format!("endless-{number}")).collect();
    for one in &endless {
        let mut object = patch(name, "data", &to);
        object["metadata"]["name"] = json!(one);
        objects.apply_value(&object).await?;
    }
    // More than the breaker takes, of more objects than it asks for, and with none between that goes well.
    for one in &endless {
        failed(&objects, one, &["DeadlineExceeded"]).await?;
    }
    objects.merge("v1", "configmaps", name, "foo", json!({"data": {"value1": "changed"}})).await?;
    value(&objects, name, "changed").await?;
    let provider = objects.get("capstan.dev/v1alpha1", "providers", "", "patch").await?;
    ensure!(condition(&provider, "Healthy").0 == "True", "it was given rest: {provider:#}");
    // Nor is a deletion held.
    objects.delete(PATCHES.0, PATCHES.1, "", &endless[0]).await?;
    gone(&objects, &endless[0]).await?;
    Ok(())
}

async fn failed(objects: &capstan_e2e::Objects, name: &str, reasons: &[&str]) -> Result<serde_json::Value> {
    let look = || objects.get(PATCHES.0, PATCHES.1, "", name);
    let what = format!("{name}: one of {reasons:?}");
    capstan_e2e::eventually(&what, crate::world::SOON, look, |found| reasons.contains(&condition(found, "Synced").1))
        .await
}
