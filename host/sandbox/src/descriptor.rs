//! What a provider says about itself, checked.

use std::collections::HashSet;

use capstan_api::{Grants, GroupVersionKind};
use serde_json::{Map, Value};

use crate::{ConfigError, answer, bindings::exports::capstan::provider::describe as wit, cluster::names, config};

/// A provider's own account of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Descriptor {
    /// A DNS label.
    pub name: String,
    /// Semantic versioning.
    pub version: String,
    /// At least one, no kind twice.
    pub kinds: Vec<ManagedKind>,
    /// What it asks to be granted.
    pub needs: Grants,
    /// JSON Schema of its configuration.
    pub config_schema: Option<Value>,
}

/// One kind whose objects a provider reconciles.
#[derive(Debug, Clone, PartialEq)]
pub struct ManagedKind {
    /// As the API server serves it.
    pub kind: GroupVersionKind,
    /// Its `CustomResourceDefinition`.
    pub definition: Option<Value>,
    /// `observe` finds a resource whose create had an unknown outcome.
    pub recoverable: bool,
}

/// A DNS label has at most 63.
const NAME: usize = 63;
/// Enough for pre-release and build parts; it is shown in tables.
const VERSION: usize = 64;
/// One controller runs for each.
const KINDS: usize = 64;

/// Bytes of what is wrong, which becomes a condition.
const WRONG: usize = 2 << 10;

/// What is wrong with a descriptor, for its author.
type Wrong = String;

impl Descriptor {
    /// What is wrong is said in a line, whatever is in the texts.
    pub(crate) fn checked(raw: wit::Descriptor) -> Result<Self, Wrong> {
        Self::read(raw).map_err(|wrong| crate::text::line(&wrong, WRONG))
    }

    fn read(raw: wit::Descriptor) -> Result<Self, Wrong> {
        if !is_label(&raw.name) {
            return Err(format!("the name `{}` is no DNS label", crate::text::cut(&raw.name, NAME)));
        }
        if !is_version(&raw.version) {
            return Err(format!("`{}` is no semantic version", crate::text::cut(&raw.version, VERSION)));
        }
        if raw.kinds.is_empty() || raw.kinds.len() > KINDS {
            return Err(format!("it has {} kinds: at least one and at most {KINDS} are needed", raw.kinds.len()));
        }
        let kinds: Vec<_> = raw.kinds.into_iter().map(ManagedKind::checked).collect::<Result<_, _>>()?;
        let mut seen = HashSet::new();
        if let Some(twice) = kinds.iter().find(|kind| !seen.insert((&kind.kind.group, &kind.kind.kind))) {
            return Err(format!("the kind {} stands there twice", twice.kind.kind));
        }
        let needs = needs(&raw.needs)?;
        let config_schema = raw.config_schema.map(|text| config::read_schema(&text)).transpose()?;
        Ok(Self { name: raw.name, version: raw.version, kinds, needs, config_schema })
    }

    /// Kinds that it manages and does not bring.
    pub fn foreign(&self) -> impl Iterator<Item = &GroupVersionKind> {
        self.kinds.iter().filter(|managed| managed.definition.is_none()).map(|managed| &managed.kind)
    }

    /// Whether the provider takes this configuration. Takes milliseconds, and blocks for them.
    pub fn check_config(&self, config: Option<&Map<String, Value>>) -> Result<(), ConfigError> {
        config::check(self.config_schema.as_ref(), config)
    }
}

impl ManagedKind {
    fn checked(raw: wit::ManagedKind) -> Result<Self, Wrong> {
        let wit::ObjectKind { api_version, kind } = raw.kind;
        let kind = names::of_kind(&api_version, &kind)?;
        let definition = raw.definition.map(|text| answer::object("definition", &text)).transpose()?;
        if let Some(definition) = &definition {
            check_definition(definition, &kind)?;
        }
        Ok(Self { kind, definition, recoverable: raw.recoverable })
    }
}

/// JSON first: the file that an administrator writes may be YAML, which has more ways to be large than a stranger needs.
fn needs(text: &str) -> Result<Grants, Wrong> {
    if text.is_empty() {
        return Ok(Grants::default());
    }
    answer::object("needs", text)?;
    Grants::parse_needs(text).map_err(|error| format!("`needs`: {error}"))
}

/// A definition of another kind would be installed in the name of this one.
fn check_definition(definition: &Value, kind: &GroupVersionKind) -> Result<(), Wrong> {
    let text = |pointer| definition.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array);
    let served =
        versions.into_iter().flatten().any(|version| version["name"] == *kind.version && version["served"] == true);
    let fits = text("/kind") == "CustomResourceDefinition"
        && text("/spec/group") == kind.group
        && text("/spec/names/kind") == kind.kind
        && served;
    if !fits {
        let GroupVersionKind { group, version, kind } = kind;
        return Err(format!("the definition is no CustomResourceDefinition that serves {kind} of {group}/{version}"));
    }
    check_metadata(definition.get("metadata"))?;
    match definition.pointer("/spec/conversion") {
        None | Some(Value::Null) => Ok(()),
        Some(conversion) if conversion["strategy"] == "None" => Ok(()),
        // The API server would send the objects to wherever the webhook is.
        Some(_) => Err("the definition has a `conversion` other than None".to_owned()),
    }
}

/// The definition is applied as it is, with the host's rights: nothing in it may tie it to other objects, or say who may
/// delete it.
fn check_metadata(metadata: Option<&Value>) -> Result<(), Wrong> {
    let members = match metadata {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Object(members)) => members,
        Some(_) => return Err("the `metadata` of the definition is no object".to_owned()),
    };
    for (name, value) in members {
        let fits = match name.as_str() {
            "name" => value.is_string(),
            "labels" | "annotations" => {
                value.is_null() || value.as_object().is_some_and(|texts| texts.values().all(Value::is_string))
            }
            // Generators of definitions leave it behind.
            "creationTimestamp" => value.is_null(),
            _ => false,
        };
        if !fits {
            let name = crate::text::cut(name, NAME).escape_debug().to_string();
            return Err(format!(
                "`metadata.{name}` of the definition: it may have a name, and labels and annotations that are texts"
            ));
        }
    }
    Ok(())
}

fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let (Some(first), Some(last)) = (text.bytes().next(), text.bytes().last()) else {
        return false;
    };
    text.len() <= NAME && inner(first) && inner(last) && text.bytes().all(|byte| inner(byte) || byte == b'-')
}

/// Three numbers, and whatever semantic versioning allows behind them.
fn is_version(text: &str) -> bool {
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (core, rest) = text.split_at(end);
    let numbers: Vec<_> = core.split('.').collect();
    let number = |part: &&str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part.len() == 1 || !part.starts_with('0'))
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-+".contains(&byte);
    text.len() <= VERSION
        && numbers.len() == 3
        && numbers.iter().all(number)
        && rest.len() != 1
        && rest.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw() -> wit::Descriptor {
        let kind = wit::ObjectKind { api_version: "test.capstan.dev/v1".into(), kind: "Note".into() };
        wit::Descriptor {
            name: "note".into(),
            version: "1.2.3".into(),
            kinds: vec![wit::ManagedKind { kind, definition: None, recoverable: true }],
            needs: String::new(),
            config_schema: None,
        }
    }

    fn definition(kind: &str, served: bool) -> String {
        serde_json::json!({
            "kind": "CustomResourceDefinition",
            "spec": {
                "group": "test.capstan.dev",
                "names": {"kind": kind},
                "versions": [{"name": "v1", "served": served}],
            },
        })
        .to_string()
    }

    #[test]
    fn a_sound_descriptor_is_taken() {
        let mut raw = raw();
        raw.kinds[0].definition = Some(definition("Note", true));
        raw.needs = r#"{"kubernetes": [{"apiGroups": [""], "kinds": ["ConfigMap"], "verbs": ["get"]}]}"#.into();
        let descriptor = Descriptor::checked(raw).unwrap();
        assert_eq!(descriptor.kinds[0].kind, GroupVersionKind::gvk("test.capstan.dev", "v1", "Note"));
        assert_eq!(descriptor.needs.kubernetes.len(), 1);
    }

    #[test]
    fn nonsense_is_named() {
        type Change = fn(&mut wit::Descriptor);
        let cases: [(Change, &str); 9] = [
            (|raw| raw.name = "No Label".into(), "No Label"),
            (|raw| raw.version = "1.2".into(), "semantic version"),
            (|raw| raw.kinds.clear(), "0 kinds"),
            (|raw| raw.kinds.push(raw.kinds[0].clone()), "twice"),
            (|raw| raw.kinds[0].kind.api_version = "a/b/c".into(), "apiVersion"),
            (|raw| raw.kinds[0].definition = Some("{}".into()), "CustomResourceDefinition"),
            (|raw| raw.kinds[0].definition = Some(definition("Other", true)), "Note"),
            (|raw| raw.kinds[0].definition = Some(definition("Note", false)), "serves"),
            (|raw| raw.needs = r#"{"kubernetse": []}"#.into(), "kubernetse"),
        ];
        for (change, expected) in cases {
            let mut raw = raw();
            change(&mut raw);
            let wrong = Descriptor::checked(raw).unwrap_err();
            assert!(wrong.contains(expected), "{expected}: {wrong}");
        }
    }

    #[test]
    fn a_definition_brings_nothing_but_the_kind() {
        let checked = |pointer: &str, value: Value| {
            let mut raw = raw();
            let mut definition: Value = serde_json::from_str(&definition("Note", true)).unwrap();
            definition["metadata"] = serde_json::json!({"name": "notes.test.capstan.dev", "annotations": {"a": "b"}});
            let (parent, member) = pointer.rsplit_once('/').unwrap();
            definition.pointer_mut(parent).unwrap()[member] = value;
            raw.kinds[0].definition = Some(definition.to_string());
            Descriptor::checked(raw).map(drop)
        };
        let webhook =
            serde_json::json!({"strategy": "Webhook", "webhook": {"clientConfig": {"url": "https://a.example"}}});
        for (pointer, value) in [
            ("/metadata", serde_json::json!([])),
            ("/metadata", serde_json::json!("x")),
            ("/metadata/annotations", serde_json::json!([])),
            ("/metadata/annotations", serde_json::json!({"a": 1})),
            ("/metadata/labels", serde_json::json!("x")),
            ("/metadata/finalizers", serde_json::json!(["a.example/b"])),
            ("/metadata/ownerReferences", serde_json::json!([{"uid": "u"}])),
            ("/spec/conversion", webhook),
            ("/spec/conversion", serde_json::json!("None")),
        ] {
            let wrong = checked(pointer, value.clone()).unwrap_err();
            let named = if pointer.starts_with("/metadata") { "metadata" } else { "conversion" };
            assert!(wrong.contains(named), "{pointer} {value}: {wrong}");
        }
        for (pointer, value) in [
            ("/metadata", Value::Null),
            ("/metadata/annotations", Value::Null),
            ("/metadata/labels", serde_json::json!({"a": "b"})),
            ("/metadata/creationTimestamp", Value::Null),
            ("/spec/conversion", serde_json::json!({"strategy": "None"})),
        ] {
            assert_eq!(checked(pointer, value), Ok(()), "{pointer}");
        }
    }

    #[test]
    fn versions() {
        for good in ["0.1.0", "1.2.3-rc.1", "1.2.3+build", "10.20.30"] {
            assert!(is_version(good), "{good}");
        }
        for bad in ["", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.x", "1.2.3-", "1.2.3-ä"] {
            assert!(!is_version(bad), "{bad}");
        }
    }
}
