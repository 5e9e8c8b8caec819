//! The task behind a watch.

use std::{pin::pin, sync::Arc, time::Duration};

use capstan_api::GroupVersionKind;
use futures::StreamExt;
use kube::{
    Api,
    runtime::watcher::{self, Event, watcher},
};
use rand::RngExt;

use super::{raw::Raw, state::Shared};
use crate::{Cluster, Error, Object, Resource, Selection};

/// Follows a selection for ever, whatever the API server does: every watch waits by itself, so one that fails delays no
/// other.
pub(super) async fn follow(cluster: Cluster, selection: Selection, shared: Arc<Shared>) {
    let mut delay = Delay::default();
    loop {
        match cluster.resource(&selection.kind).await {
            Ok(resource) => {
                watch(&cluster, &selection, &resource, &shared, &mut delay).await;
                // The kind may be gone, or be served in another way.
                cluster.forget(&selection.kind);
            }
            Err(error @ Error::UnknownKind(_)) => {
                tracing::debug!(kind = %selection.kind.kind, %error, "nothing to watch yet");
                shared.clear();
            }
            Err(error) => {
                tracing::warn!(kind = %selection.kind.kind, %error, "the API server cannot be asked about a kind");
            }
        }
        delay.wait().await;
    }
}

/// Until the API server no longer knows the path.
async fn watch(cluster: &Cluster, selection: &Selection, resource: &Resource, shared: &Shared, delay: &mut Delay) {
    let client = cluster.client().clone();
    let api: Api<Raw> = match &selection.namespace {
        Some(namespace) if resource.namespaced => Api::namespaced_with(client, namespace, &resource.api),
        Some(_) => {
            tracing::warn!(kind = %selection.kind.kind, "a cluster-scoped kind is never found in a namespace");
            return;
        }
        None => Api::all_with(client, &resource.api),
    };
    let config = watcher::Config {
        label_selector: selection.labels.clone(),
        field_selector: selection.field_selector(),
        ..watcher::Config::default()
    };
    let kind = Arc::new(selection.kind.clone());
    let mut events = pin!(watcher(api, config));
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                tell(shared, &kind, event);
                delay.reset();
            }
            Err(error) => {
                if is_not_found(&error) {
                    tracing::info!(kind = %selection.kind.kind, "no longer served");
                    return;
                }
                tracing::warn!(kind = %selection.kind.kind, %error, "watch failed, trying again");
                delay.wait().await;
            }
        }
    }
}

fn tell(shared: &Shared, kind: &Arc<GroupVersionKind>, event: Event<Raw>) {
    let parse = |raw: &Raw| {
        Object::parse(raw.json.get(), Some(kind))
            .inspect_err(|error| tracing::warn!(kind = %kind.kind, %error, "the API server sent what is no object"))
            .ok()
    };
    match event {
        Event::Init => shared.listing(),
        Event::InitDone => shared.listed(),
        Event::InitApply(raw) | Event::Apply(raw) => {
            if let Some(object) = parse(&raw) {
                shared.apply(&object);
            }
        }
        Event::Delete(raw) => {
            if let Some(object) = parse(&raw) {
                shared.delete(&object);
            }
        }
    }
}

fn is_not_found(error: &watcher::Error) -> bool {
    let (watcher::Error::InitialListFailed(kube::Error::Api(status))
    | watcher::Error::WatchStartFailed(kube::Error::Api(status))
    | watcher::Error::WatchError(status)) = error
    else {
        return false;
    };
    status.code == 404
}

/// One watch's waiting after failures: from half a second, doubling to half a minute, each a little off so that many
/// watches do not come back together.
#[derive(Debug, Default)]
struct Delay {
    failures: u32,
}

impl Delay {
    const FIRST: Duration = Duration::from_millis(500);
    const LONGEST: Duration = Duration::from_secs(30);

    async fn wait(&mut self) {
        let delay = Self::FIRST
            .saturating_mul(1 << self.failures.min(10))
            .min(Self::LONGEST);
        self.failures += 1;
        let jitter = rand::rng().random_range(0.8..1.2);
        tokio::time::sleep(delay.mul_f64(jitter)).await;
    }

    fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_grow_to_a_bound_and_begin_anew_after_success() {
        let mut delay = Delay::default();
        let mut waits = Vec::new();
        for _ in 0..10 {
            let before = Instant::now();
            delay.wait().await;
            waits.push(before.elapsed());
        }
        assert!(waits[0] < Duration::from_millis(700));
        assert!(waits[9] > Duration::from_secs(20) && waits[9] < Duration::from_secs(40));
        delay.reset();
        let before = Instant::now();
        delay.wait().await;
        assert!(before.elapsed() < Duration::from_millis(700));
    }
}
