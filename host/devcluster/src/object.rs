//! Reading and writing the parts that all Kubernetes objects share.

use serde_json::{Map, Value};

/// Access to object metadata on a JSON value that is known to be a JSON object.
pub(crate) trait ObjectExt {
    /// A string below `metadata`, or "" when absent.
    fn meta_str(&self, field: &str) -> &str;
    /// `metadata.<field>` as a list of strings.
    fn meta_strings(&self, field: &str) -> Vec<&str>;
    /// `metadata`, created when absent.
    fn metadata_mut(&mut self) -> &mut Map<String, Value>;
    /// Whether a delete was asked for and finalizers still hold the object.
    fn is_deleting(&self) -> bool;
}

impl ObjectExt for Value {
    fn meta_str(&self, field: &str) -> &str {
        self.get("metadata").and_then(|metadata| metadata.get(field)).and_then(Value::as_str).unwrap_or_default()
    }

    fn meta_strings(&self, field: &str) -> Vec<&str> {
        let list = self.get("metadata").and_then(|metadata| metadata.get(field)).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    fn metadata_mut(&mut self) -> &mut Map<String, Value> {
        if !self.get("metadata").is_some_and(Value::is_object) {
            self["metadata"] = Value::Object(Map::new());
        }
        match &mut self["metadata"] {
            Value::Object(metadata) => metadata,
            // The line above made it an object.
            _ => unreachable!(),
        }
    }

    fn is_deleting(&self) -> bool {
        !self.meta_str("deletionTimestamp").is_empty()
    }
}

/// Sets or removes a member, so that "absent" stays absent.
pub(crate) fn set_or_remove(map: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    match value {
        Some(value) => map.insert(key.to_owned(), value),
        None => map.remove(key),
    };
}

/// Sets or removes a top-level member of an object.
pub(crate) fn set_member(object: &mut Value, key: &str, value: Option<Value>) {
    if let Value::Object(map) = object {
        set_or_remove(map, key, value);
    }
}

/// The current time as Kubernetes writes it: whole seconds, UTC.
pub(crate) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
