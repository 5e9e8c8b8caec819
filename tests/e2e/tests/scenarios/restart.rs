//! A host that dies in the middle.

use std::{ops::Range, time::Duration};

use anyhow::{Context, Result};
use capstan_e2e::{condition, eventually};
use serde_json::json;

use crate::world::World;

const PATCHES: usize = 40;

/// A world of its own: killing the common one would disturb the others.
pub(crate) async fn a_killed_host_converges_after_it_comes_back(world: &World) -> Result<()> {
    let kind = world.server().kind();
    let scenario = move || -> Result<()> {
        let mut world = World::with_patch(kind)?;
        world.block_on(make_config_maps(&world))?;
        // Nobody waits for these to be done.
        world.block_on(make_patches(&world, 0..PATCHES / 2))?;
        world.kill()?;
        // These come while nobody is there.
        world.block_on(make_patches(&world, PATCHES / 2..PATCHES))?;
        world.restart()?;
        world.block_on(converged(&world, "first"))?;
        world.block_on(change(&world))?;
        world.kill()?;
        world.restart()?;
        world.block_on(converged(&world, "second"))
    };
    // It brings a runtime of its own, which must not be entered from this one's.
    tokio::task::spawn_blocking(scenario).await.context("the scenario panicked")?
}

async fn make_config_maps(world: &World) -> Result<()> {
    let objects = world.objects()?;
    objects.namespace("restart").await?;
    objects
        .apply(
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: from, namespace: restart}, data: {key: first}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: to, namespace: restart}}",
        )
        .await
}

async fn make_patches(world: &World, numbers: Range<usize>) -> Result<()> {
    let objects = world.objects()?;
    for number in numbers {
        let reference = |name: &str| json!({"kind": "ConfigMap", "name": name, "namespace": "restart"});
        objects
            .apply_value(&json!({
                "apiVersion": "krateo.io/v1alpha1", "kind": "Patch", "metadata": {"name": format!("restart-{number}")},
                "spec": {
                    "from": {"objectReference": reference("from"), "fieldPath": "data.key"},
                    "to": {"objectReference": reference("to"), "fieldPath": format!("data.key{number}")},
                },
            }))
            .await?;
    }
    Ok(())
}

async fn change(world: &World) -> Result<()> {
    let objects = world.objects()?;
    objects.merge("v1", "configmaps", "restart", "from", json!({"data": {"key": "second"}})).await
}

async fn converged(world: &World, wanted: &str) -> Result<()> {
    let objects = world.objects()?;
    let limit = Duration::from_mins(2);
    let look = || objects.get("v1", "configmaps", "restart", "to");
    eventually(&format!("all keys are {wanted}"), limit, look, |to| {
        (0..PATCHES).all(|number| to["data"][format!("key{number}")] == wanted)
    })
    .await
    .with_context(|| world.log())?;
    for number in 0..PATCHES {
        let name = format!("restart-{number}");
        let look = || objects.get("krateo.io/v1alpha1", "patches", "", &name);
        eventually(&name, limit, look, |patch| {
            condition(patch, "Ready").0 == "True" && condition(patch, "Synced").0 == "True"
        })
        .await?;
    }
    Ok(())
}
