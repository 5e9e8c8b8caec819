//! Objects as JSON text: reads what the host needs to know and leaves the rest as it was sent.

use std::{borrow::Cow, fmt};

use capstan_api::{ObjectKey, api_version, kind_of};
use kube::core::GroupVersionKind;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::Error;

/// An object's text without `metadata.managedFields`, and what was read on the way.
///
/// Members are copied as they are: numbers of any size and fields that nobody here knows survive.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    /// Everything after the opening brace but apiVersion and kind, which items of lists lack.
    members: String,
    api_version: Option<String>,
    kind: Option<String>,
    pub(crate) key: ObjectKey,
    pub(crate) uid: String,
    pub(crate) resource_version: String,
    pub(crate) owners: Vec<String>,
}

impl Text {
    pub(crate) fn read(json: &str) -> Result<Self, Error> {
        let object: Members<'_> = serde_json::from_str(json).map_err(|error| malformed(&error))?;
        let mut text = Self {
            members: String::with_capacity(json.len()),
            api_version: None,
            kind: None,
            key: ObjectKey::cluster(""),
            uid: String::new(),
            resource_version: String::new(),
            owners: Vec::new(),
        };
        for (name, value) in &object.0 {
            match name.0.as_ref() {
                "apiVersion" => text.api_version = parse(value)?,
                "kind" => text.kind = parse(value)?,
                "metadata" => text.metadata(value)?,
                _ => text.member(name, value),
            }
        }
        if text.key.name.is_empty() {
            return Err(Error::Malformed("the object has no metadata.name".to_owned()));
        }
        Ok(text)
    }

    /// The object's kind, if it says one.
    pub(crate) fn kind(&self) -> Option<GroupVersionKind> {
        kind_of(self.api_version.as_deref()?, self.kind.as_deref()?)
    }

    /// The whole object.
    pub(crate) fn json(&self, kind: &GroupVersionKind) -> String {
        let api_version = api_version(kind);
        let mut json = String::with_capacity(self.members.len() + api_version.len() + kind.kind.len() + 32);
        json.push_str("{\"apiVersion\":");
        push_string(&mut json, &api_version);
        json.push_str(",\"kind\":");
        push_string(&mut json, &kind.kind);
        json.push_str(&self.members);
        json.push('}');
        json
    }

    fn metadata(&mut self, value: &RawValue) -> Result<(), Error> {
        let metadata: Members<'_> = serde_json::from_str(value.get()).map_err(|error| malformed(&error))?;
        self.members.push_str(",\"metadata\":{");
        let mut first = true;
        for (name, value) in &metadata.0 {
            match name.0.as_ref() {
                "managedFields" => continue,
                "name" => self.key.name = parse(value)?.unwrap_or_default(),
                "namespace" => self.key.namespace = parse(value)?.filter(|namespace: &String| !namespace.is_empty()),
                "uid" => self.uid = parse(value)?.unwrap_or_default(),
                "resourceVersion" => self.resource_version = parse(value)?.unwrap_or_default(),
                "ownerReferences" => {
                    let owners: Vec<Owner> = parse(value)?.unwrap_or_default();
                    self.owners = owners.into_iter().map(|owner| owner.uid).collect();
                }
                _ => {}
            }
            if !first {
                self.members.push(',');
            }
            first = false;
            push_name(&mut self.members, name);
            self.members.push_str(value.get());
        }
        self.members.push('}');
        Ok(())
    }

    fn member(&mut self, name: &Name<'_>, value: &RawValue) {
        self.members.push(',');
        push_name(&mut self.members, name);
        self.members.push_str(value.get());
    }
}

#[derive(Deserialize)]
struct Owner {
    #[serde(default)]
    uid: String,
}

/// The members of a JSON object in their order, values as text.
struct Members<'a>(Vec<(Name<'a>, &'a RawValue)>);

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                // An object has about five members, its metadata about ten.
                let mut members = Vec::with_capacity(12);
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

fn parse<'a, T: Deserialize<'a>>(value: &'a RawValue) -> Result<Option<T>, Error> {
    serde_json::from_str(value.get()).map_err(|error| malformed(&error))
}

fn malformed(error: &serde_json::Error) -> Error {
    Error::Malformed(format!("the object makes no sense: {error}"))
}

fn push_name(json: &mut String, name: &Name<'_>) {
    push_string(json, &name.0);
    json.push(':');
}

fn push_string(json: &mut String, text: &str) {
    let plain = text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\');
    if plain {
        json.push('"');
        json.push_str(text);
        json.push('"');
    } else {
        json.push_str(&serde_json::Value::from(text).to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managed_fields_are_stripped_and_nothing_else() {
        let text = Text::read(
            r#"{"kind":"Thing","apiVersion":"example.com/v1","metadata":{"name":"a","managedFields":[{"manager":"m","x":{"f:a":{}}}],"namespace":"n","uid":"u","resourceVersion":"7","ownerReferences":[{"uid":"o1"},{"uid":"o2"}]},"spec":{"big":123456789012345678901234567890,"exact":1.10},"odd\"name":[]}"#,
        )
        .unwrap();
        assert_eq!(text.kind(), Some(GroupVersionKind::gvk("example.com", "v1", "Thing")));
        assert_eq!(text.key, ObjectKey::namespaced("n", "a"));
        assert_eq!((text.uid.as_str(), text.resource_version.as_str()), ("u", "7"));
        assert_eq!(text.owners, ["o1", "o2"]);
        assert_eq!(
            text.json(&text.kind().unwrap()),
            r#"{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"a","namespace":"n","uid":"u","resourceVersion":"7","ownerReferences":[{"uid":"o1"},{"uid":"o2"}]},"spec":{"big":123456789012345678901234567890,"exact":1.10},"odd\"name":[]}"#
        );
    }

    #[test]
    fn items_of_lists_get_the_kind_they_lack() {
        let text = Text::read(r#"{"metadata":{"managedFields":[],"name":"a"},"data":{}}"#).unwrap();
        assert_eq!(text.kind(), None);
        let json = text.json(&GroupVersionKind::gvk("", "v1", "ConfigMap"));
        assert_eq!(json, r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{}}"#);
    }

    #[test]
    fn senseless_objects_are_refused() {
        for json in ["", "[]", "{}", r#"{"metadata":{}}"#, r#"{"metadata":null}"#, r#"{"metadata":{"name":3}}"#] {
            assert!(matches!(Text::read(json), Err(Error::Malformed(_))), "{json}");
        }
    }
}
