//! Values in members of bodies.

use serde_json::{Value, json};

use super::{Stage, TOKEN, member, name};
use crate::{
    bindings::capstan::provider::{credentials::Scheme, http::Error as HttpError},
    credentials::{Credential, scheme, secret::Secret},
};

#[tokio::test]
async fn a_value_fills_the_member_that_it_is_granted_for() {
    let stage = Stage::new().await;
    let credential = stage.open("hook", "secret", member("/config/secret")).await.unwrap();
    let body = r#"{"name": "web", "config": {"url": "https://a.b", "secret": null}, "events": ["push"]}"#;
    for method in ["POST", "PUT", "PATCH"] {
        let sent: Value = serde_json::from_str(&stage.send(method, body, &credential).await.unwrap()).unwrap();
        let config = json!({"url": "https://a.b", "secret": TOKEN});
        assert_eq!(sent, json!({"name": "web", "config": config, "events": ["push"]}));
    }
    let nested = stage.open("hook", "secret", member("/a~1b/0")).await.unwrap();
    assert_eq!(stage.send("POST", r#"{"a/b": [null]}"#, &nested).await.unwrap(), format!(r#"{{"a/b":["{TOKEN}"]}}"#));
    // What is no header can be a text all the same, and stays one.
    let lines = stage.open("broken", "lines", member("/config/secret")).await.unwrap();
    let sent = stage.send("POST", r#"{"config": {"secret": null}}"#, &lines).await.unwrap();
    assert_eq!(sent, r#"{"config":{"secret":"two\nlines"}}"#);
}

#[tokio::test]
async fn a_value_goes_into_no_other_place_of_a_request() {
    let stage = Stage::new().await;
    for (name, key, scheme) in [
        ("hook", "secret", member("/description")),
        ("hook", "secret", member("/config")),
        ("hook", "secret", Scheme::Bearer),
        ("token", "token", member("/config/secret")),
    ] {
        assert_eq!(self::name(stage.open(name, key, scheme).await), "Denied");
    }
    for odd in ["", "config", "/~2"] {
        assert_eq!(name(stage.open("hook", "secret", member(odd)).await), "Invalid");
    }
    let hook = stage.open("hook", "secret", member("/config/secret")).await.unwrap();
    let token = stage.open("token", "token", Scheme::Bearer).await.unwrap();
    let wanted = r#"{"config": {"secret": null}}"#;
    let mut refusals = vec![
        stage.send("GET", wanted, &hook).await,
        stage.send("DELETE", wanted, &hook).await,
        stage.send("POST", "{}", &hook).await,
        stage.send("POST", r#"{"config": {"secret": "own"}}"#, &hook).await,
        stage.send("POST", r#"{"config": {"secret": {}}}"#, &hook).await,
        stage.send("POST", "no json", &hook).await,
        stage.send("POST", "", &hook).await,
        stage.send("POST", wanted, &token).await,
    ];
    refusals.push(stage.get("/", &hook).await.map(|_| String::new()));
    for refused in refusals {
        match refused {
            Err(HttpError::InvalidRequest(text)) => assert!(!text.contains(TOKEN), "{text}"),
            other => panic!("{other:?}"),
        }
    }
    let mut request = stage.outside.request_to("other.test", "/");
    request.method = "POST".to_owned();
    request.body = Some(wanted.as_bytes().to_vec());
    let elsewhere = stage.outside.access().fetch(request, None, Some(hook)).await.unwrap();
    assert!(matches!(elsewhere, Err(HttpError::Denied(_))), "{elsewhere:?}");
    assert!(stage.outside.server.seen().is_empty());
}

#[tokio::test]
async fn a_body_is_bounded_with_the_value_in_it() {
    let stage = Stage::new().await;
    let hook = stage.open("hook", "secret", member("/config/secret")).await.unwrap();
    let body = |filler: usize| format!(r#"{{"config":{{"secret":null}},"filler":"{}"}}"#, "x".repeat(filler));
    let most = (4 << 20) - body(0).len();
    assert!(matches!(stage.send("POST", &body(most), &hook).await, Err(HttpError::TooLarge(_))));
}

#[test]
fn what_is_no_text_fits_no_member() {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"key");
    let scheme = scheme::Scheme::checked(member("/a")).unwrap();
    let made = Credential::new(Secret::new(vec![0xff, 0xfe]), "1".to_owned(), scheme, Vec::new(), &key);
    assert!(made.err().is_some_and(|problem| problem.contains("no text")));
}
