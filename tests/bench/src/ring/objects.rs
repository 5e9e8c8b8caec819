//! The objects of the ring.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use capstan_e2e::Objects;
use futures::{StreamExt, TryStreamExt, stream};
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, Patch, PatchParams, WatchEvent, WatchParams},
    core::GroupVersionKind,
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

const API_VERSION: &str = "ring.capstan.dev/v1";
/// The name of every operator's object.
const NAME: &str = "ring";
/// Far more than it takes, so that a bench that hangs ends.
const LIMIT: Duration = Duration::from_mins(3);
/// Requests at the same time, when many objects are made.
const AT_ONCE: usize = 16;

/// One object for each operator.
#[derive(Clone)]
pub(super) struct Ring {
    client: Client,
    objects: Objects,
    pub(super) count: usize,
}

impl Ring {
    pub(super) fn new(client: Client, count: usize) -> Self {
        Self { objects: Objects::new(client.clone()), client, count }
    }

    /// Namespaces and objects, all with the nonce 0.
    pub(super) async fn make(&self) -> Result<()> {
        for number in 0..self.count {
            self.objects.namespace(&format!("ring-{number}")).await?;
            let next = (number + 1) % self.count;
            self.apply(number, NAME, &link(0, number, NAME, next)).await?;
        }
        Ok(())
    }

    /// Until every object is ready.
    pub(super) async fn settled(&self) -> Result<()> {
        for number in 0..self.count {
            let began = Instant::now();
            loop {
                let found = self.objects.get(API_VERSION, &plural(number), &format!("ring-{number}"), NAME).await?;
                if is_ready(&found) {
                    break;
                }
                ensure!(began.elapsed() < LIMIT, "link {number} is not ready: {found}");
                sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }

    /// How long a new nonce takes from the first object to the last.
    pub(super) async fn round(&self, nonce: u64) -> Result<Duration> {
        let last = self.count - 1;
        let mut seen = self.watch(last).await?;
        let began = Instant::now();
        self.set(0, nonce).await?;
        timeout(LIMIT, until(&mut seen, nonce)).await.with_context(|| format!("nonce {nonce} does not arrive"))??;
        Ok(began.elapsed())
    }

    /// Writes a nonce, as operators do.
    pub(super) async fn set(&self, number: usize, nonce: u64) -> Result<()> {
        let patch = Patch::Merge(json!({"spec": {"nonce": nonce}}));
        self.api(number).patch(NAME, &PatchParams::default(), &patch).await?;
        Ok(())
    }

    /// What becomes of one operator's object from now on.
    pub(super) async fn watch(
        &self,
        number: usize,
    ) -> Result<stream::BoxStream<'static, kube::Result<WatchEvent<DynamicObject>>>> {
        let api = self.api(number);
        let version = api.get(NAME).await?.metadata.resource_version.unwrap_or_default();
        Ok(api.watch(&WatchParams::default().timeout(290), &version).await?.boxed())
    }

    /// Many more objects of the first operator, each its own next.
    pub(super) async fn crowd(&self, count: usize) -> Result<()> {
        self.objects.namespace("ring-0").await?;
        let make = |number: usize| async move {
            let name = format!("member-{number}");
            self.apply(0, &name, &link(0, 0, &name, 0)).await
        };
        stream::iter(0..count).map(make).buffer_unordered(AT_ONCE).try_collect::<()>().await
    }

    /// Until all of them are ready.
    pub(super) async fn crowd_settled(&self, count: usize) -> Result<()> {
        let began = Instant::now();
        loop {
            let found = self.objects.list(API_VERSION, &plural(0), "ring-0").await?;
            let ready = found.iter().filter(|object| is_ready(object)).count();
            if ready >= count {
                return Ok(());
            }
            ensure!(began.elapsed() < LIMIT, "{ready} of {count} are ready");
            sleep(Duration::from_millis(100)).await;
        }
    }

    async fn apply(&self, number: usize, name: &str, object: &Value) -> Result<()> {
        let params = PatchParams::apply("bench").force();
        self.api(number).patch(name, &params, &Patch::Apply(object)).await?;
        Ok(())
    }

    fn api(&self, number: usize) -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk("ring.capstan.dev", "v1", &kind(number));
        let resource = ApiResource::from_gvk_with_plural(&kind, &plural(number));
        Api::namespaced_with(self.client.clone(), &format!("ring-{number}"), &resource)
    }
}

/// Waits for a nonce.
pub(super) async fn until(
    seen: &mut stream::BoxStream<'static, kube::Result<WatchEvent<DynamicObject>>>,
    nonce: u64,
) -> Result<()> {
    while let Some(event) = seen.try_next().await? {
        if let WatchEvent::Added(object) | WatchEvent::Modified(object) = event
            && object.data["spec"]["nonce"] == nonce
        {
            return Ok(());
        }
    }
    anyhow::bail!("the watch ended")
}

/// The kind of an operator.
pub(super) fn kind(number: usize) -> String {
    format!("OperatorLink{number:04}")
}

fn plural(number: usize) -> String {
    format!("operatorlinks{number:04}")
}

fn link(nonce: u64, number: usize, name: &str, next: usize) -> Value {
    json!({
        "apiVersion": API_VERSION, "kind": kind(number),
        "metadata": {"name": name, "namespace": format!("ring-{number}")},
        "spec": {"nonce": nonce, "next": next},
    })
}

fn is_ready(object: &Value) -> bool {
    let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}
