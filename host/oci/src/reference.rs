//! What names an artifact: `registry.example.org/providers/patch:1.0`, or the same with `@sha256:...`.

use std::{fmt, net::IpAddr, str::FromStr};

use url::{Host, Url};

use crate::{Digest, InvalidDigest};

/// Of a repository's name, by the distribution specification and what registries keep to; of a host, by that of the DNS.
const LONGEST_NAME: usize = 255;
const LONGEST_TAG: usize = 128;

/// The name by which people know Docker Hub, and the one where it answers.
const HUB: (&str, &str) = ("docker.io", "registry-1.docker.io");

/// An artifact in a registry. It has a tag, a digest or both; then the digest counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// A text that names no artifact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReference {
    /// Docker would take it for one of Docker Hub.
    #[error(
        "`{0}` names no registry: write registry.example.org/providers/patch:1.0, or docker.io/library/... for Docker Hub"
    )]
    NoRegistry(String),
    /// No host with an optional port.
    #[error("`{0}` is no registry: write the name of a host, with a port if it is not 443, and no scheme")]
    Registry(String),
    /// Not what registries take for a name.
    #[error(
        "`{0}` is no repository: use lower-case letters, digits and inner hyphens, dots and underscores between slashes"
    )]
    Repository(String),
    /// Not what registries take for a tag.
    #[error("`{0}` is no tag: use at most 128 letters, digits, underscores, dots and hyphens")]
    Tag(String),
    /// Neither is given. A tag that nobody wrote would be `latest`, which is rarely meant.
    #[error("`{0}` says neither which tag nor which digest: add :1.0 or @sha256:...")]
    NoVersion(String),
    /// Of another algorithm, or none.
    #[error(transparent)]
    Digest(#[from] InvalidDigest),
}

impl Reference {
    /// Host and port, as it was written.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The name within the registry.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// What may lead to something else tomorrow.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Of the manifest.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The same artifact by the digest of its manifest alone.
    #[must_use]
    pub fn pinned(&self, manifest: Digest) -> Self {
        Self { tag: None, digest: Some(manifest), ..self.clone() }
    }

    /// The digest, else the tag: what stands at the end of a manifest's URL.
    pub(crate) fn version(&self) -> &str {
        self.digest.as_ref().map(Digest::as_str).or(self.tag.as_deref()).unwrap_or_default()
    }

    /// Where the registry answers.
    pub(crate) fn origin(&self, scheme: &str) -> Result<Url, InvalidReference> {
        let (known, answers) = HUB;
        origin(scheme, if self.registry == known { answers } else { &self.registry })
    }
}

/// Whether a URL leads to this machine itself and nowhere else.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

fn origin(scheme: &str, registry: &str) -> Result<Url, InvalidReference> {
    let invalid = || InvalidReference::Registry(shown(registry));
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    if !registry.bytes().all(known) {
        return Err(invalid());
    }
    Url::parse(&format!("{scheme}://{registry}/")).map_err(|_| invalid())
}

impl FromStr for Reference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        if let Some((scheme, _)) = text.split_once("://") {
            return Err(InvalidReference::Registry(shown(&format!("{scheme}://"))));
        }
        let (named, digest) = match text.split_once('@') {
            Some((named, digest)) => (named, Some(digest.parse::<Digest>()?)),
            None => (text, None),
        };
        let (registry, path) = named.split_once('/').unwrap_or(("", named));
        // As everywhere: a first word without a dot or a port is no host.
        if !(registry.contains(['.', ':']) || registry == "localhost") {
            return Err(InvalidReference::NoRegistry(shown(text)));
        }
        if registry.len() > LONGEST_NAME {
            return Err(InvalidReference::Registry(shown(registry)));
        }
        origin("https", registry)?;
        let (repository, tag) = match path.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (path, None),
        };
        if repository.len() > LONGEST_NAME || !repository.split('/').all(is_component) {
            return Err(InvalidReference::Repository(shown(repository)));
        }
        if let Some(tag) = tag.filter(|tag| !is_tag(tag)) {
            return Err(InvalidReference::Tag(shown(tag)));
        }
        if tag.is_none() && digest.is_none() {
            return Err(InvalidReference::NoVersion(shown(text)));
        }
        let (registry, repository) = (registry.to_owned(), repository.to_owned());
        Ok(Self { registry, repository, tag: tag.map(str::to_owned), digest })
    }
}

/// What was written, in a message: one line that somebody can read.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect()
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(text: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_separator = |text: &str| matches!(text, "." | "_" | "__") || text.bytes().all(|byte| byte == b'-');
    let ends_well = text.starts_with(is_letter) && text.ends_with(is_letter);
    ends_well && text.split(is_letter).all(is_separator)
}

fn is_tag(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (1..=LONGEST_TAG).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with(['.', '-'])
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Reference, InvalidReference> {
        text.parse()
    }

    #[test]
    fn a_reference_is_registry_repository_and_version() {
        let digest = Digest::of(b"");
        let both = format!("registry.example.org:5000/team/a.b__c--d/patch:v1.0_x@{digest}");
        let reference = parse(&both).unwrap();
        assert_eq!(reference.registry(), "registry.example.org:5000");
        assert_eq!(reference.repository(), "team/a.b__c--d/patch");
        assert_eq!((reference.tag(), reference.digest()), (Some("v1.0_x"), Some(&digest)));
        assert_eq!(reference.version(), digest.as_str(), "the digest counts");
        assert_eq!(reference.to_string(), both);
        assert_eq!(reference.pinned(digest).tag(), None);
        for text in ["localhost/a:1", "127.0.0.1:5000/a:1", "[::1]:5000/a:1"] {
            let reference = parse(text).unwrap();
            assert_eq!(reference.to_string(), text);
            assert!(is_loopback(&reference.origin("http").unwrap()), "{text}");
        }
        assert!(!is_loopback(&parse("localhost.example.org/a:1").unwrap().origin("http").unwrap()));
    }

    #[test]
    fn docker_hub_answers_under_another_name() {
        let reference = parse("docker.io/library/patch:1").unwrap();
        assert_eq!(reference.origin("https").unwrap().as_str(), "https://registry-1.docker.io/");
    }

    #[test]
    fn what_is_wrong_with_a_reference_is_named() {
        let wrong = |text: &str| parse(text).unwrap_err();
        for text in ["patch", "patch:1", "team/patch:1", "/patch:1", ""] {
            assert!(matches!(wrong(text), InvalidReference::NoRegistry(_)), "{text}");
        }
        for text in ["http://r.io/patch:1", "oci://r.io/a:1", "a b.io/x:1", "r.io:70000/x:1", "r%2eio./x:1"] {
            assert!(matches!(wrong(text), InvalidReference::Registry(_)), "{text}");
        }
        assert!(matches!(wrong("user@r.io/x:1"), InvalidReference::Digest(_)));
        let long = format!("r.io/{}:1", "a".repeat(256));
        for text in
            ["r.io/Patch:1", "r.io/a//b:1", "r.io/-a:1", "r.io/a-:1", "r.io/a..b:1", "r.io/a___b:1", "r.io/:1", &long]
        {
            assert!(matches!(wrong(text), InvalidReference::Repository(_)), "{text}");
        }
        for text in ["r.io/a:", "r.io/a:.x", "r.io/a:x/y", "r.io/a:ä", &format!("r.io/a:{}", "x".repeat(129))] {
            assert!(matches!(wrong(text), InvalidReference::Tag(_)), "{text}");
        }
        assert!(matches!(wrong("r.io/a"), InvalidReference::NoVersion(_)));
        assert!(matches!(wrong("r.io/a@sha256:abc"), InvalidReference::Digest(_)));
    }
}
