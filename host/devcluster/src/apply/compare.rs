//! What differs between two states of an object, field by field.

use serde_json::Value;

use super::field_set::FieldSet;
use super::owned::children;
use crate::schema::Schema;

#[derive(Debug, Default)]
pub(super) struct Comparison {
    /// Added or modified.
    pub(super) changed: FieldSet,
    pub(super) removed: FieldSet,
}

pub(super) fn compare(old: &Value, new: &Value, schema: &Schema) -> Comparison {
    let mut comparison = Comparison::default();
    comparison.both(old, new, Some(schema), &mut Vec::new());
    comparison
}

impl Comparison {
    fn both(&mut self, old: &Value, new: &Value, schema: Option<&Schema>, path: &mut Vec<String>) {
        if old == new {
            return;
        }
        let (old_children, new_children) = (children(old, schema), children(new, schema));
        if old_children.is_empty() && new_children.is_empty() {
            self.changed.insert(path);
            return;
        }
        for (element, child, child_schema) in &new_children {
            path.push(element.clone());
            match old_children.iter().find(|(other, ..)| other == element) {
                Some((_, other, _)) => self.both(other, child, *child_schema, path),
                None => insert_all(&mut self.changed, child, *child_schema, path),
            }
            path.pop();
        }
        for (element, child, child_schema) in &old_children {
            if !new_children.iter().any(|(other, ..)| other == element) {
                path.push(element.clone());
                insert_all(&mut self.removed, child, *child_schema, path);
                path.pop();
            }
        }
    }
}

fn insert_all(set: &mut FieldSet, value: &Value, schema: Option<&Schema>, path: &mut Vec<String>) {
    set.insert(path);
    for (element, child, child_schema) in children(value, schema) {
        path.push(element);
        insert_all(set, child, child_schema, path);
        path.pop();
    }
}
