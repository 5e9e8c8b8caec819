//! Which fields the built-in kinds have. Schemas know those of some kinds only; the table of messages knows all.

use serde_json::Value;

use super::messages::{Field, MESSAGES, Message, Shape, Type};
use crate::apply::item_name;
use crate::object::member_path;
use crate::schema::Schema;

/// A value that no field of its name can have: what was found, where, and what the field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrongType {
    pub(crate) found: &'static str,
    /// The names on the way, without positions in lists or keys of maps.
    pub(crate) path: String,
    pub(crate) wanted: &'static str,
}

/// Removes from an object the fields that its kind has not got, and adds their paths to `unknown`. Items of lists are named by
/// their positions, or the way that the schemas in `lists` tell them apart.
pub(crate) fn prune(
    message: &Message,
    value: &mut Value,
    lists: Option<&Schema>,
    unknown: &mut Vec<String>,
) -> Result<(), WrongType> {
    let top = Place { path: String::new(), names: String::new(), schema: lists };
    Walk { unknown }.message(message, value, &top)
}

/// Where a walk is.
struct Place<'a> {
    path: String,
    /// The path without positions and keys.
    names: String,
    schema: Option<&'a Schema>,
}

impl Place<'_> {
    fn field(&self, name: &str) -> Self {
        Self { names: member_path(&self.names, name), ..self.entry(name) }
    }

    /// Of a map with arbitrary keys.
    fn entry(&self, key: &str) -> Self {
        let schema = self.schema.and_then(|schema| schema.member(key));
        Self { path: member_path(&self.path, key), names: self.names.clone(), schema }
    }

    fn item(&self, item: &Value, index: usize) -> Self {
        let name = self.schema.map_or_else(|| format!("[{index}]"), |list| item_name(item, index, list));
        let schema = self.schema.and_then(Schema::item);
        Self { path: format!("{}{name}", self.path), names: self.names.clone(), schema }
    }
}

struct Walk<'a> {
    unknown: &'a mut Vec<String>,
}

impl Walk<'_> {
    fn message(&mut self, message: &Message, value: &mut Value, place: &Place) -> Result<(), WrongType> {
        if message.is_list {
            let items = message.fields().next();
            return items.map_or(Ok(()), |items| self.list(items.ty, value, place));
        }
        let Value::Object(map) = value else { return mismatch(value, place, "object") };
        let mut done = Ok(());
        map.retain(|key, child| {
            match member(message, key) {
                Some(field) if done.is_ok() => done = self.field(field, child, &place.field(key)),
                None if !(message.is_kind && matches!(&**key, "apiVersion" | "kind")) => {
                    self.unknown.push(member_path(&place.path, key));
                    return false;
                }
                _ => {}
            }
            true
        });
        done
    }

    fn field(&mut self, field: &Field, value: &mut Value, place: &Place) -> Result<(), WrongType> {
        match (field.shape, value) {
            // Nulls count as absent.
            (_, Value::Null) => Ok(()),
            (Shape::List, value) => self.list(field.ty, value, place),
            (Shape::Map, Value::Object(map)) => {
                map.iter_mut().try_for_each(|(key, child)| self.value(field.ty, child, &place.entry(key)))
            }
            (Shape::Map, value) => mismatch(value, place, "object"),
            (Shape::One | Shape::Inline, value) => self.value(field.ty, value, place),
        }
    }

    fn list(&mut self, ty: Type, value: &mut Value, place: &Place) -> Result<(), WrongType> {
        let Value::Array(items) = value else { return mismatch(value, place, "array") };
        items.iter_mut().enumerate().try_for_each(|(index, item)| {
            let place = place.item(item, index);
            self.value(ty, item, &place)
        })
    }

    fn value(&mut self, ty: Type, value: &mut Value, place: &Place) -> Result<(), WrongType> {
        // As in the whole of an object, a number may be written with a fraction that is none.
        let is_whole = |value: &Value| {
            value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
        };
        let (fits, wanted) = match ty {
            _ if value.is_null() => return Ok(()),
            Type::Message(index) => return self.message(MESSAGES.message(index), value, place),
            Type::RawExtension | Type::FieldsV1 => return Ok(()),
            Type::Bool => (value.is_boolean(), "boolean"),
            Type::Int => (is_whole(value), "integer"),
            Type::String | Type::Bytes | Type::Time | Type::MicroTime => (value.is_string(), "string"),
            Type::Quantity => (value.is_string() || value.is_number(), "string"),
            Type::IntOrString => (value.is_string() || is_whole(value), "string"),
        };
        if fits { Ok(()) } else { mismatch(value, place, wanted) }
    }
}

/// The field of a name, also if it is one of a message that counts as part of this one.
fn member<'a>(message: &'a Message, name: &str) -> Option<&'a Field> {
    message.fields().find_map(|field| match (field.shape, field.ty) {
        (Shape::Inline, Type::Message(index)) => member(MESSAGES.message(index), name),
        _ => (field.name == name).then_some(field),
    })
}

fn mismatch(value: &Value, place: &Place, wanted: &'static str) -> Result<(), WrongType> {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    Err(WrongType { found, path: place.names.clone(), wanted })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::parse;

    fn pruned(api_version: &str, kind: &str, mut value: Value) -> (Value, Vec<String>, Result<(), WrongType>) {
        let mut unknown = Vec::new();
        let done = prune(MESSAGES.kind(api_version, kind).unwrap(), &mut value, None, &mut unknown);
        (value, unknown, done)
    }

    /// Objects that the types of Kubernetes wrote, with a value in every field.
    #[test]
    fn no_field_of_kubernetes_is_unknown_or_of_another_type() {
        let samples: Vec<Value> = serde_json::from_str(include_str!("../request/protobuf/samples.json")).unwrap();
        assert!(!samples.is_empty());
        for sample in samples {
            let object = sample["json"].clone();
            let text = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
            let (value, unknown, done) = pruned(&text("apiVersion"), &text("kind"), object.clone());
            assert_eq!((unknown, done), (Vec::new(), Ok(())), "{}", sample["name"]);
            assert_eq!(value, object, "{}", sample["name"]);
        }
    }

    #[test]
    fn what_a_kind_has_not_got_goes_wherever_it_is() {
        let containers = json!([{"name": "a", "imago": "a:1", "resources": {"requests": {"cpu": 1, "memory": "1Gi"}}}]);
        let claims = json!([{"kind": "PersistentVolumeClaim", "metadata": {"name": "d"}, "bogus": 1}]);
        let spec = json!({"template": {"spec": {"containers": containers}}, "volumeClaimTemplates": claims});
        let (value, unknown, done) = pruned("apps/v1", "StatefulSet", json!({"spec": spec, "extra": {}}));
        assert_eq!(done, Ok(()));
        let expected = ["extra", "spec.template.spec.containers[0].imago", "spec.volumeClaimTemplates[0].bogus"];
        assert_eq!(unknown, expected);
        assert_eq!(value.pointer("/spec/template/spec/containers/0/imago"), None);
        assert_eq!(value.pointer("/spec/volumeClaimTemplates/0/kind"), Some(&json!("PersistentVolumeClaim")));
    }

    #[test]
    fn items_are_named_as_their_list_tells_them_apart() {
        let schema = |keys: &[&str]| {
            let list = json!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys});
            parse(&json!({"properties": {"spec": {"properties": {"containers": list}}}}), "", &mut Vec::new())
        };
        let containers = json!([{"name": "a", "imago": 1, "args": ["b"], "envFrom": [{}, {"bogus": 1}]}]);
        let mut pod = json!({"spec": {"containers": containers}});
        let mut unknown = Vec::new();
        let message = MESSAGES.kind("v1", "Pod").unwrap();
        assert_eq!(prune(message, &mut pod, Some(&schema(&["name"])), &mut unknown), Ok(()));
        unknown.sort();
        assert_eq!(unknown, [r#"spec.containers[name="a"].envFrom[1].bogus"#, r#"spec.containers[name="a"].imago"#]);
    }

    #[test]
    fn a_value_of_another_type_is_named_without_positions() {
        let rules = json!({"rules": [{"apiGroups": [""], "resources": "pods", "verbs": ["get"]}]});
        let wrong = WrongType { found: "string", path: "rules.resources".to_owned(), wanted: "array" };
        assert_eq!(pruned("rbac.authorization.k8s.io/v1", "Role", rules).2, Err(wrong));
    }
}
