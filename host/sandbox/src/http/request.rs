//! Requests as a guest gives them: checked before anything is decided about them.

use std::time::Duration;

use bytes::Bytes;
use capstan_api::HttpMethod;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use percent_encoding::percent_decode_str;
use url::{Position, Url};

use super::error::Failed;
use crate::bindings::capstan::provider::http as wit;

/// Bytes of a URL; servers take eight thousand or so.
const URL: usize = 8 << 10;
/// Headers of one request.
const HEADERS: usize = 64;
/// Bytes of all of them.
const HEADER_BYTES: usize = 32 << 10;
/// Bytes of a body: what a guest hands over in one call has a limit that is twice as large.
pub(crate) const BODY: usize = 4 << 20;

/// Headers that say something about the connection or the way, which are the host's. The rest is between the guest and
/// the origin.
const OWN: [&str; 20] = [
    "accept-encoding",
    "alt-used",
    "connection",
    "content-length",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "max-forwards",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
];

/// A request that makes sense.
pub(crate) struct Checked {
    pub(crate) kind: HttpMethod,
    pub(crate) url: Url,
    pub(crate) uri: Uri,
    headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) timeout: Option<Duration>,
}

impl Checked {
    pub(crate) fn of(raw: &mut wit::Request) -> Result<Self, Failed> {
        let kind = HttpMethod::ALL.into_iter().find(|known| known.as_str() == raw.method);
        let kind = kind.ok_or_else(|| {
            let known: Vec<_> = HttpMethod::ALL.iter().map(|known| known.as_str()).collect();
            invalid(format!("`{}` is no method: {} are", shown(&raw.method), known.join(", ")))
        })?;
        let (url, uri) = target(&raw.url)?;
        let body = Bytes::from(raw.body.take().unwrap_or_default());
        if body.len() > BODY {
            return Err(Failed::TooLarge(BODY));
        }
        let headers = headers(&raw.headers)?;
        let timeout = raw.timeout_ms.map(|millis| Duration::from_millis(u64::from(millis)));
        Ok(Self { kind, url, uri, headers, body, timeout })
    }

    /// One of the host's own.
    pub(crate) fn post_json(url: &Url, body: String) -> Result<Self, Failed> {
        let (url, uri) = target(url.as_str())?;
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(http::header::ACCEPT, HeaderValue::from_static("application/json"));
        Ok(Self { kind: HttpMethod::Post, url, uri, headers, body: body.into(), timeout: None })
    }

    pub(crate) fn method(&self) -> Method {
        match self.kind {
            HttpMethod::Get => Method::GET,
            HttpMethod::Head => Method::HEAD,
            HttpMethod::Post => Method::POST,
            HttpMethod::Put => Method::PUT,
            HttpMethod::Patch => Method::PATCH,
            HttpMethod::Delete => Method::DELETE,
            HttpMethod::Options => Method::OPTIONS,
        }
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

/// A URL, and the same as it is sent.
pub(crate) fn target(text: &str) -> Result<(Url, Uri), Failed> {
    if text.len() > URL {
        return Err(Failed::TooLarge(URL));
    }
    let no_url = |problem: &str| invalid(format!("`{}` is no URL to send to: {problem}", shown(text)));
    if text.chars().any(|each| each.is_control() || each == ' ' || each == '\\') {
        return Err(no_url("there are blanks, backslashes or control characters in it"));
    }
    let mut url = Url::parse(text).map_err(|error| no_url(&error.to_string()))?;
    if !url.username().is_empty() || url.password().is_some() {
        // Not shown, here or below: there is a password in it.
        return Err(invalid("the URL has a user in it: use a credential".to_owned()));
    }
    // As it was written: the parser resolves what it understands, and a server may understand more.
    if leads_upward(text.split(['?', '#']).next().unwrap_or_default()) {
        return Err(no_url("its path has a segment `.` or `..`"));
    }
    if !matches!(url.scheme(), "http" | "https") {
        return Err(no_url("its scheme is neither http nor https"));
    }
    // A parser also takes what only looks like one, and finds a host in it somewhere: `https:a.b`, `https:///a.b`.
    let behind = text.get(url.scheme().len()..).and_then(|rest| rest.strip_prefix("://"));
    if behind.is_none_or(|host| host.starts_with('/')) {
        return Err(no_url("there is no host behind `://`"));
    }
    url.set_fragment(None);
    // And as it is sent: what the parser took away may have hidden one, as in `https://..:/`.
    if leads_upward(&url[..Position::AfterPath]) {
        return Err(no_url("its path has a segment `.` or `..`"));
    }
    let uri = url.as_str().parse().map_err(|_| no_url("it has characters that must be percent-encoded"))?;
    Ok((url, uri))
}

/// Whether a segment is `.` or `..`, however often it is encoded and whatever separates it.
fn leads_upward(path: &str) -> bool {
    let mut path = path.to_owned();
    // Each round takes away one layer; nobody means a name by more.
    for _ in 0..4 {
        // The first two are those of the scheme and in front of the host.
        if path.split(['/', '\\']).any(|segment| matches!(segment.split(';').next(), Some("." | ".."))) {
            return true;
        }
        let decoded = percent_decode_str(&path).decode_utf8_lossy().into_owned();
        if decoded == path {
            return false;
        }
        path = decoded;
    }
    // Encoded more often than anything is.
    true
}

fn headers(raw: &[(String, String)]) -> Result<HeaderMap, Failed> {
    let size: usize = raw.iter().map(|(name, value)| name.len() + value.len()).sum();
    if raw.len() > HEADERS || size > HEADER_BYTES {
        return Err(Failed::TooLarge(HEADER_BYTES));
    }
    let mut headers = HeaderMap::with_capacity(raw.len());
    for (name, value) in raw {
        let parsed = name.parse::<HeaderName>();
        let parsed = parsed.map_err(|_| invalid(format!("`{}` is no name of a header", shown(name))))?;
        if is_own(&parsed) {
            return Err(invalid(format!("the header {parsed} belongs to the host: leave it out")));
        }
        // The value is not shown: it may be a secret.
        let value = value.parse::<HeaderValue>();
        let value =
            value.map_err(|_| invalid(format!("the value of {parsed} has line breaks or control characters")))?;
        headers.append(parsed, value);
    }
    Ok(headers)
}

/// Whether a header is for the host alone to set.
pub(crate) fn is_own(name: &HeaderName) -> bool {
    OWN.contains(&name.as_str()) || name.as_str().starts_with("proxy-")
}

fn shown(text: &str) -> String {
    crate::text::cut(text, 256).escape_debug().to_string()
}

fn invalid(problem: String) -> Failed {
    Failed::Invalid(problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut wit::Request)) -> Result<Checked, Failed> {
        let mut raw = wit::Request {
            method: "GET".to_owned(),
            url: "https://api.example.org/things?x=1#part".to_owned(),
            headers: vec![("Accept".to_owned(), "text/plain".to_owned())],
            body: None,
            timeout_ms: None,
            auth: None,
            body_secret: None,
        };
        change(&mut raw);
        Checked::of(&mut raw)
    }

    fn header(name: &str, value: &str) -> Result<Checked, Failed> {
        with(|raw| raw.headers.push((name.to_owned(), value.to_owned())))
    }

    fn refused(checked: Result<Checked, Failed>, named: &str) {
        match checked {
            Err(Failed::Invalid(problem)) => assert!(problem.contains(named), "{named}: {problem}"),
            Err(other) => panic!("{other:?}"),
            Ok(checked) => panic!("{} was taken", checked.url),
        }
    }

    #[test]
    fn a_request_that_makes_sense_is_taken_without_its_fragment() {
        let checked = with(|_| {}).unwrap();
        assert_eq!(checked.uri, "https://api.example.org/things?x=1");
        assert_eq!(checked.headers()["accept"], "text/plain");
    }

    #[test]
    fn methods_are_those_of_the_list() {
        for method in ["CONNECT", "TRACE", "get", "", "GET / HTTP/1.1\r\nx: y"] {
            refused(with(|raw| raw.method = method.to_owned()), "is no method");
        }
    }

    #[test]
    fn headers_of_the_connection_belong_to_the_host() {
        for name in
            ["Host", "connection", "Content-Length", "TRANSFER-ENCODING", "accept-encoding", "Proxy-Anything", "te"]
        {
            refused(header(name, "x"), "belongs to the host");
        }
        assert!(header("authorization", "Bearer x").is_ok(), "what a guest has, it may send");
    }

    #[test]
    fn nothing_is_smuggled_into_headers() {
        for value in ["a\r\nhost: evil", "a\nb", "a\rb", "a\0b"] {
            refused(header("x-name", value), "line breaks");
        }
        for name in ["x: y\r\nhost", "x y", "", "x\n", "ä"] {
            refused(header(name, "x"), "no name of a header");
        }
    }

    #[test]
    fn urls_mean_what_they_say() {
        for url in [
            "https://a.b/x/../y",
            "https://a.b/x/%2e%2e/y",
            "https://a.b/x/%2E./y",
            "https://a.b/x%2f..%2fy",
            "https://a.b/x%252f%252e%252e%252fy",
            "https://a.b/.",
            "https://a.b/x/..;/y",
            "https://a.b/%25252525252e",
            "https://..:/x",
        ] {
            refused(with(|raw| raw.url = url.to_owned()), "segment");
        }
        for (url, named) in [
            ("https://a.b\\@evil/", "backslashes"),
            ("https://a.b/\r\nx", "control characters"),
            ("https://user:pass@a.b/", "a user in it"),
            ("ftp://a.b/", "neither http nor https"),
            ("file:///etc/passwd", "neither http nor https"),
            ("/relative", "no URL"),
            ("https://", "no URL"),
            ("https:a.b/x", "no host"),
            ("https:..//a.b/x", "no host"),
            ("https:///a.b/x", "no host"),
        ] {
            refused(with(|raw| raw.url = url.to_owned()), named);
        }
        for url in ["https://a.b/x%2Fy", "https://a.b/...", "https://a.b/a..b?c=../d", "https://a.b/100%25"] {
            assert!(with(|raw| raw.url = url.to_owned()).is_ok(), "{url}");
        }
    }

    #[test]
    fn sizes_are_bounded() {
        assert!(matches!(with(|raw| raw.body = Some(vec![0; BODY + 1])), Err(Failed::TooLarge(BODY))));
        assert!(matches!(with(|raw| raw.url += &"x".repeat(URL)), Err(Failed::TooLarge(URL))));
        assert!(matches!(header("x", &"y".repeat(HEADER_BYTES)), Err(Failed::TooLarge(HEADER_BYTES))));
        let many = vec![("x".to_owned(), "y".to_owned()); HEADERS + 1];
        assert!(matches!(with(|raw| raw.headers = many), Err(Failed::TooLarge(_))));
    }
}
