//! The same decision for what lies outside the cluster: requests, and the secrets that go with them.

use std::fmt::Write;

use capstan_api::{Grants, HttpGrant, HttpMethod, Origin, Origins, SecretGrant};
use url::Url;

use super::{Denied, Granted};
use crate::counts::Counters;

/// Both sides of the rules, as with objects.
#[derive(Debug, Clone, Default)]
pub(super) struct Outside {
    http: Sides<HttpGrant>,
    secrets: Sides<SecretGrant>,
}

#[derive(Debug, Clone)]
struct Sides<T> {
    asked: Vec<T>,
    given: Vec<T>,
}

impl<T> Default for Sides<T> {
    fn default() -> Self {
        Self { asked: Vec::new(), given: Vec::new() }
    }
}

/// A key of a Secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SecretKey {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) key: String,
}

/// Where in a request a secret goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot<'a> {
    Header,
    /// A member of a JSON body, by its JSON pointer.
    Member(&'a str),
}

impl Slot<'_> {
    /// Headers and members are granted apart: what an origin keeps to itself in one place it may show in another.
    fn is_in(self, rule: &SecretGrant) -> bool {
        match (self, &rule.body_members) {
            (Self::Header, None) => true,
            (Self::Member(member), Some(members)) => members.iter().any(|each| each == member),
            _ => false,
        }
    }
}

impl Outside {
    pub(super) fn new(asked: &Grants, given: &Grants) -> Self {
        Self {
            http: Sides { asked: asked.http.clone(), given: given.http.clone() },
            secrets: Sides { asked: asked.secrets.clone(), given: given.secrets.clone() },
        }
    }
}

impl Granted {
    /// Decides about one request. Nothing leaves the host for a provider without this.
    pub(crate) fn decide_http(&self, method: HttpMethod, url: &Url) -> Result<Origin, Denied> {
        let Sides { asked, given } = &self.outside.http;
        let request = || format!("{} of {}", method.as_str(), in_words(url));
        let allowed = || {
            let rules: Vec<String> = given.iter().map(http_in_words).collect();
            if rules.is_empty() { "no origin is granted".to_owned() } else { format!("granted: {}", rules.join("; ")) }
        };
        let covers = |rules: &[HttpGrant], origin: &Origin| {
            rules.iter().any(|rule| {
                rule.origin.contain(origin)
                    && rule.methods.as_ref().is_none_or(|methods| methods.contains(&method))
                    && rule.path_prefix.as_ref().is_none_or(|prefix| is_below(url.path(), prefix))
            })
        };
        let origin = Origin::of(url);
        let given = origin.as_ref().is_some_and(|origin| covers(given, origin));
        match origin {
            Some(origin) if given && covers(asked, &origin) => Ok(origin),
            _ => Err(Denied { request: request(), missing: Denied::missing(given), allowed: allowed() }),
        }
    }

    /// Whether connections to an origin may lead to private addresses.
    pub(crate) fn may_be_private(&self, origin: &Origin) -> bool {
        self.outside.http.given.iter().any(|rule| rule.origin.contain(origin) && rule.allow_private)
    }

    /// Decides whether a secret may be used, and gives the origins that it may be sent to. `home` is the namespace of the
    /// object being reconciled.
    pub(crate) fn decide_secret(
        &self,
        secret: &SecretKey,
        slot: Slot<'_>,
        home: Option<&str>,
    ) -> Result<Vec<Origin>, Denied> {
        let Sides { asked, given } = &self.outside.secrets;
        let covering = |rules: &'_ [SecretGrant], protected: Option<&String>| -> Vec<Origins> {
            let covers = |rule: &&SecretGrant| {
                let namespace = match rule.namespace.as_deref() {
                    None => home == Some(&secret.namespace),
                    // What the host keeps for itself is not among "all".
                    Some("*") => protected != Some(&secret.namespace),
                    Some(named) => named == secret.namespace,
                };
                let named = listed(&rule.names, &secret.name) && listed(&rule.keys, &secret.key);
                namespace && named && slot.is_in(rule)
            };
            rules.iter().filter(covers).flat_map(|rule| rule.origins.iter().cloned()).collect()
        };
        let (asked, found) = (covering(asked, None), covering(given, self.protected.as_ref()));
        let named = found.iter().filter_map(|origins| match origins {
            Origins::One(origin) => Some(origin.clone()),
            Origins::Any => None,
        });
        let both: Vec<Origin> = named.filter(|origin| asked.iter().any(|origins| origins.contain(origin))).collect();
        if !both.is_empty() {
            return Ok(both);
        }
        let SecretKey { namespace, name, key } = secret;
        let rules: Vec<String> = given.iter().map(secret_in_words).collect();
        let allowed =
            if rules.is_empty() { "no secret is granted".to_owned() } else { format!("granted: {}", rules.join("; ")) };
        let slot = match slot {
            Slot::Header => "a header".to_owned(),
            Slot::Member(member) => format!("the member {} of a body", shown(member)),
        };
        let request = format!("use of key {} of Secret {}/{} in {slot}", shown(key), shown(namespace), shown(name));
        Err(Denied { request, missing: Denied::missing(!found.is_empty()), allowed })
    }
}

impl Denied {
    fn missing(given: bool) -> &'static str {
        if given { "among what was asked for (`needs`) by" } else { "granted to" }
    }

    /// That a credential is for other origins.
    pub(crate) fn elsewhere(origin: &Origin, origins: &[Origin]) -> Self {
        let origins: Vec<String> = origins.iter().map(ToString::to_string).collect();
        Self {
            request: format!("sending this secret to {origin}"),
            missing: "granted to",
            allowed: format!("granted: {}", origins.join(", ")),
        }
    }

    /// Counts it and writes it to the log.
    pub(crate) fn noted(self, provider: &str, counters: &Counters) -> Self {
        counters.denied();
        tracing::warn!(provider, "{self}");
        self
    }
}

/// Whether a path is the prefix or lies below it, by whole segments.
fn is_below(path: &str, prefix: &str) -> bool {
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn listed(list: &[String], text: &str) -> bool {
    list.iter().any(|entry| entry == text || entry == "*")
}

/// Without the query, which may hold anything.
fn in_words(url: &Url) -> String {
    let origin = Origin::of(url).map_or_else(|| "no origin".to_owned(), |origin| origin.to_string());
    shown(&(origin + url.path()))
}

fn shown(text: &str) -> String {
    crate::text::cut(text, 256).escape_debug().to_string()
}

fn http_in_words(rule: &HttpGrant) -> String {
    let methods = match &rule.methods {
        None => "every method".to_owned(),
        Some(methods) => methods.iter().map(|method| method.as_str()).collect::<Vec<_>>().join(", "),
    };
    let mut words = format!("{methods} of {}", rule.origin);
    if let Some(prefix) = &rule.path_prefix {
        words += prefix;
    }
    words
}

fn secret_in_words(rule: &SecretGrant) -> String {
    let list = |list: &[String]| list.join(", ").replace('*', "any");
    let mut words = format!("key {} of Secret {}", list(&rule.keys), list(&rule.names));
    // Writing to a string does not fail.
    let _ = match rule.namespace.as_deref() {
        None => write!(words, " in the namespace of the object"),
        Some("*") => write!(words, " in any namespace"),
        Some(namespace) => write!(words, " in namespace {namespace}"),
    };
    let origins: Vec<String> = rule.origins.iter().map(ToString::to_string).collect();
    let _ = write!(words, " for {}", origins.join(", "));
    if let Some(members) = &rule.body_members {
        let _ = write!(words, " in {} of bodies", members.join(", "));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(needs: &str, grants: &str) -> Granted {
        let outside = Outside::new(&Grants::parse_needs(needs).unwrap(), &Grants::parse(grants).unwrap());
        Granted { outside, protected: Some("capstan-system".to_owned()), ..Granted::default() }
    }

    fn get(granted: &Granted, url: &str) -> Result<Origin, Denied> {
        granted.decide_http(HttpMethod::Get, &Url::parse(url).unwrap())
    }

    const ANY: &str = "http: [{origin: '*'}]\nsecrets: [{namespace: '*', names: ['*'], keys: ['*'], origins: ['*']}]";
    const REPOS: &str = "http: [{origin: 'https://api.github.com', methods: [GET, PATCH], pathPrefix: /repos}]";

    #[test]
    fn nothing_is_sent_unless_both_sides_say_so() {
        let url = "https://api.github.com/repos/a/b";
        for (needs, grants) in [("", ""), (ANY, ""), ("", REPOS), ("http: [{origin: 'https://a.b'}]", REPOS)] {
            assert!(get(&granted(needs, grants), url).is_err(), "{needs} {grants}");
        }
        assert_eq!(get(&granted(ANY, REPOS), url).unwrap().to_string(), "https://api.github.com");
        assert!(get(&granted(REPOS, REPOS), url).is_ok());
    }

    #[test]
    fn scheme_host_port_path_and_method_narrow() {
        let granted = granted(ANY, REPOS);
        for url in
            ["https://api.github.com/repos", "https://api.github.com:443/repos/a?b=c", "https://API.github.com/repos/"]
        {
            assert!(get(&granted, url).is_ok(), "{url}");
        }
        for url in [
            "http://api.github.com/repos",
            "https://api.github.com:444/repos",
            "https://api.github.com./repos",
            "https://api.github.com.evil.example/repos",
            "https://evil.example/repos",
            "https://api.github.com/repository",
            "https://api.github.com/repos/../user",
            "https://api.github.com/repos/%2e%2e/user",
            "https://api.github.com/",
        ] {
            assert!(get(&granted, url).is_err(), "{url}");
        }
        let url = Url::parse("https://api.github.com/repos/a").unwrap();
        assert!(granted.decide_http(HttpMethod::Delete, &url).is_err());
    }

    #[test]
    fn a_refusal_names_what_is_granted_and_no_query() {
        let denied = get(&granted(ANY, REPOS), "https://evil.example/x?token=abc").unwrap_err().to_string();
        assert!(denied.contains("GET, PATCH of https://api.github.com/repos"), "{denied}");
        assert!(!denied.contains("abc"), "{denied}");
        let denied = get(&granted("", REPOS), "https://api.github.com/repos").unwrap_err().to_string();
        assert!(denied.contains("asked for"), "{denied}");
    }

    #[test]
    fn private_addresses_are_for_the_administrator_to_allow() {
        let origin: Origin = "https://ghe.local".parse().unwrap();
        let rule = "http: [{origin: 'https://ghe.local', allowPrivate: true}]";
        assert!(granted(ANY, rule).may_be_private(&origin));
        assert!(!granted(rule, "http: [{origin: 'https://ghe.local'}]").may_be_private(&origin));
    }

    fn secret(granted: &Granted, namespace: &str, name: &str, key: &str) -> Result<Vec<Origin>, Denied> {
        let secret = SecretKey { namespace: namespace.into(), name: name.into(), key: key.into() };
        granted.decide_secret(&secret, Slot::Header, Some("team-a"))
    }

    #[test]
    fn secrets_are_bound_to_namespace_name_key_and_origins() {
        let named = "secrets: [{namespace: team-b, names: [token], keys: [t], origins: ['https://a.b']}]";
        let named = granted(ANY, named);
        assert_eq!(secret(&named, "team-b", "token", "t").unwrap(), ["https://a.b".parse().unwrap()]);
        for (namespace, name, key) in [("team-a", "token", "t"), ("team-b", "other", "t"), ("team-b", "token", "u")] {
            let denied = secret(&named, namespace, name, key).unwrap_err().to_string();
            assert!(denied.contains("key t of Secret token in namespace team-b for https://a.b"), "{denied}");
        }
        let home = granted(ANY, "secrets: [{names: ['*'], keys: ['*'], origins: ['https://a.b']}]");
        assert!(secret(&home, "team-a", "any", "any").is_ok());
        assert!(secret(&home, "team-b", "any", "any").is_err());
        let cluster_scoped = SecretKey { namespace: "team-a".into(), name: "a".into(), key: "a".into() };
        assert!(home.decide_secret(&cluster_scoped, Slot::Header, None).is_err());
    }

    #[test]
    fn all_namespaces_are_not_that_of_the_host() {
        let all = granted(ANY, "secrets: [{namespace: '*', names: ['*'], keys: ['*'], origins: ['https://a.b']}]");
        assert!(secret(&all, "team-z", "any", "any").is_ok());
        assert!(secret(&all, "capstan-system", "any", "any").is_err());
        let named =
            granted(ANY, "secrets: [{namespace: capstan-system, names: ['*'], keys: ['*'], origins: ['https://a.b']}]");
        assert!(secret(&named, "capstan-system", "any", "any").is_ok());
    }

    #[test]
    fn a_secret_goes_where_both_sides_say() {
        let origins = |needs: &str, grants: &str| {
            let rule = |list: &str| format!("secrets: [{{names: [a], keys: [a], origins: {list}}}]");
            secret(&granted(&rule(needs), &rule(grants)), "team-a", "a", "a").map(|found| found.len())
        };
        assert_eq!(origins("['https://a.b', 'https://c.d']", "['https://a.b', 'https://e.f']"), Ok(1));
        assert_eq!(origins("['*']", "['https://a.b', 'https://e.f']"), Ok(2));
        assert!(origins("['https://c.d']", "['https://a.b']").is_err());
    }

    #[test]
    fn headers_and_members_of_bodies_are_granted_apart() {
        let rule = |more: &str| format!("secrets: [{{names: [a], keys: [a], origins: ['https://a.b']{more}}}]");
        let may = |needs: &str, grants: &str, slot: Slot<'_>| {
            let secret = SecretKey { namespace: "team-a".into(), name: "a".into(), key: "a".into() };
            granted(&rule(needs), &rule(grants)).decide_secret(&secret, slot, Some("team-a"))
        };
        let (header, body) = ("", ", bodyMembers: [/config/secret]");
        assert!(may(header, header, Slot::Header).is_ok());
        assert!(may(body, body, Slot::Member("/config/secret")).is_ok());
        for (needs, grants, slot) in [
            (body, body, Slot::Header),
            (header, header, Slot::Member("/config/secret")),
            (header, body, Slot::Member("/config/secret")),
            (body, header, Slot::Member("/config/secret")),
            (body, body, Slot::Member("/config")),
            (body, body, Slot::Member("/description")),
            (body, body, Slot::Member("")),
        ] {
            assert!(may(needs, grants, slot).is_err(), "{needs} {grants} {slot:?}");
        }
        let denied = may(body, body, Slot::Member("/description")).unwrap_err().to_string();
        assert!(denied.contains("member /description") && denied.contains("in /config/secret of bodies"), "{denied}");
    }
}
