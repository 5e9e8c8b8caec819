//! Sets of fields, in the form of `FieldsV1`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A set of paths, as a tree. Path elements are spelled as in `FieldsV1`: `f:name`, `k:{"name":"http"}`, `v:"item"`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSet {
    children: BTreeMap<String, Node>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Node {
    /// Whether the path that ends here is in the set.
    member: bool,
    below: FieldSet,
}

impl FieldSet {
    pub(crate) fn is_empty(&self) -> bool {
        self.children.is_empty()
    }

    pub(crate) fn insert(&mut self, path: &[String]) {
        match path {
            [] => {}
            [last] => self.children.entry(last.clone()).or_default().member = true,
            [first, rest @ ..] => self.children.entry(first.clone()).or_default().below.insert(rest),
        }
    }

    /// The set of what lies below an element, and whether the element itself is a member.
    pub(crate) fn child(&self, element: &str) -> Option<(&FieldSet, bool)> {
        self.children.get(element).map(|node| (&node.below, node.member))
    }

    /// Removes one path, leaving what is below it.
    pub(crate) fn remove(&mut self, path: &[&str]) {
        let Some((first, rest)) = path.split_first() else {
            return;
        };
        if let Some(node) = self.children.get_mut(*first) {
            if rest.is_empty() {
                node.member = false;
            } else {
                node.below.remove(rest);
            }
            self.drop_if_empty(first);
        }
    }

    /// Removes a path and everything below it.
    pub(crate) fn remove_all(&mut self, path: &[&str]) {
        match path {
            [] => {}
            [last] => drop(self.children.remove(*last)),
            [first, rest @ ..] => {
                if let Some(node) = self.children.get_mut(*first) {
                    node.below.remove_all(rest);
                    self.drop_if_empty(first);
                }
            }
        }
    }

    fn drop_if_empty(&mut self, element: &str) {
        if self.children.get(element).is_some_and(Node::is_empty) {
            self.children.remove(element);
        }
    }

    pub(crate) fn union(&self, other: &Self) -> Self {
        let mut union = self.clone();
        for (element, node) in &other.children {
            let mine = union.children.entry(element.clone()).or_default();
            mine.member |= node.member;
            mine.below = mine.below.union(&node.below);
        }
        union
    }

    pub(crate) fn difference(&self, other: &Self) -> Self {
        self.combine(other, |mine, theirs| mine && !theirs)
    }

    pub(crate) fn intersection(&self, other: &Self) -> Self {
        self.combine(other, |mine, theirs| mine && theirs)
    }

    fn combine(&self, other: &Self, keep: fn(bool, bool) -> bool) -> Self {
        let nothing = Node::default();
        let children = self.children.iter().filter_map(|(element, node)| {
            let theirs = other.children.get(element).unwrap_or(&nothing);
            let combined =
                Node { member: keep(node.member, theirs.member), below: node.below.combine(&theirs.below, keep) };
            (!combined.is_empty()).then(|| (element.clone(), combined))
        });
        Self { children: children.collect() }
    }

    /// All members as field paths such as `.spec.ports[name="http"].port`; on each level what ends there comes first.
    pub(crate) fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.collect_paths("", &mut paths);
        paths
    }

    fn collect_paths(&self, prefix: &str, paths: &mut Vec<String>) {
        let members = self.children.iter().filter(|(_, node)| node.member);
        paths.extend(members.map(|(element, _)| format!("{prefix}{}", display(element))));
        for (element, node) in &self.children {
            node.below.collect_paths(&format!("{prefix}{}", display(element)), paths);
        }
    }

    pub(crate) fn to_fields_v1(&self) -> Value {
        let children = self.children.iter().map(|(element, node)| {
            let mut fields = node.below.to_fields_v1();
            if let Value::Object(map) = &mut fields
                && node.member
                && !map.is_empty()
            {
                map.insert(".".to_owned(), Value::Object(Map::new()));
            }
            (element.clone(), fields)
        });
        Value::Object(children.collect())
    }

    pub(crate) fn from_fields_v1(fields: &Value) -> Self {
        let children = fields.as_object().into_iter().flatten().filter(|(element, _)| *element != ".");
        let children = children.map(|(element, below)| {
            let empty = below.as_object().is_none_or(Map::is_empty);
            let node = Node { member: empty || below.get(".").is_some(), below: Self::from_fields_v1(below) };
            (element.clone(), node)
        });
        Self { children: children.collect() }
    }
}

impl Node {
    fn is_empty(&self) -> bool {
        !self.member && self.below.is_empty()
    }
}

/// A path element as messages show it.
pub(super) fn display(element: &str) -> String {
    match element.split_at_checked(2) {
        Some(("f:", name)) => format!(".{name}"),
        Some(("v:", value)) => format!("[={value}]"),
        Some(("i:", index)) => format!("[{index}]"),
        Some(("k:", keys)) => {
            let keys: Map<String, Value> = serde_json::from_str(keys).unwrap_or_default();
            let keys: Vec<String> = keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("[{}]", keys.join(","))
        }
        _ => element.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_v1_is_read_and_written() {
        let fields =
            json!({"f:spec": {".": {}, "f:size": {}, "f:ports": {"k:{\"name\":\"http\"}": {".": {}, "f:port": {}}}}});
        let set = FieldSet::from_fields_v1(&fields);
        assert_eq!(set.to_fields_v1(), fields);
        assert_eq!(
            set.paths(),
            [".spec", ".spec.size", ".spec.ports[name=\"http\"]", ".spec.ports[name=\"http\"].port"]
        );
    }

    #[test]
    fn set_operations_look_at_members_not_at_prefixes() {
        let a = FieldSet::from_fields_v1(&json!({"f:a": {".": {}, "f:x": {}}, "f:b": {}}));
        let b = FieldSet::from_fields_v1(&json!({"f:a": {}, "f:c": {}}));
        assert_eq!(a.difference(&b).to_fields_v1(), json!({"f:a": {"f:x": {}}, "f:b": {}}));
        assert_eq!(a.intersection(&b).to_fields_v1(), json!({"f:a": {}}));
        assert_eq!(a.union(&b).to_fields_v1(), json!({"f:a": {".": {}, "f:x": {}}, "f:b": {}, "f:c": {}}));
    }
}
