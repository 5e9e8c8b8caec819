//! Paths of requests. Names come from providers and from users: none may lead a request to another path than its own.

use capstan_api::{GroupVersionKind, ObjectKey};

use crate::Error;

/// `/api/v1` or `/apis/group/version`.
pub(crate) fn version_root(kind: &GroupVersionKind) -> Result<String, Error> {
    check("version", &kind.version, 63, |c| c.is_ascii_lowercase() || c.is_ascii_digit())?;
    if kind.group.is_empty() {
        return Ok(format!("/api/{}", kind.version));
    }
    check("group", &kind.group, 253, |c| {
        c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.')
    })?;
    Ok(format!("/apis/{}/{}", kind.group, kind.version))
}

/// Wider than the DNS names that most kinds demand: RBAC objects have names like `system:node` or `a@example.com`.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    check("name", name, 253, |c| {
        c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':' | '@' | '+' | '=' | ',' | '~')
    })
}

/// A DNS label, as every namespace's name is.
pub(crate) fn check_namespace(namespace: &str) -> Result<(), Error> {
    check("namespace", namespace, 63, |c| {
        c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
    })
}

pub(crate) fn check_key(key: &ObjectKey) -> Result<(), Error> {
    key.namespace.as_deref().map_or(Ok(()), check_namespace)?;
    check_name(&key.name)
}

/// Only those that hold part of the object's state. Others are actions: `proxy` would lead out of the API server.
pub(crate) fn check_subresource(name: &str) -> Result<(), Error> {
    if matches!(name, "status" | "scale") {
        return Ok(());
    }
    Err(Error::BadName(format!(
        "{name:?} is not a subresource that can be written: use status or scale"
    )))
}

fn check(what: &str, text: &str, longest: usize, allowed: impl Fn(char) -> bool) -> Result<(), Error> {
    let problem = match text {
        "" => "is empty",
        "." | ".." => "would lead to another path",
        _ if text.len() > longest => "is too long",
        _ if !text.chars().all(allowed) => "has a character that is not allowed there",
        _ => return Ok(()),
    };
    let shown: String = text.chars().take(64).collect();
    Err(Error::BadName(format!("the {what} {shown:?} {problem}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_refused() {
        let long = "a".repeat(254);
        for name in ["", ".", "..", "a/b", "a?x", "a#x", "%2e%2e", "a b", "a\nb", "a\0", "ä", "a\\b", "a;b", &long] {
            assert!(matches!(check_name(name), Err(Error::BadName(_))), "{name:?}");
            assert!(matches!(check_namespace(name), Err(Error::BadName(_))), "{name:?}");
        }
        for namespace in ["A", "a.b", "a:b"] {
            assert!(check_namespace(namespace).is_err(), "{namespace:?}");
        }
    }

    #[test]
    fn names_in_use_are_accepted() {
        for name in ["a", "foo.example.com", "system:node-proxier", "jane@example.com", "a_b", "a+b=c,d~"] {
            assert_eq!(check_name(name), Ok(()), "{name:?}");
        }
    }

    #[test]
    fn hostile_kinds_are_refused() {
        for (group, version) in [("a/b", "v1"), ("..", "v1"), ("", "v1/nodes"), ("", ".."), ("", ""), ("A", "v1")] {
            assert!(version_root(&GroupVersionKind::gvk(group, version, "K")).is_err(), "{group:?} {version:?}");
        }
        assert_eq!(version_root(&GroupVersionKind::gvk("", "v1", "K")).unwrap(), "/api/v1");
        assert_eq!(version_root(&GroupVersionKind::gvk("a.b", "v1", "K")).unwrap(), "/apis/a.b/v1");
    }

    #[test]
    fn only_state_can_be_written_as_a_subresource() {
        for name in ["", "proxy", "exec", "status/../x", "token"] {
            assert!(check_subresource(name).is_err(), "{name:?}");
        }
        assert_eq!(check_subresource("status"), Ok(()));
    }
}
