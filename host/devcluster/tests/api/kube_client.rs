//! The `kube` client in process, without a socket.

use std::pin::pin;
use std::time::Duration;

use capstan_devcluster::{DevCluster, Options};
use futures::StreamExt;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Event as CoreEvent, Namespace, ObjectReference, Pod};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::discovery::{Discovery, Scope};
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::runtime::finalizer::{Event as FinalizerEvent, finalizer};
use kube::runtime::wait::{await_condition, conditions};
use kube::runtime::{controller::Action, watcher};
use kube::{Api, Client, Error, Resource, ResourceExt};
use serde_json::json;

use crate::caller::widgets;

fn client() -> Client {
    Client::new(DevCluster::new(Options::default()).router(), "default")
}

async fn with_widgets() -> (Client, Api<DynamicObject>) {
    let client = client();
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    crds.create(&PostParams::default(), &serde_json::from_value(widgets()).unwrap()).await.unwrap();
    let established = await_condition(crds, "widgets.demo.example", conditions::is_crd_established());
    tokio::time::timeout(Duration::from_secs(5), established).await.unwrap().unwrap();
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("demo.example", "v1", "Widget"));
    (client.clone(), Api::default_namespaced_with(client, &resource))
}

fn widget(name: &str) -> DynamicObject {
    serde_json::from_value(json!({
        "apiVersion": "demo.example/v1", "kind": "Widget", "metadata": {"name": name}, "spec": {"size": 1},
    }))
    .unwrap()
}

fn configmap(name: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name}, "data": {"k": "v"}})).unwrap()
}

#[tokio::test]
async fn typed_objects_are_created_read_replaced_and_deleted() {
    let api: Api<ConfigMap> = Api::default_namespaced(client());
    let mut created = api.create(&PostParams::default(), &configmap("c")).await.unwrap();
    created.data.as_mut().unwrap().insert("x".into(), "y".into());
    let replaced = api.replace("c", &PostParams::default(), &created).await.unwrap();
    assert_ne!(replaced.resource_version(), created.resource_version());
    let error = api.replace("c", &PostParams::default(), &created).await.unwrap_err();
    assert!(matches!(&error, Error::Api(status) if status.is_conflict()), "{error}");
    assert_eq!(api.list(&ListParams::default()).await.unwrap().items.len(), 1);
    api.delete("c", &DeleteParams::default()).await.unwrap();
    assert!(api.get_opt("c").await.unwrap().is_none());
}

#[tokio::test]
async fn pods_services_and_deployments_are_stored() {
    let api: Api<Pod> = Api::default_namespaced(client());
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "image": "b"}]}});
    api.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
    let status = json!({"status": {"phase": "Running"}});
    let patched = api.patch_status("p", &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();
    assert_eq!(patched.status.unwrap().phase.as_deref(), Some("Running"));
}

#[tokio::test]
async fn both_kinds_of_discovery_find_custom_kinds() {
    let (client, _) = with_widgets().await;
    for discovery in
        [Discovery::new(client.clone()).run().await.unwrap(), Discovery::new(client).run_aggregated().await.unwrap()]
    {
        let kind = GroupVersionKind::gvk("demo.example", "v1", "Widget");
        let (resource, capabilities) = discovery.resolve_gvk(&kind).unwrap();
        assert_eq!(resource.plural, "widgets");
        assert_eq!(capabilities.scope, Scope::Namespaced);
        assert!(discovery.resolve_gvk(&GroupVersionKind::gvk("", "v1", "ConfigMap")).is_some());
    }
}

#[tokio::test]
async fn watchers_see_initial_objects_and_changes_both_ways() {
    let (_, api) = with_widgets().await;
    api.create(&PostParams::default(), &widget("a")).await.unwrap();
    for config in [watcher::Config::default(), watcher::Config::default().streaming_lists()] {
        let mut events = pin!(watcher(api.clone(), config));
        let mut next =
            async || tokio::time::timeout(Duration::from_secs(5), events.next()).await.unwrap().unwrap().unwrap();
        assert!(matches!(next().await, watcher::Event::Init));
        assert!(matches!(next().await, watcher::Event::InitApply(object) if object.name_any() == "a"));
        assert!(matches!(next().await, watcher::Event::InitDone));
        api.create(&PostParams::default(), &widget("b")).await.unwrap();
        assert!(matches!(next().await, watcher::Event::Apply(object) if object.name_any() == "b"));
        api.delete("b", &DeleteParams::default()).await.unwrap();
        assert!(matches!(next().await, watcher::Event::Delete(object) if object.name_any() == "b"));
    }
}

#[derive(Debug, thiserror::Error)]
#[error("never")]
struct Never;

#[tokio::test]
async fn the_finalizer_helper_works() {
    let (_, api) = with_widgets().await;
    let reconcile = async |expect_cleanup: bool| {
        let object = std::sync::Arc::new(api.get("a").await.unwrap());
        finalizer(&api, "demo.example/hold", object, |event| async move {
            assert_eq!(matches!(event, FinalizerEvent::Cleanup(_)), expect_cleanup);
            Ok::<_, Never>(Action::await_change())
        })
        .await
        .unwrap();
    };
    api.create(&PostParams::default(), &widget("a")).await.unwrap();
    reconcile(false).await;
    assert_eq!(api.get("a").await.unwrap().finalizers(), ["demo.example/hold"]);
    api.delete("a", &DeleteParams::default()).await.unwrap();
    assert!(api.get("a").await.unwrap().meta().deletion_timestamp.is_some());
    reconcile(true).await;
    assert!(api.get_opt("a").await.unwrap().is_none());
}

#[tokio::test]
async fn apply_conflicts_and_force() {
    let (_, api) = with_widgets().await;
    let patch = |size: i64| {
        Patch::Apply(json!({
            "apiVersion": "demo.example/v1", "kind": "Widget", "metadata": {"name": "a"}, "spec": {"size": size},
        }))
    };
    api.patch("a", &PatchParams::apply("one"), &patch(1)).await.unwrap();
    let error = api.patch("a", &PatchParams::apply("two"), &patch(2)).await.unwrap_err();
    assert!(matches!(&error, Error::Api(status) if status.is_conflict()), "{error}");
    let forced = api.patch("a", &PatchParams::apply("two").force(), &patch(2)).await.unwrap();
    assert_eq!(forced.data["spec"]["size"], 2);
}

#[tokio::test]
async fn the_event_recorder_is_read_through_both_apis() {
    let client = client();
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let subject: ObjectReference = namespaces.get("default").await.unwrap().object_ref(&());
    let recorder = Recorder::new(client.clone(), Reporter::from("capstan"));
    let event = Event {
        type_: EventType::Normal,
        reason: "Reconciled".into(),
        note: Some("all done".into()),
        action: "Reconcile".into(),
        secondary: None,
    };
    recorder.publish(&event, &subject).await.unwrap();
    recorder.publish(&event, &subject).await.unwrap();
    let events: Api<CoreEvent> = Api::default_namespaced(client);
    let listed = events.list(&ListParams::default().fields("involvedObject.name=default")).await.unwrap();
    assert_eq!(listed.items.len(), 1);
    assert_eq!(listed.items[0].message.as_deref(), Some("all done"));
    assert_eq!(listed.items[0].series.as_ref().unwrap().count, Some(2));
}

#[tokio::test]
async fn leases_lock_optimistically() {
    let api: Api<Lease> = Api::default_namespaced(client());
    let lease: Lease = serde_json::from_value(json!({
        "metadata": {"name": "leader"},
        "spec": {"holderIdentity": "one", "leaseDurationSeconds": 15, "renewTime": "2026-01-02T03:04:05.678901Z"},
    }))
    .unwrap();
    let first = api.create(&PostParams::default(), &lease).await.unwrap();
    let mut renewed = first.clone();
    renewed.spec.as_mut().unwrap().holder_identity = Some("two".into());
    api.replace("leader", &PostParams::default(), &renewed).await.unwrap();
    let mut late = first;
    late.spec.as_mut().unwrap().holder_identity = Some("three".into());
    let error = api.replace("leader", &PostParams::default(), &late).await.unwrap_err();
    assert!(matches!(&error, Error::Api(status) if status.is_conflict()), "{error}");
}

#[tokio::test]
async fn metadata_lists_leave_the_rest_out() {
    let (_, api) = with_widgets().await;
    api.create(&PostParams::default(), &widget("a")).await.unwrap();
    let list = api.list_metadata(&ListParams::default()).await.unwrap();
    assert_eq!(list.items[0].name_any(), "a");
    assert_eq!(list.items[0].metadata.uid, api.get("a").await.unwrap().metadata.uid);
}
