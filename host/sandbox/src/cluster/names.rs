//! Names as a guest gives them.

use capstan_api::{GroupVersionKind, ObjectKey, ObjectRef, kind_of};

use crate::bindings::capstan::provider::{cluster::Error, types};

/// Bytes of the longest name that Kubernetes takes.
const NAME: usize = 253;

pub(crate) fn target(raw: types::ObjectRef) -> Result<ObjectRef, Error> {
    let kind = kind(&raw.api_version, &raw.kind)?;
    if let Some(namespace) = &raw.namespace {
        check("namespace", namespace)?;
    }
    check_name(&raw.name)?;
    Ok(ObjectRef { kind, key: ObjectKey { namespace: raw.namespace, name: raw.name } })
}

pub(crate) fn kind(api_version: &str, kind: &str) -> Result<GroupVersionKind, Error> {
    of_kind(api_version, kind).map_err(Error::Invalid)
}

/// The message says what is wrong.
pub(crate) fn of_kind(api_version: &str, kind: &str) -> Result<GroupVersionKind, String> {
    let named = kind_of(api_version, kind)
        .ok_or_else(|| format!("apiVersion `{}` and kind `{}` name no kind", escaped(api_version), escaped(kind)))?;
    let parts = [&named.group, &named.version, &named.kind];
    if let Some(part) = parts.into_iter().find(|part| !part.is_empty() && !is_name(part)) {
        return Err(format!("`{}` is no valid kind", escaped(part)));
    }
    Ok(named)
}

/// A name ends up in the path of a request, and in a watch that outlives the call. What Kubernetes would not take as one
/// stops here.
pub(crate) fn check(what: &str, name: &str) -> Result<(), Error> {
    if is_name(name) { Ok(()) } else { Err(Error::Invalid(format!("`{}` is no valid {what}", escaped(name)))) }
}

fn is_name(text: &str) -> bool {
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    (1..=NAME).contains(&text.len()) && text.bytes().all(harmless) && !text.bytes().all(|byte| byte == b'.')
}

/// Names of objects are whatever is one segment of a path: those of roles have `@`, `+`, blanks and more.
fn check_name(name: &str) -> Result<(), Error> {
    let elsewhere = |c: char| c == '/' || c == '%' || c.is_control();
    let sound = (1..=NAME).contains(&name.len()) && !name.contains(elsewhere) && name != "." && name != "..";
    if sound { Ok(()) } else { Err(Error::Invalid(format!("`{}` is no valid name", escaped(name)))) }
}

fn escaped(text: &str) -> String {
    crate::text::cut(text, NAME).escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_refused() {
        for name in ["", ".", "..", "a/b", "../secrets/x", "a%2fb", "a?x", "a#b", "a b", "ä", "a\n", &"x".repeat(254)]
        {
            assert!(check("name", name).is_err(), "{name:?}");
            let raw = |api_version: &str, kind: &str| types::ObjectRef {
                api_version: api_version.into(),
                kind: kind.into(),
                namespace: Some("n".into()),
                name: "a".into(),
            };
            assert!(target(raw("v1", name)).is_err(), "{name:?}");
            assert!(target(raw(&format!("{name}/v1"), "Kind")).is_err(), "{name:?}");
            assert!(
                target(types::ObjectRef { namespace: Some(name.into()), ..raw("v1", "Kind") }).is_err(),
                "{name:?}"
            );
        }
        for name in ["foo", "a.b-c", "system:node", "0"] {
            assert!(check("name", name).is_ok(), "{name}");
        }
        for name in ["", ".", "..", "a/b", "../secrets/x", "a%2fb", "a\n", &"x".repeat(254)] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        for name in ["foo", "system:node", "a@b+c=d", "an admin", "ä", "a?x#y"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
    }
}
