//! Requests, credentials and configuration, as an author writes and tests them.

use std::time::Duration;

use capstan_sdk::{
    Failure, Kind, Result, Value, config,
    credentials::{self, Credential, Exchange, Scheme, SecretKey},
    http::{Error, Request, Response},
    json,
    testing::Host,
};

struct Nothing;

impl capstan_sdk::External for Nothing {
    const KIND: Kind = Kind::existing("a/v1", "A");
    type Spec = Value;

    fn connect(_: &capstan_sdk::Managed<Value>) -> Result<Self> {
        Credential::bearer(&SecretKey::new("token", "token"))?;
        Ok(Self)
    }

    fn observe(&mut self, _: &capstan_sdk::Managed<Value>) -> Result<capstan_sdk::Observation> {
        Ok(capstan_sdk::Observation::missing())
    }

    fn create(&mut self, _: &capstan_sdk::Managed<Value>) -> Result<capstan_sdk::Creation> {
        Ok(capstan_sdk::Creation::done())
    }

    fn update(&mut self, _: &capstan_sdk::Managed<Value>) -> Result<capstan_sdk::Change> {
        Ok(capstan_sdk::Change::done())
    }

    fn delete(&mut self, _: &capstan_sdk::Managed<Value>) -> Result<()> {
        Ok(())
    }
}

capstan_sdk::export! {
    name: "outside",
    version: "0.1.0",
    config: "samples/config.schema.yaml",
    kinds: [Nothing],
}

fn secret(value: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "token", "namespace": "n"},
        "stringData": {"token": value},
    })
}

fn failure<E>(error: E) -> Failure
where
    Failure: From<E>,
{
    Failure::from(error)
}

#[test]
fn a_schema_of_the_configuration_is_part_of_the_provider() {
    let schema: Value = serde_json::from_str(PROVIDER.config_schema().unwrap()).unwrap();
    assert_eq!(schema["properties"]["greeting"]["type"], "string");
    assert_eq!(PROVIDER.needs(), "{}");
}

#[test]
fn configuration_is_typed_and_empty_without_any() {
    let host = Host::new();
    assert_eq!(host.run(config::get::<Value>).unwrap(), json!({}));
    host.configure(json!({"size": 3}));
    assert_eq!(host.run(config::get::<Value>).unwrap()["size"], 3);
    let error = host.run(config::get::<Vec<u8>>).unwrap_err();
    assert!(failure(error).is_terminal());
}

#[test]
fn requests_reach_the_server_of_the_test() {
    let host = Host::new();
    host.put(secret("s3cret\n"));
    host.serve(|request| {
        let (secret, value, scheme) = request.auth.as_ref().expect("authorized").reveal();
        assert_eq!((secret.name.as_str(), value, scheme), ("token", "s3cret", &Scheme::Bearer));
        let sent: Value = serde_json::from_slice(request.body.as_deref().unwrap_or(b"null")).unwrap();
        Ok(Response::new(200, json!({"method": request.method, "sent": sent}).to_string()))
    });
    let answer: Value = host.run(|| {
        let token = Credential::bearer(&SecretKey::new("token", "token").in_namespace("n")).unwrap();
        let request = Request::patch("https://example.org/x?y").auth(&token).json(&json!({"a": 1}));
        request.send().unwrap().success().unwrap().json().unwrap()
    });
    assert_eq!(answer, json!({"method": "PATCH", "sent": {"a": 1}}));
    let sent = host.take_requests().remove(0);
    assert_eq!(sent.headers, [("content-type".to_owned(), "application/json".to_owned())]);
}

#[test]
fn a_credential_without_namespace_is_looked_for_beside_the_object() {
    let host = Host::new();
    let object = host.put(json!({"apiVersion": "a/v1", "kind": "A", "metadata": {"name": "a", "namespace": "n"}}));
    let failed = host.reconcile(&PROVIDER, &object).unwrap_err().failure;
    assert_eq!((failed.problem().reason.as_str(), failed.is_terminal()), ("SecretNotFound", true));
    host.put(secret("x"));
    host.reconcile(&PROVIDER, &object).unwrap();
}

#[test]
fn credentials_of_equal_value_have_equal_fingerprints() {
    let host = Host::new();
    host.put(secret("one"));
    let key = SecretKey::new("token", "token").in_namespace("n");
    let fingerprint = || host.run(|| Credential::bearer(&key).unwrap().fingerprint());
    let first = fingerprint();
    assert_eq!(first, fingerprint());
    host.put(secret("two"));
    assert_ne!(first, fingerprint());
    assert_ne!(host.run(|| Credential::basic(&key, "me").unwrap().fingerprint()), fingerprint());
}

#[test]
fn errors_become_failures_that_retry_as_they_should() {
    for (message, told) in [("", "the rate limit is used up"), ("Slow down.", "Slow down.")] {
        let waits = failure(Error::RateLimited { wait: Duration::from_secs(30), message: message.to_owned() });
        assert!(matches!(&waits, Failure::RetryAfter(problem, delay)
            if problem.reason == "RateLimited" && *delay == Duration::from_secs(30)
                && problem.message == format!("{told}: next try in 30 s")));
    }
    let status = |status| failure(Response::new(status, "no").success().unwrap_err());
    for (status, terminal) in
        [(status(422), true), (status(400), true), (status(404), false), (status(403), false), (status(500), false)]
    {
        assert_eq!(status.is_terminal(), terminal, "{status}");
    }
    assert!(!failure(Error::TimedOut).is_terminal());
    assert!(!failure(Response::new(200, "x").json::<Value>().unwrap_err()).is_terminal());
    assert!(!failure(credentials::Error::Denied("no".into())).is_terminal());
    assert!(failure(credentials::Error::Invalid("no".into())).is_terminal());
}

#[test]
fn without_a_server_nothing_is_reached() {
    let error = Host::new().run(|| Request::get("https://example.org").send()).unwrap_err();
    assert!(matches!(error, Error::Unreachable(_)));
    assert!(matches!(Request::get("https://example.org").send(), Err(Error::Unreachable(_))));
}

#[test]
fn the_exchange_of_a_github_app() {
    let exchange = Exchange::github_app("https://ghe.example.org/api/v3/", "17", "4/2");
    assert_eq!(exchange.url, "https://ghe.example.org/api/v3/app/installations/4%2F2/access_tokens");
    assert_eq!(exchange.claims.issuer, "17");
}

#[test]
fn a_secret_for_a_body_goes_beside_the_token_and_tells_its_version() {
    let host = Host::new();
    host.put(secret("one"));
    host.serve(|_| Ok(Response::new(201, "{}")));
    let send = || {
        host.run(|| {
            let key = SecretKey::new("token", "token").in_namespace("n");
            let secret = Credential::body_member(&key, "/config/secret").unwrap();
            let body = json!({"config": {"secret": null}});
            let request = Request::post("https://a.b/hooks").auth(&Credential::bearer(&key).unwrap()).json(&body);
            request.body_secret(&secret).send().unwrap();
            secret.version()
        })
    };
    let first = send();
    assert_eq!(first, send());
    let request = host.take_requests().remove(0);
    let (_, value, scheme) = request.body_secret.as_ref().unwrap().reveal();
    assert_eq!((value, scheme), ("one", &Scheme::BodyMember("/config/secret".to_owned())));
    assert_eq!(request.auth.as_ref().unwrap().reveal().2, &Scheme::Bearer);
    host.put(secret("two"));
    assert_ne!(first, send(), "another version after every write");
}
