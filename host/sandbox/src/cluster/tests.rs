//! What a session may do, and what reaches the API server.

use std::{collections::HashMap, sync::Arc};

use capstan_api::{Grants, GroupVersionKind, ObjectKey, ObjectRef};
use capstan_cluster::Watches;
use capstan_engine::{Read, Reads, Seen};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Access, RequestsExhausted, access::READS, field_manager};
use crate::{
    Descriptor, Granted, ManagedKind,
    bindings::capstan::provider::cluster::{
        Error, ObjectKind, ObjectRef as RawRef, PatchKind, PatchOptions, Selection,
    },
    counts::Counters,
    support::api::Api,
};

const EVERYTHING: &str = "[{apiGroups: ['*'], kinds: ['*'], verbs: ['*']}]";
const GREEN: &str = "[{apiGroups: [''], kinds: [ConfigMap], verbs: ['*'], labelSelector: {colour: green}}]";

/// Access to an API server with these grants, for a provider that asks for everything.
fn access(api: &Api, grants: &str) -> Access {
    let rules = |text: &str| Grants::parse(&format!("kubernetes: {text}")).unwrap();
    let kind = GroupVersionKind::gvk("test.capstan.dev", "v1", "Note");
    let descriptor = Descriptor {
        name: "test".into(),
        version: "1.0.0".into(),
        kinds: vec![ManagedKind { kind: kind.clone(), definition: None, recoverable: false }],
        needs: rules(EVERYTHING),
        config_schema: None,
    };
    let cluster = api.cluster();
    let managed = ObjectRef { kind, key: ObjectKey::namespaced("team-a", "note") };
    Access {
        watches: Watches::new(cluster.clone(), CancellationToken::new()),
        cluster,
        granted: Arc::new(Granted::new(&descriptor, &rules(grants))),
        reads: Arc::new(Reads::default()),
        counters: Arc::new(Counters::default()),
        provider: "test".into(),
        manager: field_manager("test", &managed),
        requests: (2, 2),
    }
}

fn raw(name: &str) -> RawRef {
    RawRef { api_version: "v1".into(), kind: "ConfigMap".into(), namespace: Some("team-a".into()), name: name.into() }
}

fn parsed(name: &str) -> ObjectRef {
    ObjectRef { kind: GroupVersionKind::gvk("", "v1", "ConfigMap"), key: ObjectKey::namespaced("team-a", name) }
}

fn selection(namespace: Option<&str>, labels: Option<&str>) -> Selection {
    let kind = ObjectKind { api_version: "v1".into(), kind: "ConfigMap".into() };
    Selection { kind, namespace: namespace.map(Into::into), labels: labels.map(Into::into) }
}

fn options(dry_run: bool) -> PatchOptions {
    PatchOptions { subresource: None, force: false, dry_run }
}

async fn patch(access: &Access, kind: PatchKind, name: &str, body: &Value) -> Result<String, Error> {
    access.patch(raw(name), kind, &body.to_string(), &options(false)).await
}

fn two_colours() -> Api {
    Api::default().with("team-a", "green", &json!({"colour": "green"})).with("team-a", "red", &json!({"colour": "red"}))
}

#[tokio::test]
async fn reads_are_written_down_also_of_what_is_not_there() {
    let access = access(&two_colours(), EVERYTHING);
    access.read(raw("green")).await.unwrap();
    assert!(matches!(access.read(raw("none")).await, Err(Error::NotFound(_))));
    access.list(selection(Some("team-a"), Some("a=b"))).await.unwrap();
    let list = Read::List { kind: parsed("").kind, namespace: Some("team-a".into()), labels: Some("a=b".into()) };
    let expected = HashMap::from([
        (Read::Object(parsed("green")), Seen::Version("1".into())),
        (Read::Object(parsed("none")), Seen::Absent),
        (list, Seen::Unknown),
    ]);
    assert_eq!(access.reads.take(), expected);
}

#[tokio::test]
async fn what_is_refused_as_senseless_is_not_watched() {
    let access = access(&two_colours(), EVERYTHING);
    let node =
        |namespace: Option<&str>| RawRef { kind: "Node".into(), namespace: namespace.map(Into::into), ..raw("n") };
    assert!(matches!(access.read(node(Some("team-a"))).await, Err(Error::Invalid(_))));
    assert!(matches!(access.read(RawRef { namespace: None, ..raw("green") }).await, Err(Error::Invalid(_))));
    let nodes = ObjectKind { api_version: "v1".into(), kind: "Node".into() };
    let list = Selection { kind: nodes, namespace: Some("team-a".into()), labels: None };
    assert!(matches!(access.list(list).await, Err(Error::Invalid(_))));
    assert_eq!(access.reads.take(), HashMap::new());
    assert!(matches!(access.read(node(None)).await, Err(Error::NotFound(_))));
    assert_eq!(access.reads.take().len(), 1, "what may appear is");
}

#[tokio::test]
async fn what_was_read_and_then_written_is_known_as_it_was_written() {
    let access = access(&two_colours(), EVERYTHING);
    let seen = || access.reads.take().remove(&Read::Object(parsed("green")));
    access.read(raw("green")).await.unwrap();
    patch(&access, PatchKind::Merge, "green", &json!({"data": {}})).await.unwrap();
    assert_eq!(seen(), Some(Seen::Version("2".into())));
    access.read(raw("green")).await.unwrap();
    access.delete(raw("green")).await.unwrap();
    assert_eq!(seen(), Some(Seen::Absent));
}

#[tokio::test]
async fn what_is_refused_is_counted_and_reaches_nobody() {
    let api = two_colours();
    let access = access(&api, "[]");
    let body = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "new", "namespace": "team-a"}});
    assert!(matches!(access.read(raw("green")).await, Err(Error::Denied(_))));
    assert!(matches!(access.list(selection(None, None)).await, Err(Error::Denied(_))));
    assert!(matches!(access.create(&body.to_string()).await, Err(Error::Denied(_))));
    for kind in [PatchKind::Apply, PatchKind::Merge] {
        assert!(matches!(patch(&access, kind, "green", &json!({})).await, Err(Error::Denied(_))));
    }
    assert!(matches!(patch(&access, PatchKind::Json, "green", &json!([])).await, Err(Error::Denied(_))));
    assert!(matches!(access.delete(raw("green")).await, Err(Error::Denied(_))));
    assert_eq!(access.counters.read().denied, 7);
    assert!(api.requests().is_empty());
    assert!(access.reads.take().is_empty());
}

#[tokio::test]
async fn what_labels_leave_out_is_not_there() {
    let api = two_colours();
    let access = access(&api, GREEN);
    assert!(access.read(raw("green")).await.is_ok());
    let (Err(Error::NotFound(red)), Err(Error::NotFound(none))) =
        (access.read(raw("red")).await, access.read(raw("none")).await)
    else {
        panic!("both are not found");
    };
    assert_eq!(red.replace("red", "none"), none, "nobody can tell which of them exists");
    assert!(matches!(patch(&access, PatchKind::Merge, "red", &json!({})).await, Err(Error::NotFound(_))));
    assert!(matches!(patch(&access, PatchKind::Apply, "red", &json!({})).await, Err(Error::NotFound(_))));
    assert!(matches!(access.delete(raw("red")).await, Err(Error::NotFound(_))));
    assert!(api.requests().iter().all(|request| request.starts_with("GET")), "{:?}", api.requests());
}

#[tokio::test]
async fn lists_hold_what_the_labels_cover() {
    let api = two_colours();
    let access = access(&api, GREEN);
    // The API server of this test ignores selectors: what decides is the check of each object.
    let objects = access.list(selection(None, Some("a=b"))).await.unwrap();
    assert_eq!(objects.len(), 1);
    assert!(api.requests()[0].contains("labelSelector=a%3Db%2Ccolour%3Dgreen"), "{:?}", api.requests());
}

#[tokio::test]
async fn writes_under_labels_are_tied_to_the_object_that_was_looked_at() {
    let api = two_colours();
    let access = access(&api, GREEN);
    patch(&access, PatchKind::Merge, "green", &json!({"data": {"a": "b"}})).await.unwrap();
    access.delete(raw("green")).await.unwrap();
    let requests = api.requests();
    assert!(requests[1].starts_with("PATCH") && requests[1].contains(r#""uid":"green""#), "{requests:?}");
    assert!(requests[3].starts_with("DELETE") && requests[3].contains(r#""uid":"green""#), "{requests:?}");
}

#[tokio::test]
async fn what_is_made_must_fall_under_the_grant() {
    let api = Api::default();
    let access = access(&api, GREEN);
    let body = |labels: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "new", "namespace": "team-a", "labels": labels}});
    let denied = access.create(&body(json!({"colour": "red"})).to_string()).await;
    assert!(matches!(denied, Err(Error::Denied(text)) if text.contains("colour=green")));
    let denied = patch(&access, PatchKind::Apply, "new", &json!({"data": {}})).await;
    assert!(matches!(denied, Err(Error::Denied(_))), "{denied:?}");
    patch(&access, PatchKind::Apply, "new", &body(json!({"colour": "green"}))).await.unwrap();
    assert!(access.create(&body(json!({"colour": "green"})).to_string()).await.is_ok());
}

#[tokio::test]
async fn an_apply_that_may_make_something_needs_the_right_to() {
    let api = two_colours();
    let access = access(&api, "[{apiGroups: [''], kinds: [ConfigMap], verbs: [patch]}]");
    let denied = patch(&access, PatchKind::Apply, "green", &json!({"data": {}})).await;
    assert!(matches!(denied, Err(Error::Denied(text)) if text.starts_with("create of ConfigMap")));
    patch(&access, PatchKind::Apply, "green", &json!({"metadata": {"uid": "green"}})).await.unwrap();
    patch(&access, PatchKind::Merge, "green", &json!({"data": {}})).await.unwrap();
}

#[tokio::test]
async fn patches_of_all_kinds_carry_the_manager_of_the_managed_object() {
    let api = two_colours();
    let access = access(&api, EVERYTHING);
    patch(&access, PatchKind::Apply, "green", &json!({"data": {}})).await.unwrap();
    patch(&access, PatchKind::Merge, "green", &json!({"data": {}})).await.unwrap();
    patch(&access, PatchKind::Json, "green", &json!([])).await.unwrap();
    let manager = format!("fieldManager={}", access.manager);
    assert_eq!(api.requests().iter().filter(|request| request.contains(&manager)).count(), 3, "{:?}", api.requests());
}

#[tokio::test]
async fn a_dry_run_needs_the_same_rights_and_is_no_write() {
    let api = two_colours();
    let denied = access(&api, "[{apiGroups: [''], kinds: [ConfigMap], verbs: [get]}]");
    let body = r#"{"data": {"a": "b"}}"#;
    let answer = denied.patch(raw("green"), PatchKind::Merge, body, &options(true)).await;
    assert!(matches!(answer, Err(Error::Denied(_))), "{answer:?}");
    assert!(api.requests().is_empty());

    let granted = access(&api, EVERYTHING);
    let seen = || granted.reads.take().remove(&Read::Object(parsed("green")));
    granted.read(raw("green")).await.unwrap();
    let answer = granted.patch(raw("green"), PatchKind::Merge, body, &options(true)).await.unwrap();
    assert!(answer.contains(r#""a":"b""#), "{answer}");
    assert!(api.requests()[1].contains("dryRun=All"), "{:?}", api.requests());
    assert_eq!(seen(), Some(Seen::Version("1".into())), "nothing was written");
}

#[tokio::test]
async fn reading_is_not_writing() {
    let api = two_colours();
    let reader = access(&api, "[{apiGroups: [''], kinds: [ConfigMap], verbs: [get]}]");
    let new = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "new", "namespace": "team-a"}});
    assert!(matches!(reader.create(&new.to_string()).await, Err(Error::Denied(_))));
    assert!(matches!(reader.delete(raw("green")).await, Err(Error::Denied(_))));
    assert!(matches!(patch(&reader, PatchKind::Merge, "green", &json!({})).await, Err(Error::Denied(_))));
    assert!(api.requests().is_empty());
}

#[tokio::test]
async fn owners_are_changed_only_by_who_may_delete() {
    let owners = json!({"metadata": {"ownerReferences": [{"uid": "gone"}]}});
    let added = json!([{"op": "add", "path": "/metadata/ownerReferences", "value": [{"uid": "gone"}]}]);
    let rule = |verbs: &str, labels: &str| format!("{{apiGroups: [''], kinds: [ConfigMap], verbs: [{verbs}]{labels}}}");
    let (green, api) = (", labelSelector: {colour: green}", two_colours());
    let writer = access(&api, &format!("[{}]", rule("get, create, patch", "")));
    for (kind, body) in [(PatchKind::Merge, &owners), (PatchKind::Apply, &owners), (PatchKind::Json, &added)] {
        let answer = patch(&writer, kind, "green", body).await;
        assert!(matches!(&answer, Err(Error::Denied(text)) if text.contains("delete of ConfigMap")), "{answer:?}");
    }
    assert_eq!((api.requests().len(), writer.counters.read().denied), (0, 3));

    // As far as it may delete.
    let gardener = access(&api, &format!("[{}, {}]", rule("get, patch", ""), rule("delete", green)));
    let answer = patch(&gardener, PatchKind::Merge, "red", &owners).await;
    assert!(matches!(answer, Err(Error::NotFound(_))), "{answer:?}");
    patch(&gardener, PatchKind::Merge, "green", &owners).await.unwrap();
    assert!(
        api.requests().last().unwrap().contains(r#""uid":"green""#),
        "the one that was looked at: {api:?}",
        api = api.requests()
    );
    // Its own kinds are its own.
    let own = RawRef { api_version: "test.capstan.dev/v1".into(), kind: "Note".into(), ..raw("note") };
    let answer = writer.patch(own, PatchKind::Merge, &owners.to_string(), &options(false)).await;
    assert!(!matches!(answer, Err(Error::Denied(_))), "{answer:?}");
}

#[tokio::test]
async fn what_the_objects_own_patches_own_is_not_in_the_way_of_its_applies() {
    let manager = access(&Api::default(), EVERYTHING).manager;
    let apply =
        async |api: &Api| patch(&access(api, EVERYTHING), PatchKind::Apply, "green", &json!({"data": {}})).await;
    let own = two_colours().owned_by(&[&manager]);
    apply(&own).await.unwrap();
    assert!(own.requests()[1].contains("force=true"), "{:?}", own.requests());

    let shared = two_colours().owned_by(&[&manager, "kubectl"]);
    let Err(Error::Conflict(clash)) = apply(&shared).await else { panic!("no conflict") };
    let managers: Vec<_> = clash.owners.iter().map(|owner| owner.manager.as_str()).collect();
    assert_eq!((managers, shared.requests().len()), (vec!["kubectl"], 1), "others are asked for");
}

#[tokio::test]
async fn subresources_are_those_of_the_contract() {
    let api = two_colours();
    let access = access(&api, EVERYTHING);
    for (subresource, allowed) in [("scale", true), ("status", true), ("exec", false), ("../red", false), ("", false)] {
        let options = PatchOptions { subresource: Some(subresource.into()), ..options(false) };
        let answer = access.patch(raw("green"), PatchKind::Merge, r#"{"data": {}}"#, &options).await;
        // ConfigMaps have neither of the two, which discovery says.
        let expected =
            if allowed { matches!(answer, Err(Error::NotFound(_))) } else { matches!(answer, Err(Error::Invalid(_))) };
        assert!(expected, "{subresource}: {answer:?}");
    }
    assert_eq!(api.requests().len(), 0, "nothing of that is sent");
}

#[tokio::test]
async fn requests_are_numbered() {
    let mut access = access(&Api::default(), EVERYTHING);
    assert!(access.spend().is_ok());
    assert!(access.spend().is_ok());
    assert!(matches!(access.spend(), Err(RequestsExhausted(2))));
}

#[tokio::test]
async fn what_is_read_for_one_object_is_bounded() {
    let api = two_colours();
    let access = access(&api, EVERYTHING);
    for number in 0..READS {
        let absent = access.read(raw(&format!("none-{number}"))).await;
        assert!(matches!(absent, Err(Error::NotFound(_))), "{absent:?}");
    }
    let asked = api.requests().len();
    let refused =
        [access.read(raw("green")).await.map(drop), access.list(selection(Some("team-a"), None)).await.map(drop)];
    for refused in refused {
        assert!(matches!(&refused, Err(Error::Invalid(text)) if text.contains("by a selector")), "{refused:?}");
    }
    assert_eq!(api.requests().len(), asked, "nothing of that is sent");
    assert!(matches!(access.read(raw("none-0")).await, Err(Error::NotFound(_))), "what was read may be read again");
    assert_eq!(access.reads.take().len(), READS);
}
