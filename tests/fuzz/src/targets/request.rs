//! HTTP requests that a guest makes: the method, the URL, and headers, one a line.

use std::sync::LazyLock;

use capstan_api::{Grants, GroupVersionKind, HttpMethod, Origin};
use capstan_sandbox::{
    Descriptor, Granted, ManagedKind,
    boundary::{Checked, decide_http, request},
};
use percent_encoding::percent_decode_str;
use url::Url;

use super::is_fit_to_show;

pub(crate) const WORDS: &[&str] = &[
    "https://",
    "HTTPS://",
    "http://",
    "//",
    "/",
    "\\",
    "..",
    ".",
    "%2e",
    "%2E%2e",
    "%252e",
    "%2f",
    "%5c",
    "%00",
    ";",
    "?",
    "#",
    "@",
    ":443",
    ":80",
    ":0",
    ":",
    "user:pass@",
    "api.example.org",
    "API.example.ORG",
    "\u{ff41}pi.example.org",
    "api.example.org.",
    "[::1]",
    "[::ffff:7f00:1]",
    "127.1",
    "0x7f000001",
    "2130706433",
    "/repos",
    "/repos/",
    "host: evil",
    "transfer-encoding: chunked",
    "\r\n",
    "\t",
    "\u{a0}",
    "\u{ad}",
    "\u{202e}",
    "\u{3002}",
];

const HOST: &str = "api.example.org";
const PREFIX: &str = "/repos";
/// Bytes of a URL that can be written otherwise and still is none of those that are too long.
const LONGEST: usize = 1 << 10;

/// All that may be sent: `GET` and `PATCH` to one origin below one path.
static GRANTED: LazyLock<Granted> = LazyLock::new(|| {
    let needs = Grants::parse_needs("http: [{origin: '*'}]").expect("any origin may be asked for");
    let rule = format!("http: [{{origin: 'https://{HOST}', methods: [GET, PATCH], pathPrefix: {PREFIX}}}]");
    let grants = Grants::parse(&rule).expect("one origin may be granted");
    let kind = GroupVersionKind::gvk("test.capstan.dev", "v1", "Note");
    let descriptor = Descriptor {
        name: "note".to_owned(),
        version: "0.1.0".to_owned(),
        kinds: vec![ManagedKind { kind, definition: None, recoverable: false }],
        needs,
        config_schema: None,
    };
    Granted::new(&descriptor, &grants)
});

pub(crate) fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    // Not `lines`, which would take away what is to be tried.
    let mut lines = text.split('\n');
    let (Some(method), Some(url)) = (lines.next(), lines.next()) else { return };
    let header = |line: &str| {
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        (name.to_owned(), value.to_owned())
    };
    let headers: Vec<_> = lines.filter(|line| !line.is_empty()).map(header).collect();
    match request(method, url, headers.clone()) {
        Ok(checked) => {
            assert_eq!(checked.method.as_str(), method);
            is_one_request(&checked);
            headers_are_those(&checked, &headers);
            is_one_decision(&checked, url);
        }
        Err(problem) => {
            is_fit_to_show(&problem);
            // If it was refused for its headers, it says nothing about the URL.
            if headers.is_empty() {
                stays_refused(method, url);
            }
        }
    }
}

/// What is decided about is what is sent, and means one thing only.
fn is_one_request(checked: &Checked) {
    let Checked { url, uri, .. } = checked;
    assert_eq!(uri.scheme_str(), Some(url.scheme()));
    assert_eq!(uri.host(), url.host_str());
    assert_eq!(uri.port_u16(), url.port());
    assert_eq!(uri.path(), url.path());
    assert_eq!(uri.query(), url.query());
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none(), "{url}");
    let again = request("GET", url.as_str(), Vec::new()).expect("taken as it was written the first time");
    assert_eq!((&again.url, &again.uri), (url, uri));
    assert!(!climbs(url.path()), "{url} leads upward");
    if let Some(origin) = Origin::of(url) {
        assert_eq!(origin.to_string().parse::<Origin>().as_ref(), Ok(&origin));
    }
}

/// Whether there is a segment `.` or `..`, in whichever encoding.
fn climbs(path: &str) -> bool {
    let mut path = path.as_bytes().to_vec();
    loop {
        let mut segments = path.split(|byte| b"/\\".contains(byte));
        if segments.any(|segment| matches!(segment, b"." | b"..")) {
            return true;
        }
        let text = String::from_utf8_lossy(&path).into_owned();
        let decoded: Vec<u8> = percent_decode_str(&text).collect();
        if decoded == path || decoded.len() >= path.len() {
            return false;
        }
        path = decoded;
    }
}

fn headers_are_those(checked: &Checked, given: &[(String, String)]) {
    assert_eq!(checked.headers.len(), given.len());
    for (name, value) in &checked.headers {
        let one_line = !value.as_bytes().iter().any(|byte| byte.is_ascii_control() && *byte != b'\t');
        assert!(one_line, "{name}: {value:?}");
        let name = name.as_str();
        let own = ["host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "expect"];
        assert!(!own.contains(&name) && !name.starts_with("proxy-"), "{name} is the host's");
        let mut named = given.iter().filter(|(given, _)| given.eq_ignore_ascii_case(name));
        assert!(named.any(|(_, given)| given.as_bytes() == value.as_bytes()), "{name} has another value");
    }
}

/// A decision does not depend on how a URL is written.
fn is_one_decision(checked: &Checked, written: &str) {
    let Checked { method, url, .. } = checked;
    let decision = decide_http(&GRANTED, *method, url);
    let allowed = matches!(method, HttpMethod::Get | HttpMethod::Patch)
        && url.scheme() == "https"
        && url.host_str() == Some(HOST)
        && url.port_or_known_default() == Some(443)
        && url.path().strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    assert_eq!(decision.is_ok(), allowed, "{method:?} of {url}");
    if let Err(denied) = &decision {
        is_fit_to_show(denied);
    }
    let spelled = |text: &str| {
        let again = request(method.as_str(), text, Vec::new()).ok()?;
        Some((decide_http(&GRANTED, *method, &again.url).is_ok(), again.url))
    };
    // The same with the usual port, a fragment, and letters of another case where case means nothing.
    let same = (decision.is_ok(), url.clone());
    let fits = written.len() < LONGEST && url.port().is_none();
    if fits && let Some(host) = url.host_str() {
        let port = if url.scheme() == "https" { 443 } else { 80 };
        let rest = &url[url::Position::BeforePath..];
        let spelling = format!("{}://{}:{port}{rest}#part", url.scheme().to_uppercase(), host.to_uppercase());
        assert_eq!(spelled(&spelling), Some(same), "{spelling}");
    }
    if decision.is_err() {
        stays_refused(method.as_str(), written);
    }
}

/// What is refused is not to be had by encoding a letter of it.
fn stays_refused(method: &str, url: &str) {
    for spelling in encodings(url) {
        let allowed = request(method, &spelling, Vec::new())
            .is_ok_and(|checked| decide_http(&GRANTED, checked.method, &checked.url).is_ok());
        assert!(!allowed, "{spelling} is allowed, {url} is not");
    }
}

/// The URL with one character of its path percent-encoded, some times.
fn encodings(url: &str) -> impl Iterator<Item = String> {
    let path = Url::parse(url).ok().map_or(0, |parsed| parsed[..url::Position::BeforePath].len());
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let places = url.bytes().enumerate().skip(path).filter(move |(_, byte)| known(*byte)).map(|(place, _)| place);
    // A letter behind a percent sign is a part of an encoding.
    let inside = move |place: usize| url.as_bytes()[place.saturating_sub(2)..place].contains(&b'%');
    places.filter(move |place| !inside(*place)).take(32).map(move |place| {
        let byte = url.as_bytes()[place];
        format!("{}%{byte:02x}{}", &url[..place], &url[place + 1..])
    })
}
