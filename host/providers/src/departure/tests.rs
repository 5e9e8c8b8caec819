//! Builds that leave out a kind, before an API server that has objects of it.

use std::convert::Infallible;

use http::{Request, Response};
use kube::{Client, client::Body};

use super::*;

/// Serves notes and memos of a group: one memo has nothing to do with us, and one of the three notes.
fn cluster() -> Cluster {
    let service = tower::service_fn(|request: Request<Body>| async move {
        let named = |name: &str, finalizers: &[&str]| {
            json!({"metadata": {
                "name": name, "namespace": "n", "uid": name, "resourceVersion": "1", "finalizers": finalizers,
            }})
        };
        let items = match request.uri().path() {
            "/apis/test.capstan.dev/v1" => {
                let resource = |name: &str, kind: &str| json!({"name": name, "singularName": "", "namespaced": true, "kind": kind, "verbs": []});
                let resources = [resource("notes", "Note"), resource("memos", "Memo")];
                let list =
                    json!({"kind": "APIResourceList", "groupVersion": "test.capstan.dev/v1", "resources": resources});
                return Ok::<_, Infallible>(Response::new(Body::from(list.to_string().into_bytes())));
            }
            path if path.ends_with("/notes") => {
                vec![named("a", &[keys::FINALIZER]), named("b", &[]), named("c", &["other", keys::FINALIZER])]
            }
            path if path.ends_with("/memos") => vec![named("d", &["other"])],
            path => panic!("{path}"),
        };
        let list = json!({"metadata": {}, "items": items});
        Ok(Response::new(Body::from(list.to_string().into_bytes())))
    });
    Cluster::new(Client::new(service, "default"))
}

fn former(kinds: &[&str]) -> Vec<KindName> {
    let name = |kind: &&str| KindName { api_version: "test.capstan.dev/v1".to_owned(), kind: (*kind).to_owned() };
    kinds.iter().map(name).collect()
}

#[tokio::test]
async fn a_build_that_drops_a_kind_of_which_objects_are_held_is_refused() {
    let cluster = cluster();
    let note = GroupVersionKind::gvk("test.capstan.dev", "v2", "Note");
    let of_another_group = GroupVersionKind::gvk("example.org", "v1", "Note");
    let memo = GroupVersionKind::gvk("test.capstan.dev", "v1", "Memo");
    let both = former(&["Note", "Memo"]);
    for kept in [&memo, &of_another_group] {
        let refused = drops_nothing_held(&cluster, both.clone(), [kept].into_iter()).await.unwrap_err();
        assert_eq!((refused.reason(), refused.is_transient()), ("WouldDropKind", true));
        let said = refused.to_string();
        for named in
            ["are left: 2 notes.test.capstan.dev.", "`kubectl delete notes.test.capstan.dev --all --all-namespaces`"]
        {
            assert!(said.contains(named), "{said}");
        }
        assert!(!said.contains("memos"), "{said}");
    }
    drops_nothing_held(&cluster, both, [&note].into_iter()).await.unwrap();
    drops_nothing_held(&cluster, Vec::new(), [&memo].into_iter()).await.unwrap();
}
