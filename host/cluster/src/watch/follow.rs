//! The task behind a watch.

use std::{io, pin::pin, sync::Arc, time::Duration};

use capstan_api::GroupVersionKind;
use futures::StreamExt;
use kube::{
    Api, Client,
    runtime::watcher::{self, Event, watcher},
};
use rand::RngExt;
use tokio::time::{Instant, sleep, timeout};
use tower::{BoxError, service_fn};

use super::{raw::Raw, state::Shared};
use crate::{Cluster, Error, Object, Resource, Selection, request::TIMEOUT};

/// For one page of a list to arrive and be told. Longer than a request may take to begin, as pages are large.
const PAGE_TIME: Duration = Duration::from_mins(1);

/// Follows a selection for ever, whatever the API server does: every watch waits by itself, so one that fails delays no
/// other.
pub(super) async fn follow(cluster: Cluster, client: Client, selection: Selection, shared: Arc<Shared>) {
    let mut delay = Delay::default();
    loop {
        match cluster.resource(&selection.kind).await {
            Ok(resource) => {
                watch(client.clone(), &selection, &resource, &shared, &mut delay).await;
                // The kind may be gone, or be served in another way.
                cluster.forget(&selection.kind);
            }
            Err(error @ Error::UnknownKind(_)) => {
                tracing::debug!(kind = %selection.kind.kind, %error, "nothing to watch yet");
                shared.clear();
                delay.wait(Delay::MISSING).await;
                continue;
            }
            Err(error) => {
                tracing::warn!(kind = %selection.kind.kind, %error, "the API server cannot be asked about a kind");
            }
        }
        delay.wait(Delay::LONGEST).await;
    }
}

/// A client for watches: an answer has to begin within the time that every request has. `kube` would wait for ever.
pub(super) fn client(cluster: &Cluster) -> Client {
    let inner = cluster.client().clone();
    let namespace = inner.default_namespace().to_owned();
    let service = service_fn(move |request| {
        let client = inner.clone();
        async move {
            match timeout(TIMEOUT, client.send(request)).await {
                Ok(answer) => answer.map_err(BoxError::from),
                Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
            }
        }
    });
    Client::new(service, namespace)
}

/// Until the API server no longer knows the path.
async fn watch(client: Client, selection: &Selection, resource: &Resource, shared: &Shared, delay: &mut Delay) {
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
    let mut listing = true;
    loop {
        // An idle watch is silent for as long as it likes; the watcher itself renews it.
        let event = if listing { timeout(PAGE_TIME, events.next()).await } else { Ok(events.next().await) };
        let Ok(Some(event)) = event else {
            tracing::warn!(kind = %selection.kind.kind, "the list does not go on, trying again");
            return;
        };
        match event {
            Ok(event) => {
                listing = match event {
                    Event::Init | Event::InitApply(_) => true,
                    Event::InitDone | Event::Apply(_) | Event::Delete(_) => false,
                };
                tell(shared, &kind, event);
            }
            Err(error) => {
                if is_not_found(&error) {
                    tracing::info!(kind = %selection.kind.kind, "no longer served");
                    return;
                }
                tracing::warn!(kind = %selection.kind.kind, %error, "watch failed, trying again");
                delay.wait(Delay::LONGEST).await;
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
/// watches do not come back together. It begins anew after a while without failure, and not with the first sign of life:
/// a list that works says nothing about the watch that follows it.
#[derive(Debug, Default)]
struct Delay {
    failures: u32,
    last: Option<Instant>,
}

impl Delay {
    const FIRST: Duration = Duration::from_millis(500);
    const LONGEST: Duration = Duration::from_secs(30);
    /// A CRD that is installed after its provider should be noticed while a person looks.
    const MISSING: Duration = Duration::from_secs(10);
    /// So long without failure is success; what client-go takes.
    const CALM: Duration = Duration::from_mins(2);

    async fn wait(&mut self, longest: Duration) {
        if self.last.is_some_and(|last| last.elapsed() >= Self::CALM) {
            self.failures = 0;
        }
        let delay = Self::FIRST.saturating_mul(1 << self.failures.min(10)).min(longest);
        self.failures += 1;
        let jitter = rand::rng().random_range(0.8..1.2);
        sleep(delay.mul_f64(jitter)).await;
        self.last = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_grow_to_a_bound_and_begin_anew_after_a_calm() {
        let mut delay = Delay::default();
        let mut waits = Vec::new();
        for _ in 0..10 {
            let before = Instant::now();
            delay.wait(Delay::LONGEST).await;
            waits.push(before.elapsed());
        }
        assert!(waits[0] < Duration::from_millis(700));
        assert!(waits[9] > Duration::from_secs(20) && waits[9] < Duration::from_secs(40));
        advance(Delay::CALM).await;
        let before = Instant::now();
        delay.wait(Delay::LONGEST).await;
        assert!(before.elapsed() < Duration::from_millis(700));
    }
}
