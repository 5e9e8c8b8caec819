//! Places that give out tokens.

use axum::{
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
};
use capstan_oci::{Credentials, Error, Retry};

use crate::scripted::{Asked, Scripted, endless, manifest, moved, open};

/// Gives the manifest to who shows the token.
fn with_tokens(realm: &'static str, token: &'static str) -> impl Fn(&Asked) -> Response + Send + Sync + 'static {
    move |(_, path, who)| {
        if path.starts_with("/token") {
            return format!(r#"{{"token": "{token}"}}"#).into_response();
        }
        if who.as_deref() == Some("Bearer of-the-day") {
            return manifest(b"wasm", 4).into_response();
        }
        challenged(realm)
    }
}

/// A token is wanted, which is had at this place.
fn challenged(realm: &str) -> Response {
    let mut headers = HeaderMap::new();
    let challenge = format!(r#"Bearer realm="{realm}",service="registry""#);
    headers.insert("www-authenticate", challenge.parse().unwrap());
    (StatusCode::UNAUTHORIZED, headers).into_response()
}

#[tokio::test]
async fn a_token_is_fetched_with_the_password_and_shown_to_the_registry() {
    let tokens = Scripted::start(with_tokens("", "of-the-day")).await;
    let realm: &'static str = format!("http://{}/token", tokens.address).leak();
    let scripted = Scripted::start(with_tokens(realm, "")).await;
    let repository = open(scripted.address, ":1", Some(Credentials::new("alice", "secret")));
    repository.artifact().await.unwrap();
    repository.artifact().await.unwrap();
    let asked = tokens.asked();
    let [(Method::GET, path, Some(who))] = asked.as_slice() else { panic!("once is enough: {asked:?}") };
    assert_eq!(path, "/token?service=registry&scope=repository%3Anote%3Apull");
    assert_eq!(who, "Basic YWxpY2U6c2VjcmV0");
    assert!(scripted.asked().iter().all(|(.., who)| who.as_deref() != Some("Basic YWxpY2U6c2VjcmV0")));
}

#[tokio::test]
async fn a_token_that_makes_no_sense_and_a_place_without_tls_are_refused() {
    let tokens = Scripted::start(with_tokens("", r"a\nb")).await;
    let realm: &'static str = format!("http://{}/token", tokens.address).leak();
    let scripted = Scripted::start(with_tokens(realm, "")).await;
    let error = scripted.repository(":1").artifact().await.unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error:?}");

    let scripted = Scripted::start(with_tokens("http://tokens.example.org/token", "")).await;
    let repository = open(scripted.address, ":1", Some(Credentials::new("alice", "secret")));
    let error = repository.artifact().await.unwrap_err();
    assert!(matches!(&error, Error::Plaintext(host) if host == "tokens.example.org"), "{error:?}");
}

/// A registry that wants a token, and a place where `answer` is what comes of asking for one.
async fn asking(answer: impl Fn(&Asked) -> Response + Send + Sync + 'static) -> (Scripted, Scripted) {
    let tokens = Scripted::start(answer).await;
    let realm: &'static str = format!("http://{}/token", tokens.address).leak();
    (Scripted::start(with_tokens(realm, "")).await, tokens)
}

#[tokio::test]
async fn a_place_that_gives_no_token_is_told_as_what_it_answers() {
    let busy = || (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "7")]).into_response();
    let (scripted, _tokens) = asking(move |_| busy()).await;
    let error = scripted.repository(":1").artifact().await.unwrap_err();
    assert!(matches!(error.retry(), Retry::Soon(Some(wait)) if wait.as_secs() == 7), "{error:?}");
    for (status, reason) in [
        (StatusCode::SERVICE_UNAVAILABLE, "FetchFailed"),
        (StatusCode::UNAUTHORIZED, "RegistryUnauthorized"),
        (StatusCode::FORBIDDEN, "RegistryUnauthorized"),
        (StatusCode::BAD_REQUEST, "RegistryRefused"),
    ] {
        let (scripted, _tokens) = asking(move |_| status.into_response()).await;
        assert_eq!(scripted.repository(":1").artifact().await.unwrap_err().reason(), reason);
    }
    let (scripted, _tokens) = asking(|_| endless()).await;
    let error = scripted.repository(":1").artifact().await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 262_144, .. }), "{error:?}");
}

#[tokio::test]
async fn the_password_is_not_led_on_from_the_place_that_gives_tokens() {
    let elsewhere = Scripted::start(with_tokens("", "of-the-day")).await;
    let place = format!("http://{}/token", elsewhere.address);
    let (scripted, _tokens) = asking(move |_| moved(&place)).await;
    let repository = open(scripted.address, ":1", Some(Credentials::new("alice", "secret")));
    let error = repository.artifact().await.unwrap_err();
    assert!(matches!(error, Error::Refused { status: 307, .. }), "{error:?}");
    assert_eq!(elsewhere.asked(), []);
}

#[tokio::test]
async fn a_token_that_is_no_longer_taken_is_replaced_once() {
    let tokens = Scripted::start(|_| r#"{"token": "next"}"#.into_response()).await;
    let realm: &'static str = format!("http://{}/token", tokens.address).leak();
    // It takes each token for one request.
    let scripted = Scripted::start({
        let used = std::sync::atomic::AtomicUsize::new(0);
        move |(.., who)| {
            let taken = who.is_some() && used.fetch_add(1, std::sync::atomic::Ordering::Relaxed).is_multiple_of(2);
            if taken { manifest(b"wasm", 4).into_response() } else { challenged(realm) }
        }
    })
    .await;
    let repository = open(scripted.address, ":1", None);
    for times in 1..=3 {
        repository.artifact().await.unwrap();
        assert_eq!(tokens.asked().len(), times);
    }
    // Whoever takes none is not asked again and again.
    let scripted = Scripted::start(move |_| challenged(realm)).await;
    let error = scripted.repository(":1").artifact().await.unwrap_err();
    assert!(matches!(error, Error::Unauthorized { signed_in: false, .. }), "{error:?}");
    assert_eq!(scripted.asked().len(), 2);
}

#[tokio::test]
async fn who_has_nothing_to_show_does_not_ask_twice() {
    let basic = || (StatusCode::UNAUTHORIZED, [("www-authenticate", "Basic realm=\"r\"")]).into_response();
    let scripted = Scripted::start(move |_| basic()).await;
    let error = scripted.repository(":1").artifact().await.unwrap_err();
    assert!(matches!(error, Error::Unauthorized { signed_in: false, .. }), "{error:?}");
    assert_eq!(scripted.asked().len(), 1);
}

#[tokio::test]
async fn a_challenge_that_cannot_be_read_is_none() {
    let odd = || {
        let mut headers = HeaderMap::new();
        headers.insert("www-authenticate", axum::http::HeaderValue::from_bytes(b"Basic realm=\"\xff\"").unwrap());
        (StatusCode::UNAUTHORIZED, headers).into_response()
    };
    let scripted = Scripted::start(move |_| odd()).await;
    let repository = open(scripted.address, ":1", Some(Credentials::new("alice", "secret")));
    assert!(matches!(repository.artifact().await, Err(Error::Unauthorized { .. })));
    assert_eq!(scripted.asked().len(), 1);
}
