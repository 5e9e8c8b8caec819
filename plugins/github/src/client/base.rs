//! Addresses.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Error;

/// What stands for itself in a segment (RFC 3986, unreserved).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const PUBLIC: &str = "https://api.github.com";

/// Where the API is: `https://api.github.com`, or `https://ghe.example.org/api/v3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base(String);

impl Base {
    /// The address that a spec names, GitHub's own without one.
    pub fn parse(url: Option<&str>) -> Result<Self, Error> {
        let url = url.map_or(PUBLIC, str::trim).trim_end_matches('/');
        let url = if url.is_empty() { PUBLIC } else { url };
        if url.contains('@') {
            // Not shown: there may be a password in it.
            return Err(Error::InvalidSpec("apiUrl has a user in it: name a Secret in credentials".to_owned()));
        }
        let invalid = |why| Error::InvalidSpec(format!("apiUrl {url:?} {why}: https://host/prefix is wanted"));
        let (scheme, rest) = url.split_once("://").ok_or_else(|| invalid("is no address"))?;
        if !matches!(scheme, "https" | "http") {
            return Err(invalid("has a scheme that is neither https nor http"));
        }
        if rest.contains(['?', '#', '\\', '%']) || rest.chars().any(|each| each.is_whitespace() || each.is_control()) {
            return Err(invalid("has a query, a fragment or odd characters"));
        }
        let mut parts = rest.split('/');
        if parts.next().is_none_or(str::is_empty) || parts.any(|part| matches!(part, "" | "." | "..")) {
            return Err(invalid("has no host or an odd path"));
        }
        Ok(Self(plain(url).ok_or_else(|| invalid("is no address"))?))
    }

    /// The address itself, without a slash at the end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether an address leads to the same API.
    #[must_use]
    pub fn has(&self, url: &str) -> bool {
        self.same(url).is_ok()
    }

    /// The absolute address of a path.
    #[must_use]
    pub fn url(&self, path: &Path) -> String {
        format!("{}{path}", self.0)
    }

    /// An address that GitHub named, if it is below this one: the credential goes nowhere else.
    pub(super) fn same(&self, url: &str) -> Result<String, Error> {
        let named = plain(url).unwrap_or_default();
        let below = named.strip_prefix(&self.0).is_some_and(|rest| rest.starts_with('/'));
        let climbs =
            named.split(['?', '#']).next().unwrap_or_default().split('/').any(|part| matches!(part, "." | ".."));
        if below && !climbs {
            return Ok(named);
        }
        Err(Error::Unexpected(format!("the answer leads away from {} to {url:?}", self.0)))
    }

    /// An address as messages show it: the path without the query.
    pub(super) fn shown<'a>(&self, url: &'a str) -> &'a str {
        let path = url.strip_prefix(&self.0).unwrap_or(url);
        path.split('?').next().unwrap_or(path)
    }
}

/// An address as GitHub itself writes its own: the host in lower case, and no port that goes without saying.
fn plain(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = host.to_ascii_lowercase();
    let port = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    Some(format!("{scheme}://{}{path}", host.strip_suffix(port).unwrap_or(&host)))
}

/// A path of the API, of encoded segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    path: String,
    query: String,
}

impl Path {
    /// A path of these segments. A name that no account, repository or team can have is refused before anybody is asked:
    /// empty, `.`, `..`, or with a slash, a backslash or a control character in it.
    pub fn of(segments: &[&str]) -> Result<Self, Error> {
        let mut path = String::new();
        for segment in segments {
            let odd = segment.contains(['/', '\\']) || segment.chars().any(char::is_control);
            if odd || matches!(*segment, "" | "." | "..") {
                return Err(Error::InvalidSpec(format!("{segment:?} is no name at GitHub")));
            }
            path.push('/');
            path.extend(utf8_percent_encode(segment, ENCODED));
        }
        Ok(Self { path, query: String::new() })
    }

    /// With one more segment that is known to be well formed.
    #[must_use]
    pub fn join(mut self, segment: impl fmt::Display) -> Self {
        self.path.push('/');
        self.path.extend(utf8_percent_encode(&segment.to_string(), ENCODED));
        self
    }

    /// With one more parameter in the query.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push(if self.query.is_empty() { '?' } else { '&' });
        self.query.push_str(name);
        self.query.push('=');
        self.query.extend(utf8_percent_encode(value, ENCODED));
        self
    }
}

impl fmt::Display for Path {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}{}", self.path, self.query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_kept_and_a_slash_at_the_end_is_not() {
        let path = Path::of(&["repos", "a", "b"]).unwrap();
        assert_eq!(Base::parse(None).unwrap().url(&path), "https://api.github.com/repos/a/b");
        assert_eq!(Base::parse(Some("https://h:8443/api/v3/")).unwrap().url(&path), "https://h:8443/api/v3/repos/a/b");
        assert_eq!(Base::parse(Some("")).unwrap(), Base::parse(None).unwrap());
    }

    #[test]
    fn a_host_is_the_same_however_it_is_written() {
        let base = Base::parse(Some("https://GHE.example.org:443/api/v3")).unwrap();
        assert_eq!(base, Base::parse(Some("https://ghe.example.org/api/v3")).unwrap());
        for same in ["https://ghe.example.org/api/v3/user", "https://Ghe.example.org:443/api/v3/user"] {
            assert_eq!(base.same(same).unwrap(), "https://ghe.example.org/api/v3/user");
        }
        for away in ["https://ghe.example.org:8443/api/v3/user", "http://ghe.example.org:443/api/v3/user"] {
            assert!(!base.has(away), "{away}");
        }
        // Paths are what they are.
        assert!(!base.has("https://ghe.example.org/API/v3/user"));
        assert_eq!(Base::parse(Some("http://h:80")).unwrap().as_str(), "http://h");
        assert_eq!(Base::parse(Some("https://h:80")).unwrap().as_str(), "https://h:80");
    }

    #[test]
    fn odd_addresses_are_refused() {
        for odd in [
            "api.github.com",
            "ftp://h",
            "https://",
            "https://h?x=1",
            "https://h/../x",
            "https://h x",
            "https://h/%2e",
            "https://h\\x",
        ] {
            assert!(matches!(Base::parse(Some(odd)), Err(Error::InvalidSpec(_))), "{odd}");
        }
        let error = Base::parse(Some("https://u:hunter2@h")).unwrap_err().to_string();
        assert!(error.contains("has a user in it") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_name_stays_one_segment() {
        assert_eq!(Path::of(&["repos", "a b", "ä%?#"]).unwrap().to_string(), "/repos/a%20b/%C3%A4%25%3F%23");
        for odd in ["", ".", "..", "../../user", "a/b", "a\\b", "a\nb"] {
            assert!(matches!(Path::of(&["repos", odd]), Err(Error::InvalidSpec(_))), "{odd:?}");
        }
    }

    #[test]
    fn redirects_stay_below_the_base() {
        let base = Base::parse(Some("https://h/api/v3")).unwrap();
        assert!(base.same("https://h/api/v3/repositories/1").is_ok());
        for away in [
            "https://evil/api/v3/x",
            "https://h/api/v3x",
            "https://h/x",
            "https://h/api/v3/../x",
            "/repositories/1",
            "",
        ] {
            assert!(base.same(away).is_err(), "{away}");
        }
    }
}
