//! Requests of which nobody knows whether they were carried out.

use super::{Access, Error, OPEN, Request, Response, Stage};

async fn send(access: &mut Access, request: Request) -> Result<Response, Error> {
    access.fetch(request, None, None).await.unwrap()
}

#[tokio::test]
async fn what_may_have_changed_something_counts_until_it_is_answered() {
    let stage = Stage::new(OPEN).await;
    let mut access = stage.access();
    let mut counted = 0;
    for (method, path, timeout, is_lost) in [
        ("GET", "/lost", 5000, false),
        ("POST", "/", 5000, false),
        ("POST", "/lost", 5000, true),
        ("PUT", "/slow", 50, true),
        ("PATCH", "/large?and-more", 5000, false),
        ("DELETE", "/gateway", 5000, true),
        ("DELETE", "/unavailable", 5000, false),
        ("POST", "/bomb", 5000, true),
        ("POST", "/revoked", 5000, false),
    ] {
        let request = Request { method: method.to_owned(), timeout_ms: Some(timeout), ..stage.request(path) };
        let answer = send(&mut access, request).await;
        counted += u32::from(is_lost);
        assert_eq!(access.unanswered(), counted, "{method} {path}: {answer:?}");
    }
    // The last, since it holds whoever comes after it.
    let told = send(&mut access, Request { method: "POST".to_owned(), ..stage.request("/limited") }).await;
    assert!(matches!(told, Err(Error::RateLimited(_))), "{told:?}");
    assert_eq!(access.unanswered(), counted, "it is wanted later");
}

#[tokio::test]
async fn what_was_not_sent_changed_nothing() {
    let rules = ["'http://server.test:1'", "'https://server.test:PORT'", "'http://nowhere.test:PORT'"]
        .map(|origin| format!("{{origin: {origin}, allowPlaintext: true, allowPrivate: true}}"));
    let stage = Stage::new(&format!("http: [{}]", rules.join(", "))).await;
    let mut access = stage.access();
    let port = stage.server.port();
    for url in [
        "http://server.test:1/".to_owned(),
        // There is somebody, who speaks no TLS.
        format!("https://server.test:{port}/"),
        format!("http://nowhere.test:{port}/"),
        format!("http://not-granted.test:{port}/"),
    ] {
        let request = Request { method: "POST".to_owned(), url: url.clone(), ..stage.request("/") };
        let answer = send(&mut access, request).await;
        assert!(matches!(answer, Err(Error::Unreachable(_) | Error::Denied(_))), "{url}: {answer:?}");
        assert_eq!(access.unanswered(), 0, "{url}: {answer:?}");
    }
}
