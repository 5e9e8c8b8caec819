//! Registries that take what they are sent, and say something else.

use axum::{
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use capstan_oci::{Config, Digest, Error, Reference, Repository};

use crate::scripted::{Asked, Scripted, client, moved, plain};

/// What a registry does, but for the answers of `odd`.
fn taking(
    odd: impl Fn(&Asked) -> Option<Response> + Send + Sync + 'static,
) -> impl Fn(&Asked) -> Response + Send + Sync {
    move |asked| {
        let (method, path, _) = asked;
        odd(asked).unwrap_or_else(|| match *method {
            Method::HEAD => StatusCode::NOT_FOUND.into_response(),
            Method::POST => (StatusCode::ACCEPTED, [("location", "/upload?state=1")]).into_response(),
            Method::PUT if path.starts_with("/upload?state=1&digest=sha256%3A") || path.contains("/manifests/") => {
                StatusCode::CREATED.into_response()
            }
            _ => StatusCode::BAD_REQUEST.into_response(),
        })
    }
}

async fn push(scripted: &Scripted, version: &str) -> Result<Digest, Error> {
    let reference: Reference = format!("{}/note{version}", scripted.address).parse().unwrap();
    let repository = Repository::to_push(&client(None), &reference, plain(None)).unwrap();
    repository.push(Bytes::from_static(b"wasm"), &Config::default()).await
}

async fn pushed(
    odd: impl Fn(&Asked) -> Option<Response> + Send + Sync + 'static,
) -> (Result<Digest, Error>, Vec<Asked>) {
    let scripted = Scripted::start(taking(odd)).await;
    let pushed = push(&scripted, ":1").await;
    (pushed, scripted.asked())
}

#[tokio::test]
async fn a_push_is_two_uploads_and_a_manifest() {
    let (pushed, asked) = pushed(|_| None).await;
    pushed.unwrap();
    let methods: Vec<Method> = asked.into_iter().map(|(method, ..)| method).collect();
    let upload = [Method::HEAD, Method::POST, Method::PUT];
    assert_eq!(methods, [&upload[..], &upload, &[Method::PUT]].concat());
}

#[tokio::test]
async fn what_is_there_already_is_not_sent() {
    let (pushed, asked) =
        pushed(|(method, ..)| (*method == Method::HEAD).then(|| StatusCode::OK.into_response())).await;
    pushed.unwrap();
    assert_eq!(asked.len(), 3, "{asked:?}");
}

#[tokio::test]
async fn a_registry_that_stored_something_else_is_told() {
    let other = Digest::of(b"another");
    let (pushed, _) = pushed(move |(_, path, _)| {
        let stored = [("docker-content-digest", other.as_str().to_owned())];
        path.contains("/manifests/").then(|| (StatusCode::CREATED, stored).into_response())
    })
    .await;
    assert!(matches!(pushed, Err(Error::Corrupt { .. })), "{pushed:?}");
}

#[tokio::test]
async fn what_is_not_that_of_its_digest_is_not_sent() {
    let scripted = Scripted::start(taking(|_| None)).await;
    let error = push(&scripted, &format!("@{}", Digest::of(b"another"))).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    assert_eq!(scripted.asked(), []);
}

#[tokio::test]
async fn an_upload_that_was_not_stored_is_no_push() {
    let (pushed, asked) = pushed(|(method, path, _)| {
        (*method == Method::PUT && path.starts_with("/upload")).then(|| StatusCode::OK.into_response())
    })
    .await;
    assert!(matches!(&pushed, Err(Error::Malformed { problem, .. }) if problem.contains("200")), "{pushed:?}");
    assert!(asked.iter().all(|(_, path, _)| !path.contains("/manifests/")), "no tag leads to it: {asked:?}");
}

#[tokio::test]
async fn a_repository_that_cannot_be_written_is_named() {
    for missing in [Method::POST, Method::PUT] {
        let (pushed, _) = pushed(move |(method, path, _)| {
            let is_meant = *method == missing && !path.starts_with("/upload?");
            is_meant.then(|| StatusCode::NOT_FOUND.into_response())
        })
        .await;
        assert!(matches!(&pushed, Err(Error::NotFound(what)) if what.starts_with("repository ")), "{pushed:?}");
    }
}

#[tokio::test]
async fn what_is_written_is_not_led_elsewhere() {
    let elsewhere = Scripted::start(taking(|_| None)).await;
    let place = format!("http://{}/upload", elsewhere.address);
    let (pushed, _) = pushed(move |(method, ..)| (*method == Method::PUT).then(|| moved(&place))).await;
    assert!(matches!(pushed, Err(Error::Refused { status: 307, .. })), "{pushed:?}");
    assert_eq!(elsewhere.asked(), []);
}

#[tokio::test]
async fn a_place_for_uploads_without_tls_is_refused() {
    let (pushed, _) = pushed(|(method, ..)| {
        let away = [("location", "http://store.example.org/upload")];
        (*method == Method::POST).then(|| (StatusCode::ACCEPTED, away).into_response())
    })
    .await;
    assert!(matches!(&pushed, Err(Error::Plaintext(host)) if host == "store.example.org"), "{pushed:?}");
}
