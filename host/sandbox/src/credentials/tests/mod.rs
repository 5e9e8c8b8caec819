//! Secrets of a test's cluster, in requests to a server on loopback.

mod members;
mod tokens;

use std::{
    io,
    sync::{Arc, Mutex},
};

use capstan_api::{GroupVersionKind, ObjectKey, ObjectRef};
use capstan_cluster::Watches;
use capstan_engine::{Read, Reads, Seen};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::fmt::MakeWriter;

use super::{Handle, Vault};
use crate::{
    bindings::capstan::provider::{
        credentials::{Claims, Error, Exchange, Scheme, SecretKey},
        http::{Error as HttpError, Request, Response},
    },
    http::tests::Stage as Outside,
    support::api::Api,
};

/// For tests alone.
const KEY: &str = include_str!("../../../tests/support/key.pem");
const TOKEN: &str = "a-value-that-nobody-must-see";

const GRANTS: &str = "
http:
  - {origin: 'http://server.test:PORT', allowPlaintext: true, allowPrivate: true}
  - {origin: 'http://other.test:PORT', allowPlaintext: true, allowPrivate: true}
secrets:
  - {names: [token, key, broken], keys: ['*'], origins: ['http://server.test:PORT']}
  - {names: [hook, broken], keys: ['*'], origins: ['http://server.test:PORT'], bodyMembers: [/config/secret, /a~1b/0]}
";

struct Stage {
    outside: Outside,
    vault: Vault,
    reads: Arc<Reads>,
    api: Api,
}

impl Stage {
    async fn new() -> Self {
        let outside = Outside::new(GRANTS).await;
        let api = Api::default()
            .with_secret("team-a", "token", "token", &format!("{TOKEN}\n"))
            .with_secret("team-a", "key", "key", KEY)
            .with_secret("team-a", "broken", "lines", "two\nlines")
            .with_secret("team-a", "hook", "secret", &format!("{TOKEN}\n"))
            .with_secret("team-b", "token", "token", "of another namespace");
        let cluster = api.cluster();
        let watches = Watches::new(cluster.clone(), CancellationToken::new());
        let reads = Arc::new(Reads::default());
        let vault = Vault {
            egress: outside.egress("test"),
            granted: Arc::clone(&outside.granted),
            cluster,
            watches,
            reads: Arc::clone(&reads),
            home: Some("team-a".into()),
        };
        Self { outside, vault, reads, api }
    }

    async fn open(&self, name: &str, key: &str, scheme: Scheme) -> Result<Handle, Error> {
        let key = SecretKey { namespace: None, name: name.to_owned(), key: key.to_owned() };
        self.vault.open(key, scheme).await.map(Arc::new)
    }

    async fn get(&self, path: &str, credential: &Handle) -> Result<Response, HttpError> {
        let request = self.outside.request(path);
        self.outside.access().fetch(request, Some(Arc::clone(credential)), None).await.unwrap()
    }

    /// The server says in its answer what it was sent.
    async fn send(&self, method: &str, body: &str, secret: &Handle) -> Result<String, HttpError> {
        let body = Some(body.as_bytes().to_vec());
        let request = Request { method: method.to_owned(), body, ..self.outside.request("/") };
        let answer = self.outside.access().fetch(request, None, Some(Arc::clone(secret))).await.unwrap();
        answer.map(|answer| String::from_utf8(answer.body).unwrap().replace("said: ", ""))
    }

    /// What the server was sent in this header the last time.
    fn last(&self, header: &str) -> String {
        self.outside.server.seen().last().unwrap().header(header).unwrap_or_default().to_owned()
    }

    fn exchange(&self, path: &str) -> Scheme {
        Scheme::SignedExchange(Exchange {
            claims: claims_of("17"),
            url: format!("http://server.test:{}{path}", self.outside.server.port()),
            body: None,
            token_field: "token".to_owned(),
            expiry_field: "expires_at".to_owned(),
        })
    }
}

fn claims_of(issuer: &str) -> Claims {
    Claims { issuer: issuer.to_owned(), subject: None, audience: None, lifetime_s: 540 }
}

fn name(error: Result<Handle, Error>) -> &'static str {
    match error.map(|_| ()).unwrap_err() {
        Error::NotFound(_) => "NotFound",
        Error::Denied(_) => "Denied",
        Error::Invalid(_) => "Invalid",
        Error::Unavailable(_) => "Unavailable",
    }
}

#[tokio::test]
async fn each_scheme_fills_its_header() {
    let stage = Stage::new().await;
    for (scheme, header, expected) in [
        (Scheme::Bearer, "authorization", format!("Bearer {TOKEN}")),
        (Scheme::Authorization("token".into()), "authorization", format!("token {TOKEN}")),
        (Scheme::Header("X-Api-Key".into()), "x-api-key", TOKEN.to_owned()),
        (Scheme::Basic("me".into()), "authorization", "Basic bWU6YS12YWx1ZS10aGF0LW5vYm9keS1tdXN0LXNlZQ==".to_owned()),
    ] {
        let credential = stage.open("token", "token", scheme).await.unwrap();
        assert_eq!(stage.get("/", &credential).await.unwrap().status, 200);
        assert_eq!(stage.last(header), expected);
    }
}

#[tokio::test]
async fn a_secret_goes_only_where_it_is_granted_for() {
    let stage = Stage::new().await;
    let credential = stage.open("token", "token", Scheme::Bearer).await.unwrap();
    let request = stage.outside.request_to("other.test", "/");
    let answer = stage.outside.access().fetch(request, Some(credential), None).await.unwrap();
    assert!(matches!(answer, Err(HttpError::Denied(_))), "{answer:?}");
    let mut elsewhere = stage.exchange("/exchange");
    if let Scheme::SignedExchange(exchange) = &mut elsewhere {
        exchange.url = exchange.url.replace("server.test", "other.test");
    }
    assert_eq!(name(stage.open("key", "key", elsewhere).await), "Denied");
    assert!(stage.outside.server.seen().is_empty());
}

fn member(pointer: &str) -> Scheme {
    Scheme::BodyMember(pointer.to_owned())
}

#[tokio::test]
async fn a_version_is_that_of_the_secret() {
    let stage = Stage::new().await;
    let first = stage.open("hook", "secret", member("/config/secret")).await.unwrap();
    assert_eq!(first.version(), "1");
    let other = Stage::new().await.open("hook", "secret", member("/config/secret")).await.unwrap();
    assert_eq!(first.version(), other.version(), "it is the same in every process");
}

#[tokio::test]
async fn what_is_not_granted_is_not_even_read() {
    let stage = Stage::new().await;
    assert_eq!(name(stage.open("other", "token", Scheme::Bearer).await), "Denied");
    let elsewhere = SecretKey { namespace: Some("team-b".into()), name: "token".into(), key: "token".into() };
    assert_eq!(name(stage.vault.open(elsewhere, Scheme::Bearer).await.map(Arc::new)), "Denied");
    assert!(stage.api.requests().is_empty());
    assert!(stage.reads.take().is_empty());
}

#[tokio::test]
async fn names_cannot_lead_elsewhere() {
    let stage = Stage::new().await;
    for bad in ["", ".", "..", "../configmaps/a", "a/b", "a%2fb", "a b"] {
        assert_eq!(name(stage.open(bad, "token", Scheme::Bearer).await), "Invalid", "{bad}");
        assert_eq!(name(stage.open("token", bad, Scheme::Bearer).await), "Invalid", "{bad}");
    }
    assert!(stage.api.requests().is_empty());
}

#[tokio::test]
async fn a_read_secret_wakes_its_reader_also_if_it_is_missing() {
    let stage = Stage::new().await;
    stage.open("token", "token", Scheme::Bearer).await.unwrap();
    assert_eq!(name(stage.open("broken", "absent", Scheme::Bearer).await), "NotFound");
    assert_eq!(name(stage.open("key", "key", Scheme::Bearer).await), "Invalid");
    let kind = GroupVersionKind::gvk("", "v1", "Secret");
    let read = |name: &str| Read::Object(ObjectRef { kind: kind.clone(), key: ObjectKey::namespaced("team-a", name) });
    let reads = stage.reads.take();
    assert_eq!(reads[&read("token")], Seen::Version("1".into()));
    assert_eq!(reads.len(), 3);
}

#[tokio::test]
async fn values_that_fit_no_header_are_refused_without_being_shown() {
    let stage = Stage::new().await;
    let refused = |opened: Result<Handle, Error>| match opened {
        Err(Error::Invalid(text)) => text,
        other => panic!("{:?}", other.map(|_| ())),
    };
    let text = refused(stage.open("broken", "lines", Scheme::Bearer).await);
    assert!(text.contains("line breaks") && !text.contains("two"), "{text}");
    for scheme in [Scheme::Signed(claims_of("17")), stage.exchange("/exchange")] {
        let text = refused(stage.open("token", "token", scheme).await);
        assert!(text.contains("PEM") && !text.contains(TOKEN), "{text}");
    }
    for scheme in [
        Scheme::Header("host".into()),
        Scheme::Header("a b".into()),
        Scheme::Authorization("two words".into()),
        Scheme::Basic("a:b".into()),
        Scheme::Signed(Claims { lifetime_s: 3601, ..claims_of("17") }),
        Scheme::Signed(Claims { lifetime_s: 0, ..claims_of("17") }),
    ] {
        refused(stage.open("token", "token", scheme).await);
    }
}

#[tokio::test]
async fn a_header_is_given_once() {
    let stage = Stage::new().await;
    let credential = stage.open("token", "token", Scheme::Bearer).await.unwrap();
    let mut request = stage.outside.request("/");
    request.headers.push(("Authorization".into(), "Bearer own".into()));
    let answer = stage.outside.access().fetch(request, Some(credential), None).await.unwrap();
    assert!(matches!(answer, Err(HttpError::InvalidRequest(_))), "{answer:?}");
}

#[tokio::test]
async fn fingerprints_tell_values_and_schemes_apart_and_processes_too() {
    let stage = Stage::new().await;
    let fingerprint = async |scheme| stage.open("token", "token", scheme).await.unwrap().fingerprint().to_string();
    let bearer = fingerprint(Scheme::Bearer).await;
    assert_eq!(bearer, fingerprint(Scheme::Bearer).await);
    assert_ne!(bearer, fingerprint(Scheme::Basic("me".into())).await);
    let other = Stage::new().await.open("token", "token", Scheme::Bearer).await.unwrap().fingerprint().to_string();
    assert_ne!(bearer, other, "each process has a key of its own");
}

#[tokio::test]
async fn limits_are_those_of_the_credential_in_every_provider() {
    let stage = Stage::new().await;
    let credential = stage.open("token", "token", Scheme::Bearer).await.unwrap();
    stage.get("/limited", &credential).await.unwrap_err();
    let other = stage.outside.egress("another-provider");
    let answer = Outside::access_of(&other).fetch(stage.outside.request("/"), Some(credential), None).await.unwrap();
    assert!(matches!(answer, Err(HttpError::RateLimited(_))), "{answer:?}");
    let own = stage.open("token", "token", Scheme::Basic("me".into())).await.unwrap();
    assert_eq!(stage.get("/", &own).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_cached_answer_is_not_given_to_another_credential() {
    let stage = Stage::new().await;
    let one = stage.open("token", "token", Scheme::Bearer).await.unwrap();
    let other = stage.open("token", "token", Scheme::Basic("me".into())).await.unwrap();
    stage.get("/etag", &one).await.unwrap();
    assert!(stage.get("/etag", &one).await.unwrap().from_cache);
    assert!(!stage.get("/etag", &other).await.unwrap().from_cache);
    assert_eq!(stage.last("if-none-match"), "", "nor is the server asked whether it still holds");
}

/// Keeps all that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_value_is_ever_logged_or_told() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    // While there is just one, tracing asks only the thread that comes to a line first whether anybody listens: another test's.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let _logging = tracing::subscriber::set_default(subscriber);
    let stage = Stage::new().await;
    let mut told = Vec::new();
    for scheme in [Scheme::Bearer, Scheme::Basic("me".into()), Scheme::Header("x-key".into())] {
        let credential = stage.open("token", "token", scheme).await.unwrap();
        for path in ["/", "/limited", "/headers", "/redirect"] {
            let answer = stage.get(path, &credential).await;
            told.push(format!("{answer:?}"));
        }
        let elsewhere = stage.outside.request_to("other.test", "/");
        let refused = stage.outside.access().fetch(elsewhere, Some(credential), None).await.unwrap();
        told.push(format!("{refused:?}"));
    }
    let hook = stage.open("hook", "secret", member("/config/secret")).await.unwrap();
    for (method, body) in [("GET", "{}"), ("POST", "{}"), ("POST", r#"{"config": {"secret": "x"}}"#)] {
        told.push(format!("{:?}", stage.send(method, body, &hook).await));
    }
    let body = Some(br#"{"config": {"secret": null}}"#.to_vec());
    let request = Request { method: "POST".to_owned(), body, ..stage.outside.request("/forbidden") };
    told.push(format!("{:?}", stage.outside.access().fetch(request, None, Some(hook)).await.unwrap()));
    for scheme in [
        stage.exchange("/exchange"),
        stage.exchange("/no-token"),
        stage.exchange("/echo"),
        Scheme::Signed(claims_of("17")),
    ] {
        let credential = stage.open("key", "key", scheme).await.unwrap();
        told.push(format!("{:?}", stage.get("/redirect", &credential).await));
    }
    let told = told.concat();
    let logged = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(logged.contains("wait"), "something was logged: {logged}");
    let sent: Vec<String> = stage
        .outside
        .server
        .seen()
        .iter()
        .filter_map(|seen| {
            seen.header("authorization").map(|value| value.rsplit(' ').next().unwrap_or_default().to_owned())
        })
        .chain([TOKEN.to_owned(), "exchanged-".to_owned()])
        .collect();
    assert!(sent.len() > 5);
    for value in sent {
        assert!(!logged.contains(&value), "{value} is logged");
        assert!(!told.contains(&value), "{value} is told: {told}");
    }
}
