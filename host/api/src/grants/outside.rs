//! Rules for what lies outside the cluster: requests, and the secrets that go with them.

use serde::{Deserialize, Serialize};

use super::{GrantError, Origins};

/// Requests to one origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpGrant {
    /// Scheme, host and port. In what a provider asks for, `"*"` is any.
    pub origin: Origins,
    /// Absent: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub methods: Option<Vec<HttpMethod>>,
    /// Whole segments at the beginning of the path: `/repos` covers `/repos` and `/repos/x`. Absent: every path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_prefix: Option<String>,
    /// The origin may have a private address: loopback, a local network, the cluster's own ranges. Those of the machine's
    /// link (169.254.0.0/16, which has the metadata services of clouds) and multicast never are reached.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_private: bool,
    /// The origin may be `http://`, where everybody on the way reads along, secrets included.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_plaintext: bool,
}

/// A method of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "they are those of HTTP")]
pub enum HttpMethod {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}

impl HttpMethod {
    /// All of them.
    pub const ALL: [Self; 7] = [Self::Get, Self::Head, Self::Post, Self::Put, Self::Patch, Self::Delete, Self::Options];

    /// As it stands in a request.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }
}

/// Secrets that are put into requests to these origins. The provider never sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretGrant {
    /// Absent: the namespace of the object being reconciled, and nothing for objects of cluster-scoped kinds. `"*"`: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// `"*"` any name.
    pub names: Vec<String>,
    /// Under `data`; `"*"` any key.
    pub keys: Vec<String>,
    /// Where the value may be sent. In what a provider asks for, `"*"` is anywhere.
    pub origins: Vec<Origins>,
    /// Absent: the value goes into headers. Present: into these members of JSON bodies, each a JSON pointer as in
    /// `/config/secret`, and into no header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_members: Option<Vec<String>>,
}

/// Which side a file is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// What an administrator grants.
    Granted,
    /// What a provider asks for.
    Asked,
}

pub(super) fn check_http(rules: &[HttpGrant], side: Side) -> Result<(), GrantError> {
    for (index, rule) in rules.iter().enumerate() {
        let wrong = |problem: String| GrantError::Rule { section: "http", rule: index + 1, problem };
        if rule.methods.as_ref().is_some_and(Vec::is_empty) {
            return Err(wrong("an empty list of methods: name at least one, or leave it out for all".to_owned()));
        }
        if let Some(prefix) = rule.path_prefix.as_ref().filter(|prefix| !is_path(prefix)) {
            return Err(wrong(format!(
                "`{prefix}` as pathPrefix: write an absolute path without `.`, `..`, `//`, `?`, `#` and `%`, as in /repos"
            )));
        }
        match &rule.origin {
            Origins::Any if side == Side::Granted => return Err(wrong(ANY.to_owned())),
            Origins::One(origin) if !origin.is_secure() && !rule.allow_plaintext => {
                return Err(wrong(format!(
                    "{origin} is not encrypted, so that everybody on the way reads along: write https://, or add \
                     `allowPlaintext: true` if that is meant"
                )));
            }
            _ => {}
        }
        // Connections are shared by all requests to an origin, so what they may lead to is said of the origin.
        let other = rules[..index].iter().find(|other| other.origin == rule.origin);
        if other.is_some_and(|other| other.allow_private != rule.allow_private) {
            return Err(wrong(format!(
                "{} with another allowPrivate than in a rule before: say the same in both",
                rule.origin
            )));
        }
    }
    Ok(())
}

pub(super) fn check_secrets(rules: &[SecretGrant], side: Side) -> Result<(), GrantError> {
    for (index, rule) in rules.iter().enumerate() {
        let wrong = |problem: String| GrantError::Rule { section: "secrets", rule: index + 1, problem };
        let lists =
            [("names", rule.names.is_empty()), ("keys", rule.keys.is_empty()), ("origins", rule.origins.is_empty())];
        if let Some((list, _)) = lists.into_iter().find(|(_, empty)| *empty) {
            return Err(wrong(format!("an empty list of {list}: name at least one, or remove the rule")));
        }
        if rule.body_members.as_ref().is_some_and(Vec::is_empty) {
            return Err(wrong(
                "an empty list of bodyMembers: name at least one, or leave it out for headers".to_owned(),
            ));
        }
        if let Some(member) = rule.body_members.iter().flatten().find(|member| !is_json_pointer(member)) {
            return Err(wrong(format!("`{member}` as one of bodyMembers: write a JSON pointer, as in /config/secret")));
        }
        if rule.namespace.as_ref().is_some_and(String::is_empty) {
            return Err(wrong("an empty namespace: leave it out for that of the object being reconciled".to_owned()));
        }
        if side == Side::Granted && rule.origins.contains(&Origins::Any) {
            return Err(wrong(ANY.to_owned()));
        }
    }
    Ok(())
}

const ANY: &str = "`*` as origin: a provider may ask for that, but what is granted must be named";

/// Whether a text is a JSON pointer (RFC 6901) to something below the whole document.
#[must_use]
pub fn is_json_pointer(text: &str) -> bool {
    let escaped = |segment: &str| segment.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    text.starts_with('/') && text.len() <= 256 && !text.chars().any(char::is_control) && escaped(text)
}

/// Such a path means the same to everybody.
fn is_path(path: &str) -> bool {
    let mut segments = path.split('/');
    segments.next() == Some("")
        && !path.contains("//")
        && !path.contains(['?', '#', '%', '\\'])
        && path.chars().all(|each| each.is_ascii_graphic())
        && segments.all(|segment| segment != "." && segment != "..")
}
