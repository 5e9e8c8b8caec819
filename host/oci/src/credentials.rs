//! Who we are to a registry, as Docker's configuration file says it. Pull secrets of Kubernetes hold the same file.

use std::{collections::BTreeMap, fmt};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use zeroize::{Zeroize, Zeroizing};

use crate::Reference;

/// The key of Docker Hub in these files, whatever its registry is called.
const HUB_KEY: &str = "index.docker.io";
const HUB: &str = "docker.io";

/// A name and a password, or a token in its place. Not shown.
#[derive(Clone)]
pub struct Credentials {
    username: String,
    password: Zeroizing<String>,
}

/// A `.dockerconfigjson` or `~/.docker/config.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DockerConfig {
    auths: BTreeMap<String, Entry>,
    creds_store: Option<String>,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: Hidden,
    username: String,
    password: Hidden,
    identitytoken: Hidden,
}

/// Gone when it is dropped.
#[derive(Default, Deserialize)]
#[serde(transparent)]
struct Hidden(String);

impl Drop for Hidden {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The file, or what it says of one registry, is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// Not the file that it should be. Nothing of its content is told.
    #[error("it is no Docker configuration: JSON with `auths` is expected (line {line}, column {column})")]
    NoConfig {
        /// Where that shows.
        line: usize,
        /// Where that shows.
        column: usize,
    },
    /// `auth` is base64 of `name:password`.
    #[error("`auth` of {0} is not base64 of name:password")]
    Auth(String),
    /// Only a browser could use it up to now.
    #[error(
        "it has an identity token for {0}, which is not supported: use a name with a password, or with an access token"
    )]
    IdentityToken(String),
}

impl Credentials {
    /// For HTTP's basic scheme.
    #[must_use]
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self { username: username.into(), password: Zeroizing::new(password.into()) }
    }

    /// `Basic ...`
    pub(crate) fn basic(&self) -> Zeroizing<String> {
        let both = Zeroizing::new(format!("{}:{}", self.username, *self.password));
        Zeroizing::new(format!("Basic {}", STANDARD.encode(both.as_bytes())))
    }
}

impl DockerConfig {
    /// Reads one. Members that say nothing about credentials are ignored.
    pub fn parse(text: &[u8]) -> Result<Self, CredentialsError> {
        // The parser's own words may quote a secret.
        serde_json::from_slice(text)
            .map_err(|error| CredentialsError::NoConfig { line: error.line(), column: error.column() })
    }

    /// What it says of the registry, or best of the repository: the longest key that leads to it counts.
    pub fn credentials(&self, of: &Reference) -> Result<Option<Credentials>, CredentialsError> {
        let fitting = self.auths.iter().filter_map(|(key, entry)| Some((fit(key, of)?, key, entry)));
        match fitting.max_by_key(|(length, ..)| *length) {
            None => Ok(None),
            Some((_, key, entry)) => entry.credentials(key),
        }
    }

    /// The program `docker-credential-NAME` that keeps the registry's credentials, and the key it knows them by.
    #[must_use]
    pub fn helper(&self, of: &Reference) -> Option<(&str, String)> {
        let of_its_own = self.cred_helpers.iter().find(|(key, _)| fit(key, of).is_some());
        let name = of_its_own.map(|(_, name)| name).or(self.creds_store.as_ref())?;
        let key = if of.registry() == HUB { format!("https://{HUB_KEY}/v1/") } else { of.registry().to_owned() };
        Some((name, key))
    }
}

impl Entry {
    fn credentials(&self, key: &str) -> Result<Option<Credentials>, CredentialsError> {
        if !self.username.is_empty() || !self.password.0.is_empty() {
            return Ok(Some(Credentials::new(self.username.clone(), self.password.0.as_str())));
        }
        if !self.identitytoken.0.is_empty() {
            return Err(CredentialsError::IdentityToken(key.to_owned()));
        }
        if self.auth.0.is_empty() {
            // What `docker login` leaves where a helper keeps the rest.
            return Ok(None);
        }
        let invalid = || CredentialsError::Auth(key.to_owned());
        let decoded = Zeroizing::new(STANDARD.decode(self.auth.0.as_bytes()).map_err(|_| invalid())?);
        let text = std::str::from_utf8(&decoded).map_err(|_| invalid())?;
        let (username, password) = text.split_once(':').ok_or_else(invalid)?;
        // Docker writes a zero byte at the end of some.
        Ok(Some(Credentials::new(username, password.trim_end_matches('\0'))))
    }
}

/// How many bytes of a key lead to an artifact; `None` if it leads elsewhere. `registry.example.org`, `registry.example.org/team`,
/// `https://registry.example.org/v1/`.
fn fit(key: &str, of: &Reference) -> Option<usize> {
    let bare = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let (host, path) = bare.split_once('/').unwrap_or((bare, ""));
    let host = if host == HUB_KEY { HUB } else { host };
    if !host.eq_ignore_ascii_case(of.registry()) {
        return None;
    }
    let path = path.trim_end_matches('/');
    // Versions of the protocol, which old keys end with.
    if path.is_empty() || path == "v1" || path == "v2" {
        return Some(host.len());
    }
    let rest = of.repository().strip_prefix(path)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(host.len() + path.len())
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(text: &str) -> Reference {
        text.parse().unwrap()
    }

    fn basic(config: &str, of: &str) -> Option<String> {
        let found = DockerConfig::parse(config.as_bytes()).unwrap().credentials(&reference(of)).unwrap()?;
        let basic = found.basic();
        Some(String::from_utf8(STANDARD.decode(basic.strip_prefix("Basic ").unwrap()).unwrap()).unwrap())
    }

    #[test]
    fn the_longest_key_that_leads_there_counts() {
        let config = r#"{"auths": {
            "r.io": {"auth": "YTox"},
            "r.io/team": {"username": "b", "password": "2"},
            "r.io/team/patch": {"auth": "Yzoz"},
            "https://old.io/v1/": {"auth": "ZDo0"},
            "https://index.docker.io/v1/": {"auth": "ZTo1"},
            "r.io:5000": {"auth": "Zjo2"}
        }, "HttpHeaders": {"a": "b"}}"#;
        for (of, expected) in [
            ("r.io/other:1", Some("a:1")),
            ("r.io/team/x:1", Some("b:2")),
            ("r.io/team/patch:1", Some("c:3")),
            ("r.io/teams/x:1", Some("a:1")),
            ("old.io/x:1", Some("d:4")),
            ("docker.io/library/x:1", Some("e:5")),
            ("r.io:5000/x:1", Some("f:6")),
            ("r.io:5001/x:1", None),
            ("other.r.io/x:1", None),
        ] {
            assert_eq!(basic(config, of).as_deref(), expected, "{of}");
        }
    }

    #[test]
    fn helpers_are_named_and_leave_empty_entries() {
        let config = r#"{"auths": {"r.io": {}}, "credsStore": "all", "credHelpers": {"q.io": "one"}}"#;
        assert_eq!(basic(config, "r.io/x:1"), None);
        let config = DockerConfig::parse(config.as_bytes()).unwrap();
        assert_eq!(config.helper(&reference("q.io/x:1")), Some(("one", "q.io".to_owned())));
        assert_eq!(config.helper(&reference("r.io/x:1")), Some(("all", "r.io".to_owned())));
        let hub = config.helper(&reference("docker.io/library/x:1")).unwrap();
        assert_eq!(hub.1, "https://index.docker.io/v1/");
        assert!(DockerConfig::default().helper(&reference("r.io/x:1")).is_none());
    }

    #[test]
    fn what_is_of_no_use_says_why_and_shows_no_secret() {
        let error = DockerConfig::parse(br#"{"auths": {"r.io": {"auth": hunter2}}}"#).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        let ask = |entry: &str| {
            let config = format!(r#"{{"auths": {{"r.io": {entry}}}}}"#);
            DockerConfig::parse(config.as_bytes()).unwrap().credentials(&reference("r.io/x:1")).unwrap_err()
        };
        assert_eq!(ask(r#"{"auth": "!"}"#), CredentialsError::Auth("r.io".to_owned()));
        assert_eq!(ask(r#"{"auth": "bm9jb2xvbg=="}"#), CredentialsError::Auth("r.io".to_owned()));
        assert_eq!(ask(r#"{"identitytoken": "hunter2"}"#), CredentialsError::IdentityToken("r.io".to_owned()));
        let config = DockerConfig::parse(br#"{"auths": {"r.io": {"username": "u", "password": "hunter2"}}}"#).unwrap();
        let credentials = config.credentials(&reference("r.io/x:1")).unwrap();
        assert!(!format!("{config:?} {credentials:?}").contains("hunter2"));
    }
}
