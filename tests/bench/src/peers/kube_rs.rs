//! kube-rs as its guide uses it for kinds that are known only at run time.

use std::{convert::Infallible, sync::Arc};

use futures::{Stream, StreamExt};
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject},
    runtime::{
        Controller, WatchStreamExt,
        controller::{Action, Config},
        reflector::{self, Store},
        watcher,
    },
};

/// Reconciles that do nothing but tell what they were given, `concurrency` at a time; all of them again when `again` says so.
/// Runs until it is dropped.
pub(crate) async fn controller(
    client: Client,
    resource: ApiResource,
    concurrency: u16,
    again: impl Stream<Item = ()> + Send + 'static,
    seen: impl Fn(&DynamicObject) + Send + Sync + 'static,
) {
    let seen = Arc::new(seen);
    let reconcile = move |object: Arc<DynamicObject>, (): _| {
        let seen = Arc::clone(&seen);
        async move {
            seen(&object);
            Ok::<_, Infallible>(Action::await_change())
        }
    };
    Controller::new_with(Api::all_with(client, &resource), watcher::Config::default(), resource)
        .with_config(Config::default().concurrency(concurrency))
        .reconcile_all_on(again)
        .run(move |object, _: Arc<()>| reconcile(object, ()), |_, _, _| Action::await_change(), Arc::new(()))
        .for_each(|_| async {})
        .await;
}

/// A cache of whole objects, and the task that keeps it. `strip` leaves out `metadata.managedFields`, which its guide
/// advises where memory counts.
pub(crate) fn follow(
    client: Client,
    resource: &ApiResource,
    strip: bool,
) -> (Store<DynamicObject>, impl Future<Output = ()> + Send + use<>) {
    let writer = reflector::store::Writer::new(resource.clone());
    let store = writer.as_reader();
    let events = watcher(Api::<DynamicObject>::all_with(client, resource), watcher::Config::default())
        .default_backoff()
        .modify(move |object| {
            if strip {
                object.metadata.managed_fields = None;
            }
        })
        .reflect(writer);
    (store, events.for_each(|_| async {}))
}
