//! Kinds with controllers of their own, which providers create and wait for.

use anyhow::Result;
use capstan_e2e::{Objects, condition, eventually};
use serde_json::{Value, json};

use crate::world::{SOON, World};

fn workload(kind: &str, replicas: u32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": kind,
        "metadata": {"name": "web", "namespace": "workloads"},
        "spec": {
            "replicas": replicas,
            "serviceName": "web",
            "selector": {"matchLabels": {"app": kind.to_lowercase()}},
            "template": {
                "metadata": {"labels": {"app": kind.to_lowercase()}},
                "spec": {"containers": [{"name": "web", "image": "registry.example/web:1"}]},
            },
        },
    })
}

async fn ready(objects: &Objects, plural: &str, replicas: u32) -> Result<()> {
    let look = || objects.get("apps/v1", plural, "workloads", "web");
    eventually(&format!("{plural}: {replicas} ready"), SOON, look, |found| {
        found["status"]["readyReplicas"] == replicas
            && found["status"]["observedGeneration"] == found["metadata"]["generation"]
    })
    .await
    .map(drop)
}

pub(crate) async fn deployments_and_stateful_sets_become_available(world: &World) -> Result<()> {
    let objects = world.objects()?;
    objects.namespace("workloads").await?;
    let mut deployment = workload("Deployment", 2);
    if let Some(spec) = deployment["spec"].as_object_mut() {
        spec.remove("serviceName");
    }
    objects.apply_value(&deployment).await?;
    objects.apply_value(&workload("StatefulSet", 2)).await?;
    ready(&objects, "deployments", 2).await?;
    ready(&objects, "statefulsets", 2).await?;
    let look = || objects.get("apps/v1", "deployments", "workloads", "web");
    eventually("the deployment is available", SOON, look, |found| condition(found, "Available").0 == "True").await?;

    objects.merge("apps/v1", "deployments", "workloads", "web", json!({"spec": {"replicas": 3}})).await?;
    ready(&objects, "deployments", 3).await
}
