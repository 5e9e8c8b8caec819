//! A definition beside the one that it is to replace.
//!
//! The API server takes a definition whatever the objects that are stored, and judges these only with their next
//! write. To find out before, they are judged here, by the schema that a definition brings: a dry run of the definition says
//! nothing of them.
//!
//! Not judged are
//! * rules (`x-kubernetes-validations`), which take the whole of the API server's CEL with its libraries and its costs;
//! * `format`, since those of Kubernetes are a dialect of its own, and a wrong refusal would keep out a good build;
//! * `status`, where it is a subresource: it is the provider's. No user could mend it while the build before goes on writing
//!   it, and the new build writes its own with the first reconcile.
//!
//! API servers since 1.30 let pass what is wrong with a value that did not change; older ones refuse every write of
//! such an object, even that which takes a finalizer off. It is judged without that leniency everywhere: the logic of a build counts
//! on what its definition promises, and whoever applies a manifest in another cluster has no former value to change nothing of.
//!
//! An object that does not fit the installed definition either is no reason to refuse another one.

use std::{collections::BTreeMap, fmt};

use capstan_cluster::Object;
use serde_json::Value;

use super::{schema::Schema, standard};

/// Objects that are named.
const NAMED: usize = 10;

/// A version that is to be replaced or added, and by which its objects may become invalid.
#[derive(Debug)]
pub(super) struct Doubt {
    version: String,
    before: Option<Schema>,
    after: Schema,
}

impl Doubt {
    /// What becomes wrong with an object; `None` if it fits, or did not fit before.
    fn misfit(&self, object: &Value) -> Option<String> {
        let misfit = self.after.misfit(object.clone())?;
        let fitted = self.before.as_ref().is_none_or(|before| before.misfit(object.clone()).is_none());
        fitted.then(|| format!("in {} {misfit}", self.version))
    }
}

/// A version in which objects are stored, and which the new definition does not have any more.
pub(super) fn dropped(installed: &Value, definition: &Value) -> Option<String> {
    let stored = installed.pointer("/status/storedVersions").and_then(Value::as_array).into_iter().flatten();
    let kept = |name: &str| versions(definition).any(|version| version["name"] == name);
    stored.filter_map(Value::as_str).find(|name| !kept(name)).map(str::to_owned)
}

/// A version in which the objects of a definition can be read: the one that is stored, if it is served.
pub(super) fn readable(installed: &Value) -> Option<&str> {
    let stored = served(installed).find(|version| version["storage"] == true);
    stored.or_else(|| served(installed).next())?["name"].as_str()
}

/// What has to be found out from the objects, by the version in which they are to be read; nothing if no object can become
/// invalid.
pub(super) fn doubts(installed: &Value, definition: &Value) -> BTreeMap<String, Vec<Doubt>> {
    let mut doubts = BTreeMap::<String, Vec<Doubt>>::new();
    for version in served(definition) {
        let name = version["name"].as_str().unwrap_or_default();
        let read = match served(installed).find(|before| before["name"] == name) {
            Some(_) => Some(name),
            // It is read in another version, and that takes a conversion that changes nothing else.
            None => readable(installed).filter(|_| !converts(installed) && !converts(definition)),
        };
        let Some(before) = served(installed).find(|before| before["name"].as_str() == read) else { continue };
        let (before, after) = (standard::of_version(before), standard::of_version(version));
        if before == after {
            continue;
        }
        let usable = |schema| {
            let unusable = |error: String| {
                tracing::warn!(kind = kind(definition), version = name, error, "objects are not judged");
            };
            Schema::new(schema).map_err(unusable).ok()
        };
        if let (Some(read), Some(after)) = (read, usable(after)) {
            let doubt = Doubt { version: name.to_owned(), before: usable(before), after };
            doubts.entry(read.to_owned()).or_default().push(doubt);
        }
    }
    doubts
}

/// `Note`
pub(super) fn kind(definition: &Value) -> &str {
    definition.pointer("/spec/names/kind").and_then(Value::as_str).unwrap_or_default()
}

fn versions(definition: &Value) -> impl Iterator<Item = &Value> {
    definition.pointer("/spec/versions").and_then(Value::as_array).into_iter().flatten()
}

fn served(definition: &Value) -> impl Iterator<Item = &Value> {
    versions(definition).filter(|version| version["served"] == true)
}

/// Whether objects are another thing in another version.
fn converts(definition: &Value) -> bool {
    definition.pointer("/spec/conversion/strategy").is_some_and(|strategy| strategy != "None")
}

/// Objects that would become invalid.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Misfits {
    count: u64,
    named: Vec<String>,
}

impl Misfits {
    /// Those of some objects.
    pub(super) fn among(objects: &[Object], doubts: &[Doubt]) -> Self {
        let mut misfits = Self::default();
        for object in objects {
            let value = object.value();
            if let Some(misfit) = doubts.iter().find_map(|doubt| doubt.misfit(&value)) {
                misfits.count += 1;
                if misfits.named.len() < NAMED {
                    misfits.named.push(format!("{} ({misfit})", object.key()));
                }
            }
        }
        misfits
    }

    pub(super) fn add(&mut self, more: Self) {
        self.count += more.count;
        self.named.extend(more.named);
        self.named.truncate(NAMED);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }
}

impl fmt::Display for Misfits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.named.join("; "))?;
        match self.count - self.named.len() as u64 {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Versions by name with the schema of their `spec`; the first is stored.
    fn definition(versions: &[(&str, Value)]) -> Value {
        let version = |(index, (name, spec)): (usize, &(&str, Value))| {
            json!({"name": name, "served": true, "storage": index == 0, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}})
        };
        json!({
            "spec": {"names": {"kind": "Note"}, "versions": versions.iter().enumerate().map(version).collect::<Vec<_>>()},
            "status": {"storedVersions": [versions[0].0]},
        })
    }

    fn object(name: &str, spec: &Value) -> Object {
        let metadata = json!({"namespace": "n", "name": name});
        let object = json!({"apiVersion": "acme.io/v1", "kind": "Note", "metadata": metadata, "spec": spec});
        Object::from_value(object).unwrap()
    }

    fn text(limits: &Value) -> Value {
        let mut text = json!({"type": "string"});
        text.as_object_mut().unwrap().extend(limits.as_object().unwrap().clone());
        json!({"type": "object", "properties": {"text": text}})
    }

    /// Names of the objects that become invalid, and the version they were read in.
    fn invalid(installed: &Value, definition: &Value, specs: &[Value]) -> Vec<(String, u64)> {
        let objects: Vec<_> =
            specs.iter().enumerate().map(|(index, spec)| object(&format!("o{index}"), spec)).collect();
        let doubts = doubts(installed, definition);
        doubts.into_iter().map(|(read, doubts)| (read, Misfits::among(&objects, &doubts).count())).collect()
    }

    #[test]
    fn what_becomes_invalid_is_found() {
        let any = text(&json!({}));
        let short = text(&json!({"maxLength": 3}));
        let shorter = text(&json!({"maxLength": 2}));
        let mut required = any.clone();
        required["required"] = json!(["kind"]);
        required["properties"]["kind"] = json!({"type": "string"});
        let mut defaulted = required.clone();
        defaulted["properties"]["kind"]["default"] = json!("plain");
        let specs = [json!({"text": "a"}), json!({"text": "abc"}), json!({"text": "abcd"})];
        for (before, after, expected) in [
            (&any, &short, 1),
            (&any, &shorter, 2),
            (&short, &any, 0),
            // The last one did not fit before either.
            (&short, &shorter, 1),
            (&any, &required, 3),
            (&any, &defaulted, 0),
        ] {
            let found = invalid(&definition(&[("v1", before.clone())]), &definition(&[("v1", after.clone())]), &specs);
            assert_eq!(found, [("v1".to_owned(), expected)], "{before} {after}");
        }
    }

    #[test]
    fn an_unchanged_schema_leaves_no_doubt() {
        let mut described = text(&json!({}));
        described["description"] = json!("new words");
        let (before, after) = (definition(&[("v1", text(&json!({})))]), definition(&[("v1", described)]));
        assert!(doubts(&before, &after).is_empty());
    }

    #[test]
    fn a_new_version_has_to_take_the_objects_of_the_old_one() {
        let any = text(&json!({}));
        let before = definition(&[("v1", any.clone())]);
        let mut after = definition(&[("v1", any.clone()), ("v2", text(&json!({"maxLength": 3})))]);
        let specs = [json!({"text": "abc"}), json!({"text": "abcd"})];
        assert_eq!(invalid(&before, &after, &specs), [("v1".to_owned(), 1)]);
        after["spec"]["versions"][1]["served"] = json!(false);
        assert!(doubts(&before, &after).is_empty(), "nobody sees them in it");
        after["spec"]["versions"][1]["served"] = json!(true);
        after["spec"]["conversion"] = json!({"strategy": "Webhook"});
        assert!(doubts(&before, &after).is_empty(), "nobody knows what the webhook makes of them");
    }

    #[test]
    fn a_version_that_is_stored_stays() {
        let any = text(&json!({}));
        let (one, two) = (("v1", any.clone()), ("v2", any));
        let before = definition(std::slice::from_ref(&one));
        assert_eq!(dropped(&before, &definition(&[two.clone(), one])), None);
        assert_eq!(dropped(&before, &definition(&[two])), Some("v1".to_owned()));
    }

    #[test]
    fn objects_are_read_in_a_version_that_is_served() {
        let any = text(&json!({}));
        let mut installed = definition(&[("v1", any.clone()), ("v2", any)]);
        assert_eq!(readable(&installed), Some("v1"));
        installed["spec"]["versions"][0]["served"] = json!(false);
        assert_eq!(readable(&installed), Some("v2"));
        installed["spec"]["versions"][1]["served"] = json!(false);
        assert_eq!(readable(&installed), None);
    }

    #[test]
    fn the_first_are_named_and_all_are_counted() {
        let (before, after) =
            (definition(&[("v1", text(&json!({})))]), definition(&[("v1", text(&json!({"maxLength": 3})))]));
        let doubts = doubts(&before, &after).remove("v1").unwrap();
        let objects: Vec<_> = (0..7).map(|index| object(&format!("o{index}"), &json!({"text": "abcd"}))).collect();
        let mut misfits = Misfits::among(&objects, &doubts);
        misfits.add(Misfits::among(&objects, &doubts));
        let said = misfits.to_string();
        assert_eq!((misfits.count(), said.matches("n/o").count()), (14, NAMED), "{said}");
        assert!(said.contains("n/o0 (in v1 /spec/text: ") && said.ends_with("; and 4 more"), "{said}");
    }
}
