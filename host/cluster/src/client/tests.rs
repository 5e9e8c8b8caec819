//! What is sent, and what is made of the answers.

use std::time::Duration;

use capstan_api::{ObjectKey, ObjectRef};
use futures::future::join_all;
use serde_json::json;
use tokio::time::{Instant, advance};

use super::*;
use crate::{
    FieldOwner,
    fake::{Answer, Fake, config_maps, item, page, status, things},
};

fn config_map(name: &str) -> ObjectRef {
    ObjectRef { kind: config_maps().kind, key: ObjectKey::namespaced("n", name) }
}

fn thing(name: &str) -> ObjectRef {
    ObjectRef { kind: things().kind, key: ObjectKey::namespaced("n", name) }
}

#[tokio::test(start_paused = true)]
async fn all_pages_of_a_list_are_read_and_ordered() {
    let fake = Fake::default();
    fake.script("/configmaps", [page(&[item("c", 1), item("a", 2)], "more/+"), page(&[item("b", 3)], "")]);
    let listed = fake.cluster().list(&config_maps()).await.unwrap();
    let names: Vec<_> = listed.iter().map(|object| object.key().name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(listed[0].kind(), &config_maps().kind);
    assert_eq!(fake.asked("limit=500"), 2);
    assert_eq!(fake.asked("continue=more%2F%2B"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_expires_half_way_begins_anew() {
    let fake = Fake::default();
    let expired = status(410, "Expired", &json!({}));
    fake.script("/configmaps", [page(&[item("a", 1)], "next"), expired, page(&[item("b", 2)], "")]);
    let listed = fake.cluster().list(&config_maps()).await.unwrap();
    let names: Vec<_> = listed.iter().map(|object| object.key().name.as_str()).collect();
    assert_eq!(names, ["b"]);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_always_expires_is_given_up() {
    let fake = Fake::default();
    fake.script("/configmaps", vec![status(410, "Expired", &json!({})); 20]);
    let error = fake.cluster().list(&config_maps()).await.unwrap_err();
    assert_eq!(error.reason(), "Unavailable");
}

#[tokio::test(start_paused = true)]
async fn hostile_names_and_subresources_are_not_sent() {
    let fake = Fake::default();
    let cluster = fake.cluster();
    let patch = json!({});
    for name in ["..", "../secrets/x", "a/b", "a?x=y", "a%2fb", "a#b", ""] {
        assert_eq!(cluster.get(&config_map(name)).await.unwrap_err().reason(), "Invalid");
        assert_eq!(cluster.delete(&config_map(name), None).await.unwrap_err().reason(), "Invalid");
        let mut target = config_map("a");
        target.key.namespace = Some(name.to_owned());
        assert_eq!(cluster.patch(&target, None, Patch::Merge(&patch)).await.unwrap_err().reason(), "Invalid");
        let selection = Selection { namespace: Some(name.to_owned()), ..config_maps() };
        assert_eq!(cluster.list(&selection).await.unwrap_err().reason(), "Invalid");
    }
    for subresource in ["proxy", "exec", "status/x", "..", ""] {
        let patched = cluster.patch(&config_map("a"), Some(subresource), Patch::Merge(&patch)).await;
        assert_eq!(patched.unwrap_err().reason(), "Invalid", "{subresource}");
    }
    assert_eq!(fake.asked("configmaps"), 0);
}

#[tokio::test(start_paused = true)]
async fn an_apply_tells_who_owns_the_fields() {
    let fake = Fake::default();
    let cause =
        json!({"reason": "FieldManagerConflict", "message": "conflict with \"kubectl\" using v1", "field": ".data.k"});
    fake.script("/configmaps/a", [status(409, "Conflict", &json!({"name": "a", "causes": [cause]}))]);
    let body = json!({"apiVersion": "v1", "kind": "ConfigMap"});
    let apply = Patch::Apply { body: &body, manager: "m", force: false };
    let Err(Error::Conflict(clash)) = fake.cluster().patch(&config_map("a"), None, apply).await else {
        panic!("no conflict");
    };
    let owner = FieldOwner { manager: "kubectl".into(), field: ".data.k".into() };
    assert_eq!(clash.owners, [owner]);
}

#[tokio::test(start_paused = true)]
async fn text_survives_as_it_is() {
    let fake = Fake::default();
    let text = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"n"},"x":{"big":123456789012345678901234567890}}"#;
    fake.script("/configmaps/a", [Answer::Text(200, text)]);
    let object = fake.cluster().get(&config_map("a")).await.unwrap();
    assert!(object.json().contains("123456789012345678901234567890"), "{}", object.json());
}

#[tokio::test(start_paused = true)]
async fn no_request_waits_for_ever() {
    let fake = Fake::default();
    fake.script("/configmaps/a", [Answer::Never]);
    let before = Instant::now();
    let error = fake.cluster().get(&config_map("a")).await.unwrap_err();
    assert_eq!(error.reason(), "Unavailable");
    assert!(before.elapsed() <= Duration::from_secs(31));
}

#[tokio::test(start_paused = true)]
async fn requests_at_the_same_time_are_bounded() {
    let fake = Fake::default();
    let cluster = fake.cluster();
    let target = config_map("a");
    cluster.get(&target).await.unwrap_err();
    join_all((0..200).map(|_| cluster.get(&target))).await;
    let most = fake.state().most_running;
    assert!((2..=IN_FLIGHT).contains(&most), "{most}");
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_appears_later_is_found() {
    let fake = Fake::default();
    let cluster = fake.cluster();
    fake.state().things_missing = true;
    for _ in 0..10 {
        assert_eq!(cluster.resource(&things().kind).await.unwrap_err().reason(), "UnknownKind");
    }
    assert_eq!(fake.asked("example.com"), 1, "a miss is remembered");
    fake.state().things_missing = false;
    advance(Duration::from_secs(2)).await;
    assert!(cluster.resource(&things().kind).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_disappears_is_looked_up_again() {
    let fake = Fake::default();
    let cluster = fake.cluster();
    cluster.resource(&things().kind).await.unwrap();
    fake.state().things_missing = true;
    assert_eq!(cluster.get(&thing("a")).await.unwrap_err().reason(), "UnknownKind");
    let asked = fake.asked("GET /apis/example.com/v1");
    assert_eq!(cluster.resource(&things().kind).await.unwrap_err().reason(), "UnknownKind");
    assert!(fake.asked("GET /apis/example.com/v1") > asked);
}

#[tokio::test(start_paused = true)]
async fn a_missing_object_is_not_taken_for_a_missing_kind() {
    let fake = Fake::default();
    fake.script(
        "/things/a",
        [status(404, "NotFound", &json!({"name": "a", "kind": "things"})), status(404, "NotFound", &json!({}))],
    );
    let cluster = fake.cluster();
    assert_eq!(cluster.get(&thing("a")).await.unwrap_err().reason(), "NotFound");
    assert_eq!(cluster.get(&thing("a")).await.unwrap_err().reason(), "UnknownKind");
}
