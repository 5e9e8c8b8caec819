//! The task behind a watch.

use std::{panic::AssertUnwindSafe, pin::pin, sync::Arc, time::Duration};

use capstan_api::GroupVersionKind;
use futures::{FutureExt, StreamExt, future::join};
use kube::{
    Api, Client,
    runtime::watcher::{self, Event, watcher},
};
use tokio::time::timeout;

use super::{confirm::confirm, delay::Delay, raw::Raw, state::Shared};
use crate::{Cluster, Error, Object, Resource, Selection};

/// For one page of a list to arrive and be told. Longer than a request may take to begin, as pages are large.
const PAGE_TIME: Duration = Duration::from_mins(1);

/// Follows a selection for ever, whatever the API server does: every watch waits by itself, so one that fails delays no
/// other. It begins anew with a list, so that a panic on the way costs nothing but time.
pub(super) async fn follow(cluster: Cluster, client: Client, selection: Selection, shared: Arc<Shared>) {
    let mut delay = Delay::default();
    loop {
        // Boxed, as the compiler would otherwise make room for them more than once.
        let watching = Box::pin(watch_for_ever(&cluster, &client, &selection, &shared, &mut delay));
        let confirming = Box::pin(confirm(cluster.clone(), selection.kind.clone(), Arc::clone(&shared)));
        if AssertUnwindSafe(join(watching, confirming)).catch_unwind().await.is_err() {
            tracing::error!(kind = %selection.kind.kind, "a watch panicked; it is started again");
            cluster.transport().metrics.watch_panicked();
        }
        delay.wait(Delay::LONGEST).await;
    }
}

async fn watch_for_ever(cluster: &Cluster, client: &Client, selection: &Selection, shared: &Shared, delay: &mut Delay) {
    loop {
        // Seldom done, so that its room is not kept.
        match Box::pin(cluster.resource(&selection.kind)).await {
            // Asked for when nobody knew the kind yet. Who asks again is told, and asks without a namespace: so it has to hear
            // that all there is here has been looked at.
            Ok(resource) if selection.namespace.is_some() && !resource.namespaced => {
                tracing::debug!(kind = %selection.kind.kind, "a kind without namespaces has nothing in one");
                cluster.forget(&selection.kind);
                shared.clear();
                shared.listed();
                delay.wait(Delay::MISSING).await;
                continue;
            }
            Ok(resource) => {
                watch(cluster, client.clone(), selection, &resource, shared, delay).await;
                // The kind may be gone, or be served in another way.
                cluster.forget(&selection.kind);
            }
            Err(error @ Error::UnknownKind(_)) => {
                tracing::debug!(kind = %selection.kind.kind, %error, "nothing to watch yet");
                cluster.transport().metrics.watch_failed(error.reason());
                shared.clear();
                delay.wait(Delay::MISSING).await;
                continue;
            }
            Err(error) => {
                tracing::warn!(kind = %selection.kind.kind, %error, "the API server cannot be asked about a kind");
                cluster.transport().metrics.watch_failed(error.reason());
                delay.wait_after(&error).await;
                continue;
            }
        }
        delay.wait(Delay::LONGEST).await;
    }
}

/// Until the API server no longer knows the path, or the version that the watch went on from.
async fn watch(
    cluster: &Cluster,
    client: Client,
    selection: &Selection,
    resource: &Resource,
    shared: &Shared,
    delay: &mut Delay,
) {
    let api: Api<Raw> = match &selection.namespace {
        Some(namespace) => Api::namespaced_with(client, namespace, &resource.api),
        None => Api::all_with(client, &resource.api),
    };
    let config = watcher::Config {
        label_selector: selection.labels.clone(),
        field_selector: selection.field_selector(),
        ..watcher::Config::default()
    };
    let kind = Arc::new(selection.kind.clone());
    let metrics = &cluster.transport().metrics;
    let mut events = pin!(watcher(api, config));
    let mut listing = true;
    loop {
        // An idle watch is silent for as long as it likes; the watcher itself renews it.
        let event = if listing { timeout(PAGE_TIME, events.next()).await } else { Ok(events.next().await) };
        let Ok(Some(event)) = event else {
            tracing::warn!(kind = %selection.kind.kind, "the list does not go on, trying again");
            metrics.watch_failed("Timeout");
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
            // kube would ask for the same version again, for ever.
            Err(watcher::Error::WatchStartFailed(kube::Error::Api(status))) if status.code == 410 => {
                tracing::info!(kind = %selection.kind.kind, "too late for this version, listing again");
                metrics.watch_failed("Expired");
                return;
            }
            Err(error) => match reason(error) {
                Error::NotFound(_) => {
                    tracing::info!(kind = %selection.kind.kind, "no longer served");
                    metrics.watch_failed("NotFound");
                    return;
                }
                error => {
                    tracing::warn!(kind = %selection.kind.kind, %error, "watch failed, trying again");
                    metrics.watch_failed(error.reason());
                    if let Error::Forbidden(_) = error {
                        shared.refuse();
                    }
                    delay.wait_after(&error).await;
                }
            },
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
                #[cfg(test)]
                super::tests::fault(&object);
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

/// What a watch failed of, as every other request would.
fn reason(error: watcher::Error) -> Error {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => error.into(),
        watcher::Error::WatchError(status) => (*status).into(),
        watcher::Error::NoResourceVersion => Error::Malformed("a list or an object has no resourceVersion".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio_util::sync::CancellationToken;
    use tracing::{Level, Metadata, Subscriber, span};

    use super::*;
    use crate::{
        Change, Watches,
        fake::{Fake, things},
    };

    /// Counts warnings and errors.
    #[derive(Default)]
    struct Warnings(AtomicUsize);

    impl Subscriber for Warnings {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            *metadata.level() <= Level::WARN
        }
        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }
        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
        fn event(&self, _: &tracing::Event<'_>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        fn enter(&self, _: &span::Id) {}
        fn exit(&self, _: &span::Id) {}
    }

    #[tokio::test(start_paused = true)]
    async fn a_kind_that_turns_out_to_have_no_namespaces_is_waited_for_without_a_warning() {
        let warnings = Arc::new(Warnings::default());
        // While there is just one, tracing asks only the thread that comes to a line first whether anybody listens: another test's.
        let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
        let _heard = tracing::subscriber::set_default(Arc::clone(&warnings));
        let fake = Fake::default();
        fake.state().things_cluster_scoped = true;
        fake.put("things", "a");
        let watches = Watches::new(fake.cluster(), CancellationToken::new());
        let selection = Selection { namespace: Some("n".to_owned()), ..things() };
        let mut subscription = watches.subscribe(selection);
        let first = timeout(Duration::from_mins(1), subscription.next()).await.unwrap();
        assert!(matches!(first, Some(Change::Synced)), "who waits for the kind is told to look again: {first:?}");
        assert!(timeout(Duration::from_mins(10), subscription.next()).await.is_err(), "there is nothing");
        assert_eq!(warnings.0.load(Ordering::Relaxed), 0);
        let asked = fake.asked("example.com");
        assert!(asked <= 80, "{asked} questions in ten minutes");
        // A definition may be replaced by one of another scope.
        fake.state().things_cluster_scoped = false;
        let next = timeout(Duration::from_mins(1), subscription.next()).await.unwrap();
        assert!(matches!(next, Some(Change::Applied { old: None, .. })), "{next:?}");
    }
}
