//! The provider under a host: credentials, configuration, events.

use capstan_github::PROVIDER;
use capstan_sdk::cluster::ObjectRef;
use capstan_sdk::credentials::Scheme;
use capstan_sdk::http::Response;
use capstan_sdk::testing::{Action, Host};
use capstan_sdk::{Value, json};

/// A host with a token, and a GitHub with the private repository `acme/shop`.
fn host() -> Host {
    let host = Host::new();
    for (name, key) in [("token", "value"), ("key", "pem")] {
        host.put(json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "n"}, "stringData": {key: "x"},
        }));
    }
    host.serve(|request| match (request.method.as_str(), request.url.rsplit_once("/repos/")) {
        ("GET", Some((_, "acme/shop"))) => {
            let shop = json!({"id": 7, "full_name": "acme/shop", "private": true, "visibility": "private"});
            Ok(Response::new(200, shop.to_string()))
        }
        ("DELETE", _) => Ok(Response::new(204, "")),
        _ => Ok(Response::new(404, r#"{"message": "Not Found"}"#)),
    });
    host
}

fn put(host: &Host, credentials: &Value, more: Value) -> ObjectRef {
    let mut spec = json!({"org": "acme", "name": "shop", "credentials": credentials});
    for (name, value) in more.as_object().unwrap() {
        spec[name] = value.clone();
    }
    host.put(json!({
        "apiVersion": "github.krateo.io/v1alpha1", "kind": "Repo", "metadata": {"name": "shop", "namespace": "n"}, "spec": spec,
    }))
}

fn token() -> Value {
    json!({"secretRef": {"name": "token", "namespace": "n", "key": "value"}})
}

fn app() -> Value {
    json!({"app": {"appId": 12, "installationId": 34, "privateKeyRef": {"name": "key", "namespace": "n", "key": "pem"}}})
}

#[test]
fn a_token_or_an_app_goes_with_each_request() {
    let host = host();
    let object = put(&host, &token(), json!({}));
    assert_eq!(host.reconcile(&PROVIDER, &object).unwrap().action, Action::Nothing);
    let request = host.take_requests().remove(0);
    let (key, _, scheme) = request.auth.as_ref().unwrap().reveal();
    assert_eq!((key.name.as_str(), key.namespace.as_deref(), scheme), ("token", Some("n"), &Scheme::Bearer));
    let object = put(&host, &app(), json!({"apiUrl": "https://ghe.example.org/api/v3"}));
    host.reconcile(&PROVIDER, &object).unwrap();
    let request = host.take_requests().remove(0);
    assert_eq!(request.url, "https://ghe.example.org/api/v3/repos/acme/shop");
    let (_, _, Scheme::SignedExchange(exchange)) = request.auth.as_ref().unwrap().reveal() else {
        panic!("{request:?}")
    };
    assert_eq!(exchange.claims.issuer, "12");
    assert_eq!(exchange.url, "https://ghe.example.org/api/v3/app/installations/34/access_tokens");
}

#[test]
fn anything_else_is_refused_and_says_what_is_wanted() {
    let host = host();
    let mut both = token();
    both["app"] = app()["app"].clone();
    for (credentials, hint) in
        [(json!({}), "secretRef"), (json!({"env": {"name": "TOKEN"}}), "env is not supported"), (both, "one of them")]
    {
        let object = put(&host, &credentials, json!({}));
        let failed = host.reconcile(&PROVIDER, &object).unwrap_err();
        let problem = failed.failure.problem();
        assert_eq!((problem.reason.as_str(), failed.failure.is_terminal()), ("InvalidSpec", true));
        assert!(problem.message.contains(hint), "{problem:?}");
    }
    let missing = json!({"secretRef": {"name": "nobody", "namespace": "n", "key": "value"}});
    let object = put(&host, &missing, json!({}));
    assert_eq!(host.reconcile(&PROVIDER, &object).unwrap_err().failure.problem().reason, "SecretNotFound");
    assert!(host.take_requests().is_empty());
}

#[test]
fn the_configured_address_is_for_objects_that_name_none() {
    let host = host();
    host.configure(json!({"baseUrl": "https://ghe.example.org/api/v3"}));
    for (more, expected) in [
        (json!({}), "https://ghe.example.org/api/v3/repos/acme/shop"),
        (json!({"apiUrl": ""}), "https://ghe.example.org/api/v3/repos/acme/shop"),
        (json!({"apiUrl": "https://api.github.com/"}), "https://api.github.com/repos/acme/shop"),
    ] {
        let object = put(&host, &token(), more);
        host.reconcile(&PROVIDER, &object).unwrap();
        assert_eq!(host.take_requests().remove(0).url, expected);
    }
}

#[test]
fn adoption_is_told_once_and_in_krateos_words_if_that_is_configured() {
    for (config, expected) in [(json!({}), "AlreadyExists"), (json!({"eventNames": "krateo"}), "AlredyExists")] {
        let host = host();
        host.configure(config);
        let object = put(&host, &token(), json!({}));
        for _ in 0..3 {
            host.reconcile(&PROVIDER, &object).unwrap();
        }
        let events: Vec<_> = host.take_events().into_iter().map(|event| event.reason).collect();
        assert_eq!(events, [expected]);
    }
}

#[test]
fn explicit_adoption_is_configured() {
    let host = host();
    host.configure(json!({"adoption": "explicit"}));
    let object = put(&host, &token(), json!({}));
    assert_eq!(host.reconcile(&PROVIDER, &object).unwrap_err().failure.problem().reason, "AlreadyExists");
    let object = put(&host, &token(), json!({"adopt": true}));
    assert_eq!(host.reconcile(&PROVIDER, &object).unwrap().action, Action::Nothing);
}

#[test]
fn what_krateos_provider_had_ready_is_not_announced_anew() {
    let host = host();
    let object = put(&host, &token(), json!({}));
    let mut left = host.object(&object).unwrap();
    // It records nothing of what it adopts but these.
    left["status"] = json!({"conditions": [{"type": "Ready", "status": "True", "reason": "Available"}]});
    host.put(left);
    assert_eq!(host.reconcile(&PROVIDER, &object).unwrap().action, Action::Nothing);
    assert_eq!(host.object(&object).unwrap()["status"]["adopted"], true);
    assert!(host.take_events().is_empty(), "{:?}", host.take_events());
}

fn webhook(host: &Host) -> ObjectRef {
    let secret = json!({"name": "signs", "namespace": "n", "key": "secret"});
    let spec = json!({
        "org": "acme", "repo": "shop", "url": "https://ci.example.org", "credentials": token(), "secretRef": secret,
    });
    host.put(json!({
        "apiVersion": "github.krateo.io/v1alpha1", "kind": "Webhook", "metadata": {"name": "ci", "namespace": "n"},
        "spec": spec,
    }))
}

#[test]
fn what_a_webhook_signs_with_is_put_into_the_body_by_the_host() {
    let host = host();
    host.put(json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "signs", "namespace": "n"},
        "stringData": {"secret": "nobody-must-see-this"},
    }));
    host.serve(|request| match request.method.as_str() {
        "POST" => Ok(Response::new(201, r#"{"id": 9, "url": "https://api.github.com/repos/acme/shop/hooks/9"}"#)),
        _ => Ok(Response::new(200, "[]")),
    });
    let object = webhook(&host);
    assert_eq!(host.reconcile(&PROVIDER, &object).unwrap().action, Action::Create);
    let (posts, others): (Vec<_>, Vec<_>) =
        host.take_requests().into_iter().partition(|request| request.method == "POST");
    assert!(!others.is_empty() && others.iter().all(|request| request.body_secret.is_none()), "{others:?}");
    let request = posts.into_iter().next().unwrap();
    let (key, value, scheme) = request.body_secret.as_ref().unwrap().reveal();
    assert_eq!((key.name.as_str(), value), ("signs", "nobody-must-see-this"));
    assert_eq!(*scheme, Scheme::BodyMember("/config/secret".to_owned()));
    let body = String::from_utf8(request.body.unwrap()).unwrap();
    assert!(body.contains(r#""secret":null"#) && !body.contains("nobody"), "{body}");
    let status = host.object(&object).unwrap()["status"].clone();
    assert!(status["secretVersion"].is_string() && !status.to_string().contains("nobody"), "{status}");
}

#[test]
fn a_webhook_without_its_secret_waits_and_can_be_deleted() {
    let host = host();
    host.serve(|request| match (request.method.as_str(), request.url.ends_with("/9")) {
        ("GET", true) => Ok(Response::new(200, r#"{"id": 9, "config": {"url": "https://ci.example.org"}}"#)),
        ("DELETE", _) => Ok(Response::new(204, "")),
        _ => Ok(Response::new(200, "[]")),
    });
    let object = webhook(&host);
    assert_eq!(host.reconcile(&PROVIDER, &object).unwrap_err().failure.problem().reason, "SecretNotFound");
    assert!(host.take_requests().is_empty());
    let mut known = host.object(&object).unwrap();
    known["metadata"]["finalizers"] = json!(["finalizer.managedresource.krateo.io"]);
    known["status"] = json!({"id": 9, "url": "https://api.github.com/repos/acme/shop/hooks/9"});
    host.put(known);
    host.delete(&object);
    assert_eq!(host.reconcile(&PROVIDER, &object).unwrap().action, Action::Delete);
}

#[test]
fn a_file_that_is_kept_needs_no_secret_to_be_let_go() {
    let host = host();
    let gone = json!({"secretRef": {"name": "gone", "namespace": "n", "key": "value"}});
    let spec = json!({
        "org": "acme", "repo": "shop", "path": "README.md", "content": "", "credentials": gone, "onDelete": "keep",
    });
    let object = host.put(json!({
        "apiVersion": "github.krateo.io/v1alpha1", "kind": "RepoFile",
        "metadata": {"name": "readme", "namespace": "n", "finalizers": ["finalizer.managedresource.krateo.io"]},
        "spec": spec,
    }));
    host.delete(&object);
    assert_eq!(host.reconcile(&PROVIDER, &object).unwrap().action, Action::Release);
    assert!(host.object(&object).is_none() && host.take_requests().is_empty());
}

#[test]
fn what_is_kept_needs_no_secret_to_be_let_go() {
    let host = host();
    let gone = json!({"secretRef": {"name": "gone", "namespace": "n", "key": "value"}});
    let object = put(&host, &gone, json!({"onDelete": "keep"}));
    let mut known = host.object(&object).unwrap();
    known["metadata"]["finalizers"] = json!(["finalizer.managedresource.krateo.io"]);
    host.put(known);
    host.delete(&object);
    assert_eq!(host.reconcile(&PROVIDER, &object).unwrap().action, Action::Release);
    assert!(host.object(&object).is_none() && host.take_requests().is_empty());
}
