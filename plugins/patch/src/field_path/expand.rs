//! From a path with `*` to the paths that it stands for.

use serde_json::Value;

use super::{FieldPath, LookupError, Segment};

impl FieldPath {
    /// One path per element that `*` meets in `root`: lists in order, maps by key. What follows the last `*` need not
    /// exist, so that a field can be created in every element; an element that ends before a further `*` is left out.
    /// A path without `*` stands for itself.
    ///
    /// Errors when what stands before the first `*` is missing, or is neither a list nor a map.
    pub fn expand(&self, root: &Value) -> Result<Vec<FieldPath>, LookupError> {
        if !self.has_wildcard() {
            return Ok(vec![self.clone()]);
        }
        let mut done = vec![FieldPath::default()];
        let mut literal = Vec::new();
        let mut first = true;
        for segment in self.segments() {
            if !segment.is_wildcard() {
                literal.push(segment.clone());
                continue;
            }
            let mut next = Vec::new();
            for base in &done {
                let container = base.join(&literal);
                match container.get(root) {
                    Ok(value) => next.extend(elements(value, &container)?),
                    Err(error) if error.is_not_found() && !first => {}
                    Err(error) => return Err(error),
                }
            }
            done = next;
            literal.clear();
            first = false;
        }
        Ok(done.iter().map(|base| base.join(&literal)).collect())
    }

    fn join(&self, more: &[Segment]) -> FieldPath {
        self.segments().iter().chain(more).cloned().collect()
    }
}

fn elements(value: &Value, container: &FieldPath) -> Result<Vec<FieldPath>, LookupError> {
    match value {
        Value::Array(list) => {
            let indices = (0..).take(list.len());
            Ok(indices.map(|index| container.join(&[Segment::Index(index)])).collect())
        }
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            Ok(keys.into_iter().map(|key| container.join(&[Segment::Field(key.clone())])).collect())
        }
        _ => Err(LookupError::NotAnObject(container.clone())),
    }
}
