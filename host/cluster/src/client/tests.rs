//! What is sent, and what is made of the answers.

mod pace;

use std::time::Duration;

use capstan_api::{ObjectKey, ObjectRef};
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
async fn every_request_in_the_name_of_an_account_says_so_and_nothing_more() {
    let fake = Fake::default();
    let own = fake.cluster();
    let account = ServiceAccount::new("team-a", "patch").unwrap();
    let cluster = own.acting_as(&account).paced(crate::Flow::new(crate::Rate::default()));
    assert_eq!((own.account(), cluster.account()), (None, Some(&account)));
    let (body, target) = (
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n"}}),
        config_map("a"),
    );
    let _ = cluster.get(&target).await;
    cluster.list(&config_maps()).await.unwrap();
    let _ = cluster.metadata(&config_maps().kind, 1, None).await;
    let _ = cluster.create(&body).await;
    let _ = cluster.patch(&target, Some("status"), Patch::Merge(&body)).await;
    let _ = cluster.delete(&target, None).await;
    // What goes by the client below, as reviews do.
    let _ = cluster.client().list_core_api_resources("v1").await;
    let user = vec![("impersonate-user".to_owned(), "system:serviceaccount:team-a:patch".to_owned())];
    let asked = fake.state().users.len();
    assert!(asked >= 8, "discovery, and each of these: {:?}", fake.state().requests);
    assert_eq!(fake.state().users, vec![user; asked]);

    // The host's own, and another account by way of the first.
    own.get(&target).await.unwrap_err();
    assert!(fake.state().users.pop().unwrap().is_empty());
    let other = ServiceAccount::new("team-b", "patch").unwrap();
    let _ = cluster.acting_as(&other).get(&target).await;
    assert_eq!(fake.state().users.pop().unwrap(), [("impersonate-user".to_owned(), other.user())]);
}

#[tokio::test(start_paused = true)]
async fn a_fence_holds_in_the_name_of_an_account_too() {
    let fake = Fake::default();
    let fence = Fence::new(Instant::now() + Duration::from_secs(10));
    let account = ServiceAccount::new("team-a", "patch").unwrap();
    let cluster = fake.cluster().fenced(fence.clone()).acting_as(&account);
    fence.close();
    assert_eq!(cluster.delete(&config_map("a"), None).await, Err(Error::NotLeader));
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
async fn a_walk_takes_fewer_objects_at_a_time_the_larger_they_are_and_few_more_at_a_time() {
    let fake = Fake::default();
    let mut large = item("b", 2);
    large["data"] = json!({"large": "x".repeat(1 << 20)});
    fake.script("/configmaps", [page(&[item("a", 1)], "small"), page(&[large], "large/+"), page(&[item("c", 3)], "")]);
    let (cluster, mut walk) = (fake.cluster(), Walk::over(&config_maps().kind));
    let mut names = Vec::new();
    while let Some(page) = walk.page(&cluster).await.unwrap() {
        names.extend(page.iter().map(|object| object.key().name.clone()));
    }
    assert_eq!(names, ["a", "b", "c"]);
    let asked = |text| fake.asked(text);
    assert_eq!((asked("limit=20"), asked("limit=40&continue=small"), asked("limit=1&continue=large%2F%2B")), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn metadata_is_read_page_by_page_and_says_what_holds_an_object() {
    let fake = Fake::default();
    let held = json!({
        "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
        "metadata": {"namespace": "n", "name": "a", "uid": "u", "resourceVersion": "7", "finalizers": ["f"]},
    });
    let answer = json!({"metadata": {"continue": "more/+", "remainingItemCount": 4}, "items": [held]});
    fake.script("/configmaps", [Answer::Json(200, answer), Answer::Json(200, json!({"metadata": {}, "items": null}))]);
    let (cluster, kind) = (fake.cluster(), config_maps().kind);
    let first = cluster.metadata(&kind, 1, None).await.unwrap();
    let [object] = first.objects.as_slice() else { panic!("{first:?}") };
    assert_eq!((&object.object, object.finalizers.as_slice()), (&config_map("a"), ["f".to_owned()].as_slice()));
    assert_eq!((object.uid.as_str(), object.resource_version.as_str(), first.remaining), ("u", "7", 4));
    let second = cluster.metadata(&kind, 1, first.next.as_deref()).await.unwrap();
    assert_eq!((second.objects.len(), second.next), (0, None));
    assert_eq!((fake.asked("limit=1"), fake.asked("continue=more%2F%2B")), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn hostile_names_and_subresources_are_not_sent() {
    let fake = Fake::default();
    let cluster = fake.cluster();
    let patch = json!({});
    for name in ["..", "../secrets/x", "a/b", "a%2fb", ""] {
        assert_eq!(cluster.get(&config_map(name)).await.unwrap_err().reason(), "Invalid");
        assert_eq!(cluster.delete(&config_map(name), None).await.unwrap_err().reason(), "Invalid");
    }
    for name in ["..", "../secrets/x", "a/b", "a?x=y", "a%2fb", "a#b", ""] {
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
async fn a_subresource_that_a_kind_has_not_got_is_not_found_without_a_patch_until_it_has_it() {
    let fake = Fake::default();
    let cluster = fake.cluster();
    let patch = json!({"status": {}});
    let listed = |names: &[&str]| {
        let listed =
            |name: &&str| json!({"name": name, "singularName": "", "namespaced": true, "kind": "Thing", "verbs": []});
        let resources: Vec<_> = names.iter().map(listed).collect();
        Answer::Json(200, json!({"kind": "APIResourceList", "groupVersion": "example.com/v1", "resources": resources}))
    };
    fake.script("/apis/example.com/v1", [listed(&["things", "others/status", "things/status/x"])]);
    for subresource in ["status", "scale", "status"] {
        let patched = cluster.patch(&thing("a"), Some(subresource), Patch::Merge(&patch)).await;
        assert_eq!(patched.unwrap_err().reason(), "NotFound", "{subresource}");
    }
    assert_eq!(fake.state().requests, ["GET /apis/example.com/v1"]);
    // Its definition has one now.
    advance(Duration::from_secs(2)).await;
    let _ = cluster.patch(&thing("a"), Some("status"), Patch::Merge(&patch)).await;
    let sent = |fake: &Fake| fake.asked("PATCH /apis/example.com/v1/namespaces/n/things/a/status");
    assert_eq!((fake.asked("GET /apis/example.com/v1"), sent(&fake)), (2, 1), "{:?}", fake.state().requests);
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
async fn the_manner_of_a_patch_is_sent_with_it() {
    let fake = Fake::default();
    let cluster = fake.cluster();
    let (body, operations) = (json!({"apiVersion": "v1", "kind": "ConfigMap"}), json!([]));
    for (patch, manner, query) in [
        (Patch::Json(&operations), Manner { manager: Some("m"), dry_run: false }, "configmaps/a?fieldManager=m"),
        (Patch::Merge(&body), Manner { manager: None, dry_run: true }, "configmaps/a?dryRun=All"),
        (
            Patch::Apply { body: &body, manager: "m", force: true },
            Manner { manager: Some("other"), dry_run: true },
            "configmaps/a?fieldManager=m&force=true&dryRun=All",
        ),
    ] {
        let _ = cluster.patch_in(&config_map("a"), None, patch, manner).await;
        assert_eq!(fake.asked(query), 1, "{query}");
    }
    let _ = cluster.patch(&config_map("a"), None, Patch::Json(&operations)).await;
    assert_eq!(fake.asked("fieldManager=m"), 2, "only who is named");
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

#[tokio::test(start_paused = true)]
async fn odd_names_stay_names() {
    let fake = Fake::default();
    let cluster = fake.cluster();
    for name in ["a?watch=true", "a b", "x@y+z=1", "system:node#1"] {
        cluster.get(&config_map(name)).await.unwrap_err();
    }
    let requests = fake.state().requests.clone();
    let paths: Vec<_> =
        requests.iter().filter_map(|line| line.strip_prefix("GET /api/v1/namespaces/n/configmaps/")).collect();
    assert_eq!(paths, ["a%3Fwatch%3Dtrue", "a%20b", "x%40y%2Bz%3D1", "system:node%231"]);
}
