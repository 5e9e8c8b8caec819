//! Reading and writing the parts that all Kubernetes objects share.

use serde_json::{Map, Value};

/// How many levels of lists and maps an object may have. Readers of JSON, among them that of the journal and those of many
/// clients, stop at 128, and lists, watches and transactions put a few around it.
pub(crate) const MAX_LEVELS: usize = 120;

/// How many levels of lists and maps a value has; a scalar has none. Does not recurse.
pub(crate) fn levels(value: &Value) -> usize {
    let mut level = vec![value];
    let mut count = 0;
    loop {
        let mut below = Vec::new();
        let mut is_nested = false;
        for value in level {
            match value {
                Value::Object(members) => below.extend(members.values()),
                Value::Array(items) => below.extend(items),
                _ => continue,
            }
            is_nested = true;
        }
        if !is_nested {
            return count;
        }
        count += 1;
        level = below;
    }
}

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

/// The path of a member (`spec.size`) of what is at a path, which is "" for the whole object.
pub(crate) fn member_path(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn levels_are_those_of_the_deepest_part() {
        let cases = [(json!(1), 0), (json!({}), 1), (json!([1, "a"]), 1), (json!({"a": 1, "b": [{}], "c": {}}), 3)];
        for (value, expected) in cases {
            assert_eq!(levels(&value), expected, "{value}");
        }
    }
}
