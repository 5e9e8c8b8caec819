//! Answers that are larger, longer or slower than any should be.

use std::time::Duration;

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode},
    response::IntoResponse,
};
use capstan_oci::{Access, Artifact, Digest, Error, Reference, Repository, Retry};

use crate::scripted::{Raw, Scripted, client, endless, manifest, open, stored};

fn headed(name: &'static str, value: &[u8]) -> HeaderMap {
    [(name.parse().unwrap(), HeaderValue::from_bytes(value).unwrap())].into_iter().collect()
}

#[tokio::test]
async fn an_announced_size_is_enough_to_give_up() {
    let raw = Raw::start("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n").await;
    let error = open(raw.address, ":1", None).artifact().await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { size: 99_999_999_999, limit: 1_048_576, .. }), "{error:?}");
}

#[tokio::test]
async fn a_manifest_has_a_mebibyte_at_most() {
    for size in [1 << 20, (1 << 20) + 1] {
        let mut padded = manifest(b"wasm", 4);
        padded.push_str(&" ".repeat(size - padded.len()));
        let scripted = Scripted::start(move |_| padded.clone().into_response()).await;
        let taken = scripted.repository(":1").artifact().await;
        assert_eq!(taken.is_ok(), size == 1 << 20, "{taken:?}");
    }
    let scripted = Scripted::start(|_| endless()).await;
    let error = scripted.repository(":1").artifact().await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 1_048_576, .. }), "{error:?}");
}

#[tokio::test]
async fn a_component_that_is_said_to_be_too_large_is_not_asked_for() {
    let scripted = Scripted::start(|asked| stored(asked, || "wasm".into_response())).await;
    let repository = scripted.repository(":1");
    let artifact = repository.artifact().await.unwrap();
    let error = repository.component(&artifact, 3).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { size: 4, limit: 3, .. }), "{error:?}");
    assert_eq!(scripted.asked().len(), 1);
    assert_eq!(&*repository.component(&artifact, 4).await.unwrap(), b"wasm");
}

#[tokio::test]
async fn a_component_that_is_gone_is_missing() {
    let scripted = Scripted::start(|asked| stored(asked, || StatusCode::NOT_FOUND.into_response())).await;
    let repository = scripted.repository(":1");
    let artifact = repository.artifact().await.unwrap();
    let error = repository.component(&artifact, 9).await.unwrap_err();
    assert!(matches!(&error, Error::NotFound(what) if what.contains("component sha256:")), "{error:?}");
}

#[tokio::test]
async fn a_manifest_is_what_its_own_header_says_too() {
    let announced = |digest: Digest| headed("docker-content-digest", digest.as_str().as_bytes());
    let scripted =
        Scripted::start(move |_| (announced(Digest::of(b"another")), manifest(b"wasm", 4)).into_response()).await;
    assert!(matches!(scripted.repository(":1").artifact().await, Err(Error::Corrupt { .. })));
    // The header is optional, and what cannot be read is none.
    for odd in [&b"\xff"[..], b"sha512:00", b""] {
        let scripted =
            Scripted::start(move |_| (headed("docker-content-digest", odd), manifest(b"wasm", 4)).into_response())
                .await;
        let repository = scripted.repository(":1");
        assert_eq!(repository.artifact().await.unwrap().manifest, repository.current().await.unwrap());
    }
}

#[tokio::test]
async fn a_digest_leads_where_it_says_without_a_question() {
    let scripted = Scripted::start(|_| StatusCode::BAD_REQUEST.into_response()).await;
    let digest = Digest::of(b"manifest");
    assert_eq!(scripted.repository(&format!(":1@{digest}")).current().await.unwrap(), digest);
    assert_eq!(scripted.asked(), []);
}

#[tokio::test]
async fn nobody_is_left_alone_for_longer_than_an_hour() {
    for (said, expected) in [("7", Some(7)), ("86400", Some(3600)), ("99999999999999999999", None), ("soon", None)] {
        let busy = move || (StatusCode::TOO_MANY_REQUESTS, [("retry-after", said)]).into_response();
        let error = Scripted::start(move |_| busy()).await.repository(":1").current().await.unwrap_err();
        assert_eq!(error.retry(), Retry::Soon(expected.map(Duration::from_secs)), "{said}");
    }
}

#[tokio::test]
async fn a_redirect_that_says_no_place_makes_no_sense() {
    for headers in [HeaderMap::new(), headed("location", b"/\xff"), headed("location", b"http://[")] {
        let scripted =
            Scripted::start(move |_| (StatusCode::TEMPORARY_REDIRECT, headers.clone()).into_response()).await;
        let error = scripted.repository(":1").artifact().await.unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
        assert_eq!(scripted.asked().len(), 1);
    }
}

#[tokio::test]
async fn what_a_registry_says_is_told_in_a_short_line() {
    let said = |body: &'static str| async move {
        let scripted = Scripted::start(move |_| (StatusCode::BAD_REQUEST, body).into_response()).await;
        scripted.repository(":1").artifact().await.unwrap_err().to_string()
    };
    let long: &'static str = format!("first\nsecond\u{1b}[31m {}", "x".repeat(9999)).leak();
    let told = said(long).await;
    assert!(told.contains("first second [31m xxx") && told.len() < 300, "{told}");
    assert!(said("").await.ends_with("no reason is given"));
    assert!(said(r#"{"errors": [{"code": "DENIED"}]}"#).await.ends_with("400: DENIED"));
}

#[tokio::test]
async fn headers_without_end_are_given_up() {
    let many = "x: y\r\n".repeat(200);
    let long = format!("x-long: {}\r\n", "y".repeat(1 << 20));
    let few = "x: y\r\n".repeat(50);
    for (headers, is_fine) in [(many, false), (long, false), (few, true)] {
        let body = manifest(b"wasm", 4);
        let raw = Raw::start(format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())).await;
        let taken = open(raw.address, ":1", None).artifact().await;
        assert_eq!(taken.is_ok(), is_fine, "{taken:?}");
        assert!(is_fine || matches!(taken, Err(Error::Unavailable { .. })), "{taken:?}");
    }
}

/// What comes of asking a registry that begins to answer and does not go on.
async fn dragging<T, F>(ask: impl FnOnce(Repository) -> F) -> Error
where
    T: std::fmt::Debug + Send + 'static,
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    let raw = Raw::start("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwa").await;
    let asking = tokio::spawn(ask(open(raw.address, ":1", None)));
    raw.asked.notified().await;
    tokio::time::pause();
    asking.await.unwrap().unwrap_err()
}

#[tokio::test]
async fn an_answer_that_drags_on_is_given_up_in_time() {
    let error = dragging(|repository| async move { repository.artifact().await }).await;
    assert!(matches!(error, Error::TimedOut { within, .. } if within == Duration::from_secs(30)), "{error:?}");
}

#[tokio::test]
async fn a_component_that_drags_on_is_given_up_in_time() {
    let digest = Digest::of(b"wasm");
    let artifact = Artifact { manifest: digest.clone(), component: digest, size: 4 };
    let error = dragging(|repository| async move { repository.component(&artifact, 9).await }).await;
    assert!(matches!(error, Error::TimedOut { within, .. } if within == Duration::from_mins(5)), "{error:?}");
}

#[tokio::test]
async fn a_proxy_that_says_nothing_is_given_up_in_time() {
    let proxy = Raw::start("").await;
    let client = client(Some(format!("http://{}", proxy.address).parse().unwrap()));
    let reference: Reference = "registry.example.org/note:1".parse().unwrap();
    let repository = Repository::to_pull(&client, &reference, Access::default()).unwrap();
    let asking = tokio::spawn(async move { repository.artifact().await });
    proxy.asked.notified().await;
    tokio::time::pause();
    let error = asking.await.unwrap().unwrap_err();
    assert!(matches!(&error, Error::Unavailable { problem, .. } if problem.contains("within 10s")), "{error:?}");
}
