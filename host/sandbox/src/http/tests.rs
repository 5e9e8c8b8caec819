//! Requests of a session against a server on loopback.

mod connections;
mod fence;
mod quota;
mod unanswered;

use std::{sync::Arc, time::Duration};

use capstan_api::Grants;
use capstan_cluster::Fence;
use http::Uri;

use super::{Access, Egress, Exhausted, Network, NetworkError, NetworkSettings};
use crate::{
    Descriptor, Granted,
    bindings::capstan::provider::http::{Error, Request, Response},
    counts::Counters,
    support::server::{LARGE, Names, Server},
};

/// A server, and a way out that leads there.
pub(crate) struct Stage {
    pub(crate) server: Server,
    pub(crate) network: Network,
    pub(crate) granted: Arc<Granted>,
    pub(crate) counters: Arc<Counters>,
    /// Of the provider's lease.
    pub(crate) fence: Option<Fence>,
}

impl Stage {
    /// `PORT` in the grants is that of the server.
    pub(crate) async fn new(grants: &str) -> Self {
        let server = Server::start().await;
        let grants = Grants::parse(&grants.replace("PORT", &server.port().to_string())).unwrap();
        let any = "namespace: '*', names: ['*'], keys: ['*'], origins: ['*']";
        let members = "bodyMembers: [/config/secret, /a~1b/0]";
        let needs = format!("http: [{{origin: '*'}}]\nsecrets: [{{{any}}}, {{{any}, {members}}}]");
        let descriptor = Descriptor {
            name: "test".into(),
            version: "1.0.0".into(),
            kinds: Vec::new(),
            needs: Grants::parse_needs(&needs).unwrap(),
            config_schema: None,
        };
        let network = Network::resolving(NetworkSettings::default(), Arc::new(Names)).unwrap();
        Self {
            server,
            network,
            granted: Arc::new(Granted::new(&descriptor, &grants)),
            counters: Arc::default(),
            fence: None,
        }
    }

    pub(crate) fn egress(&self, provider: &str) -> Arc<Egress> {
        let (granted, counters) = (Arc::clone(&self.granted), Arc::clone(&self.counters));
        Arc::new(Egress::new(self.network.clone(), granted, provider.into(), counters).fenced(self.fence.clone()))
    }

    pub(crate) fn access(&self) -> Access {
        Self::access_of(&self.egress("test"))
    }

    pub(crate) fn access_of(egress: &Arc<Egress>) -> Access {
        Access::new(Arc::clone(egress), Duration::from_secs(10), 100, 64 << 20)
    }

    pub(crate) fn request(&self, path: &str) -> Request {
        self.request_to("server.test", path)
    }

    pub(crate) fn request_to(&self, host: &str, path: &str) -> Request {
        Request {
            method: "GET".to_owned(),
            url: format!("http://{host}:{}{path}", self.server.port()),
            headers: Vec::new(),
            body: None,
            timeout_ms: Some(5000),
            auth: None,
            body_secret: None,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Response, Error> {
        self.access().fetch(self.request(path), None, None).await.unwrap()
    }
}

pub(crate) const OPEN: &str = "http: [{origin: 'http://server.test:PORT', allowPlaintext: true, allowPrivate: true}]";

pub(crate) fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}

#[tokio::test]
async fn a_request_arrives_as_it_was_meant_and_its_answer_comes_back() {
    let stage = Stage::new(OPEN).await;
    let request = Request {
        method: "POST".to_owned(),
        headers: vec![("X-Own".to_owned(), "yes".to_owned())],
        body: Some(b"something".to_vec()),
        ..stage.request("/things?a=b")
    };
    let answer = stage.access().fetch(request, None, None).await.unwrap().unwrap();
    assert_eq!((answer.status, answer.body.as_slice(), answer.from_cache), (200, &b"said: something"[..], false));
    assert_eq!(header(&answer, "x-hop"), Some("seen"));
    assert_eq!(header(&answer, "connection"), None, "the connection is the host's");
    let seen = stage.server.seen().remove(0);
    assert_eq!(seen.path, "/things?a=b");
    assert_eq!(seen.header("x-own"), Some("yes"));
    assert_eq!(seen.header("host"), Some(&*format!("server.test:{}", stage.server.port())));
    assert!(seen.header("user-agent").unwrap().contains("(test)"));
    assert_eq!(stage.counters.read().http_requests, 1);
}

#[tokio::test]
async fn addresses_are_checked_whatever_the_name() {
    let rules = ["mixed.test", "rebound.test", "nowhere.test", "127.0.0.1", "[::1]", "[::ffff:7f00:1]", "localhost"]
        .map(|host| format!("{{origin: 'http://{host}:PORT', allowPlaintext: true}}"));
    let stage = Stage::new(&format!("http: [{}]", rules.join(", "))).await;
    for host in
        ["mixed.test", "rebound.test", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost", "0x7f.1", "2130706433"]
    {
        let answer = stage.access().fetch(stage.request_to(host, "/"), None, None).await.unwrap();
        assert!(matches!(&answer, Err(Error::Denied(text)) if text.contains("allowPrivate")), "{host}: {answer:?}");
    }
    let answer = stage.access().fetch(stage.request_to("nowhere.test", "/"), None, None).await.unwrap();
    assert!(matches!(&answer, Err(Error::Unreachable(text)) if text.contains("no address")), "{answer:?}");
    assert!(stage.server.seen().is_empty());
    assert_eq!(stage.counters.read().denied, 8);
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let stage = Stage::new(OPEN).await;
    let answer = stage.get("/redirect").await.unwrap();
    assert_eq!((answer.status, header(&answer, "location")), (302, Some("http://169.254.169.254/latest/")));
    assert_eq!(stage.server.seen().len(), 1);
}

#[tokio::test]
async fn bodies_are_unpacked_within_bounds() {
    let stage = Stage::new(OPEN).await;
    let answer = stage.get("/gzip").await.unwrap();
    assert_eq!((answer.body.as_slice(), header(&answer, "content-encoding")), (&b"unpacked"[..], None));
    assert!(matches!(stage.get("/bomb").await, Err(Error::TooLarge(4_194_304))));
    assert!(matches!(stage.get("/endless").await, Err(Error::TooLarge(4_194_304))));
    assert!(matches!(stage.get("/headers").await, Err(Error::TooLarge(65_536))));
    let torn = stage.get("/torn").await;
    assert!(matches!(&torn, Err(Error::Unreachable(_))), "{torn:?}");
}

#[tokio::test]
async fn an_answer_that_does_not_end_is_given_up() {
    let stage = Stage::new(OPEN).await;
    let request = Request { timeout_ms: Some(50), ..stage.request("/slow") };
    assert!(matches!(stage.access().fetch(request, None, None).await, Ok(Err(Error::TimedOut))));
}

#[tokio::test]
async fn requests_and_bytes_of_a_session_are_counted() {
    let stage = Stage::new(OPEN).await;
    let mut access = Access::new(stage.egress("test"), Duration::from_secs(10), 2, 64 << 20);
    for _ in 0..2 {
        access.fetch(stage.request("/"), None, None).await.unwrap().unwrap();
    }
    assert_eq!(access.fetch(stage.request("/"), None, None).await.unwrap_err(), Exhausted::Requests(2));
    let limit = LARGE as u64 + 10;
    let mut access = Access::new(stage.egress("test"), Duration::from_secs(10), 10, limit);
    access.fetch(stage.request("/large"), None, None).await.unwrap().unwrap();
    assert_eq!(access.fetch(stage.request("/large"), None, None).await.unwrap_err(), Exhausted::Bytes(limit));
    let request = Request { body: Some(vec![0; 20]), ..stage.request("/") };
    assert_eq!(access.fetch(request, None, None).await.unwrap_err(), Exhausted::Bytes(limit));
}

#[tokio::test]
async fn what_did_not_change_comes_from_the_cache_even_to_another_build() {
    let stage = Stage::new(OPEN).await;
    let first_build = stage.egress("test");
    let first = Stage::access_of(&first_build).fetch(stage.request("/etag"), None, None).await.unwrap().unwrap();
    let second_build = stage.egress("test");
    drop(first_build);
    let again = Stage::access_of(&second_build).fetch(stage.request("/etag"), None, None).await.unwrap().unwrap();
    assert_eq!((first.from_cache, again.from_cache), (false, true));
    assert_eq!((again.status, &again.body), (200, &first.body));
    assert_eq!(header(&again, "x-left"), Some("4998"), "what is new in the answer counts");
    assert_eq!(stage.server.seen()[1].header("if-none-match"), Some("\"one\""));
    let other =
        Stage::access_of(&stage.egress("other")).fetch(stage.request("/etag"), None, None).await.unwrap().unwrap();
    assert!(!other.from_cache, "another provider");
    let accepting = Request { headers: vec![("accept".into(), "text/html".into())], ..stage.request("/etag") };
    let other = Stage::access_of(&second_build).fetch(accepting, None, None).await.unwrap().unwrap();
    assert!(!other.from_cache, "another question");
    let own = Request { headers: vec![("if-none-match".into(), "\"one\"".into())], ..stage.request("/etag") };
    let own = Stage::access_of(&second_build).fetch(own, None, None).await.unwrap().unwrap();
    assert_eq!((own.status, own.from_cache), (304, false), "who asks by himself is answered");
}

#[tokio::test]
async fn who_is_told_to_wait_sends_nothing_more() {
    let stage = Stage::new(OPEN).await;
    let rate_limited = |answer: Result<Response, Error>| match answer {
        Err(Error::RateLimited(limit)) => limit,
        other => panic!("{other:?}"),
    };
    let told = rate_limited(stage.get("/limited").await);
    assert!((30_000..=34_000).contains(&told.after_ms), "{told:?}");
    assert_eq!(told.message, "Too many. (https://docs.test/limits, request 12:AB)");
    let held = rate_limited(stage.get("/").await);
    assert_eq!(held.message, told.message, "who is held hears why");
    assert_eq!(stage.server.seen().len(), 1);
    assert_eq!(stage.counters.read().rate_limited, 2);
    let other = Stage::access_of(&stage.egress("other")).fetch(stage.request("/"), None, None).await.unwrap();
    assert_eq!(other.unwrap().status, 200, "another provider was told nothing");
    assert_eq!(stage.get("/forbidden").await.map(|answer| answer.status).ok(), None);
}

#[tokio::test]
async fn a_limit_that_no_header_speaks_of_holds_all_the_same() {
    let stage = Stage::new(OPEN).await;
    let told = stage.get("/secondary").await;
    assert!(matches!(&told, Err(Error::RateLimited(limit)) if (60_000..=66_000).contains(&limit.after_ms)), "{told:?}");
    let next = stage.get("/").await;
    assert!(
        matches!(&next, Err(Error::RateLimited(limit)) if limit.message.contains("secondary rate limit")),
        "{next:?}"
    );
    assert_eq!((stage.server.seen().len(), stage.counters.read().rate_limited), (1, 2));
}

#[tokio::test]
async fn requests_of_one_provider_go_a_few_at_a_time() {
    let stage = Stage::new(OPEN).await;
    let egress = stage.egress("test");
    let slow = |_| {
        let mut access = Stage::access_of(&egress);
        let request = stage.request("/slow");
        async move { access.fetch(request, None, None).await }
    };
    let all = futures::future::join_all((0..20).map(slow));
    // As long as the first are under way.
    assert!(tokio::time::timeout(Duration::from_millis(300), all).await.is_err());
    assert_eq!(stage.server.seen().len(), 8);
}

#[tokio::test]
async fn who_waits_for_a_turn_is_held_by_what_others_are_told_meanwhile() {
    let stage = Stage::new(OPEN).await;
    let egress = stage.egress("test");
    let limited = |_| {
        let mut access = Stage::access_of(&egress);
        let request = stage.request("/limited");
        async move { access.fetch(request, None, None).await }
    };
    let answers = futures::future::join_all((0..20).map(limited)).await;
    assert!(answers.iter().all(|answer| matches!(answer, Ok(Err(Error::RateLimited(_))))), "{answers:?}");
    let sent = stage.server.seen().len();
    assert!((1..=8).contains(&sent), "{sent} were sent, of which 8 may be under way");
}

#[tokio::test]
async fn a_proxy_is_the_only_way_if_there_is_one() {
    let stage = Stage::new(OPEN).await;
    // Nobody listens there, so that whatever arrives did not go through it.
    let proxy: Uri = "http://127.0.0.1:1".parse().unwrap();
    let settings = NetworkSettings { proxy: Some(proxy), ..NetworkSettings::default() };
    let stage = Stage { network: Network::resolving(settings, Arc::new(Names)).unwrap(), ..stage };
    let answer = stage.get("/").await;
    assert!(matches!(&answer, Err(Error::Unreachable(text)) if text.contains("proxy")), "{answer:?}");
    assert!(stage.server.seen().is_empty());
}

#[test]
fn settings_are_checked() {
    for proxy in ["https://proxy:3128", "proxy:3128", "http://proxy:3128/path"] {
        let settings = NetworkSettings { proxy: Some(proxy.parse().unwrap()), ..NetworkSettings::default() };
        assert!(matches!(Network::new(settings), Err(NetworkError::Proxy(_))), "{proxy}");
    }
    for bundle in ["nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let settings = NetworkSettings { ca_bundle: bundle.into(), ..NetworkSettings::default() };
        assert!(matches!(Network::new(settings), Err(NetworkError::CaBundle(_))), "{bundle}");
    }
}
