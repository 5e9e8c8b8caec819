use std::convert::Infallible;

use http::{Request, Response, StatusCode};
use kube::client::Body;
use serde_json::json;

use super::*;

/// Serves the groups acme.io and other.io, and counts nobody's questions.
fn client() -> Client {
    let service = tower::service_fn(|request: Request<Body>| async move {
        let versions = json!([{"groupVersion": "acme.io/v1", "version": "v1"}]);
        let answer = match request.uri().path() {
            "/apis" => json!({"groups": [
                {"name": "acme.io", "versions": versions, "preferredVersion": versions[0]},
                {"name": "other.io", "versions": [{"groupVersion": "other.io/v1", "version": "v1"}]},
            ]}),
            "/apis/acme.io/v1" => json!({"groupVersion": "acme.io/v1", "resources": [
                {"name": "things", "singularName": "thing", "namespaced": false, "kind": "Thing", "verbs": ["get"]},
                {"name": "things/scale", "singularName": "", "namespaced": false, "kind": "Scale", "verbs": ["patch"]},
            ]}),
            // The other group is not to be asked for.
            _ => {
                let mut refused = Response::new(Body::from(b"{}".to_vec()));
                *refused.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                return Ok::<_, Infallible>(refused);
            }
        };
        Ok(Response::new(Body::from(answer.to_string().into_bytes())))
    });
    Client::new(service, "default")
}

#[tokio::test]
async fn only_the_groups_in_question_are_asked_for() {
    let mut kinds = Kinds::default();
    let unknown = UnknownKind { rule: Some(1), groups: vec!["acme.io".to_owned()], kind: Some("Thing".to_owned()) };
    kinds.discover(&client(), &[unknown]).await.unwrap();
    let expected = Served {
        group: "acme.io".to_owned(),
        kind: "Thing".to_owned(),
        plural: "things".to_owned(),
        namespaced: false,
        status: false,
        scale: true,
    };
    assert_eq!(kinds.find("acme.io", "Thing"), Some(&expected));
    assert_eq!(kinds.find("acme.io", "Scale"), None);
}

#[tokio::test]
async fn nothing_unknown_asks_nothing() {
    let refusing = tower::service_fn(|_: Request<Body>| async { Err::<Response<Body>, _>("asked") });
    Kinds::default().discover(&Client::new(refusing, "default"), &[]).await.unwrap();
}
