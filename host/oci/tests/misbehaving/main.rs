//! Registries that do what none should: answers by a script, from this machine.

mod bounds;
mod pushes;
mod scripted;
mod tokens;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use capstan_oci::{Access, Credentials, Digest, Error, Reference, Repository, Retry};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::Notify,
};

use scripted::{Scripted, client, endless, manifest, moved, open, stored};

#[tokio::test]
async fn an_answer_without_end_is_given_up() {
    let scripted = Scripted::start(|_| endless()).await;
    let error = scripted.repository(":1").artifact().await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");

    // Also one that says in its manifest that it is small.
    let scripted = Scripted::start(|asked| stored(asked, endless)).await;
    let repository = scripted.repository(":1");
    let artifact = repository.artifact().await.unwrap();
    let error = repository.component(&artifact, 1 << 20).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 4, .. }), "{error:?}");

    // And a refusal without end is a refusal.
    let scripted = Scripted::start(|_| (StatusCode::BAD_REQUEST, endless()).into_response()).await;
    let error = scripted.repository(":1").artifact().await.unwrap_err();
    assert!(matches!(error, Error::Refused { status: 400, .. }), "{error:?}");
}

#[tokio::test]
async fn content_that_its_digest_does_not_name_is_not_taken() {
    let scripted = Scripted::start(|asked| stored(asked, || "evil".into_response())).await;
    let repository = scripted.repository(":1");
    let artifact = repository.artifact().await.unwrap();
    assert!(matches!(repository.component(&artifact, 9).await, Err(Error::Corrupt { .. })));
    let other = scripted.repository(&format!("@{}", Digest::of(b"another manifest")));
    assert!(matches!(other.artifact().await, Err(Error::Corrupt { .. })));
}

#[tokio::test]
async fn where_a_tag_leads_is_read_where_no_header_says_it() {
    let scripted = Scripted::start(|_| manifest(b"wasm", 4).into_response()).await;
    let current = scripted.repository(":1").current().await.unwrap();
    assert_eq!(current, Digest::of(manifest(b"wasm", 4).as_bytes()));
}

#[tokio::test]
async fn nothing_leads_to_plain_http_elsewhere_or_on_and_on() {
    for to in ["http://registry.example.org/v2/", "ftp://127.0.0.1/", "http://169.254.169.254/latest/"] {
        let scripted = Scripted::start(move |_| moved(to)).await;
        let error = scripted.repository(":1").artifact().await.unwrap_err();
        assert!(matches!(error, Error::Plaintext(_)), "{to}: {error:?}");
    }
    let scripted = Scripted::start(|_| moved("/again")).await;
    let error = scripted.repository(":1").artifact().await.unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
    assert!(scripted.asked().len() < 10);
}

#[tokio::test]
async fn who_we_are_is_told_to_the_registry_alone() {
    let elsewhere = Scripted::start(|_| "wasm".into_response()).await;
    let place = format!("http://{}/store", elsewhere.address);
    let scripted = Scripted::start(move |(_, path, who)| match who {
        None => (StatusCode::UNAUTHORIZED, [("www-authenticate", "Basic realm=\"r\"")]).into_response(),
        Some(_) if path.contains("/manifests/") => manifest(b"wasm", 4).into_response(),
        Some(_) => moved(&place),
    })
    .await;
    let repository = open(scripted.address, ":1", Some(Credentials::new("alice", "secret")));
    let artifact = repository.artifact().await.unwrap();
    assert_eq!(&*repository.component(&artifact, 9).await.unwrap(), b"wasm");
    assert_eq!(elsewhere.asked(), [(Method::GET, "/store".to_owned(), None)]);
    assert!(scripted.asked().iter().any(|(.., who)| who.as_deref() == Some("Basic YWxpY2U6c2VjcmV0")));
}

#[tokio::test]
async fn a_registry_may_want_to_be_left_alone_or_be_ill() {
    let busy = || (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "7")]).into_response();
    let error = Scripted::start(move |_| busy()).await.repository(":1").current().await.unwrap_err();
    assert_eq!(error.retry(), Retry::Soon(Some(Duration::from_secs(7))));
    let ill = || (StatusCode::BAD_GATEWAY, r#"{"errors": [{"code": "X", "message": "a\nb"}]}"#).into_response();
    let error = Scripted::start(move |_| ill()).await.repository(":1").artifact().await.unwrap_err();
    assert!(error.to_string().contains("502: a b"), "{error}");
    assert_eq!(error.retry(), Retry::Soon(None));
}

#[tokio::test]
async fn one_that_does_not_answer_is_given_up_in_time() {
    let asked = Arc::new(Notify::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let notify = Arc::clone(&asked);
    let router = Router::new().fallback(move || {
        let notify = Arc::clone(&notify);
        async move {
            notify.notify_one();
            std::future::pending::<Response>().await
        }
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    let asking = tokio::spawn(async move { open(address, ":1", None).artifact().await });
    asked.notified().await;
    tokio::time::pause();
    let error = asking.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
}

#[tokio::test]
async fn a_proxy_is_asked_for_a_tunnel_and_only_to_other_machines() {
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = proxy.local_addr().unwrap();
    let asked = tokio::spawn(async move {
        let (mut stream, _) = proxy.accept().await.unwrap();
        let mut head = vec![0; 1024];
        let length = stream.read(&mut head).await.unwrap();
        stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        String::from_utf8_lossy(&head[..length]).into_owned()
    });
    let client = client(Some(format!("http://{address}").parse().unwrap()));
    let reference: Reference = "registry.example.org/note:1".parse().unwrap();
    let repository = Repository::to_pull(&client, &reference, Access::default()).unwrap();
    let error = repository.artifact().await.unwrap_err();
    assert!(matches!(&error, Error::Unavailable { problem, .. } if problem.contains("proxy")), "{error:?}");
    assert!(asked.await.unwrap().starts_with("CONNECT registry.example.org:443 "));

    // The proxy is gone by now; nobody asks for it.
    let scripted = Scripted::start(|_| manifest(b"wasm", 4).into_response()).await;
    let reference: Reference = format!("{}/note:1", scripted.address).parse().unwrap();
    let access = Access { plain_http: true, ..Access::default() };
    Repository::to_pull(&client, &reference, access).unwrap().artifact().await.unwrap();
}
