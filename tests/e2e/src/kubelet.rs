//! A kubelet for a cluster without nodes: it says of every Pod that it runs and is ready.

use std::time::Duration;

use anyhow::Result;
use futures::TryStreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams},
    runtime::{WatchStreamExt, watcher},
};
use serde_json::json;

/// Between two attempts to watch.
const PAUSE: Duration = Duration::from_millis(200);

/// Makes Pods ready until it is dropped by whoever polls it. With that the controllers of Deployments and `StatefulSet`s see
/// them become available; a Job's Pods are said to have succeeded.
pub async fn play_kubelet(client: Client) {
    while let Err(error) = follow(&client).await {
        // The API server may be stopped and started by a scenario.
        eprintln!("the played kubelet lost its watch: {error}");
        tokio::time::sleep(PAUSE).await;
    }
}

async fn follow(client: &Client) -> Result<()> {
    let pods: Api<Pod> = Api::all(client.clone());
    let mut seen = std::pin::pin!(watcher(pods, watcher::Config::default()).applied_objects());
    while let Some(pod) = seen.try_next().await? {
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
        if phase.is_none_or(|phase| phase == "Pending") && pod.metadata.deletion_timestamp.is_none() {
            start(client, &pod).await?;
        }
    }
    Ok(())
}

async fn start(client: &Client, pod: &Pod) -> Result<()> {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let of_job = pod.owner_references().iter().any(|owner| owner.kind == "Job");
    let (phase, ready) = if of_job { ("Succeeded", "False") } else { ("Running", "True") };
    let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "lastTransitionTime": now});
    let status = json!({"status": {
        "phase": phase,
        "startTime": now,
        "conditions": [
            condition("PodScheduled", "True"),
            condition("Initialized", "True"),
            condition("ContainersReady", ready),
            condition("Ready", ready),
        ],
    }});
    let pods: Api<Pod> = Api::namespaced(client.clone(), &pod.namespace().unwrap_or_default());
    match pods.patch_status(&pod.name_any(), &PatchParams::default(), &Patch::Merge(status)).await {
        // Deleted meanwhile.
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        patched => Ok(patched.map(drop)?),
    }
}
