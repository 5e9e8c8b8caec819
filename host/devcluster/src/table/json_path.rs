//! The part of `JSONPath` that CRDs use: fields, indices, `[*]` and equality filters.

use serde_json::Value;

/// A parsed path such as `.status.conditions[?(@.type=="Ready")].status`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JsonPath(Vec<Step>);

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Field(String),
    Index(i64),
    All,
    /// Items whose field equals the value.
    Filter(Vec<String>, Value),
}

impl JsonPath {
    /// Parses a path; the error says what is not understood.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        let mut rest = text.trim().trim_start_matches('$');
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('[') {
                let end = bracket_end(after).ok_or_else(|| format!("unterminated array in {text}"))?;
                steps.push(bracket(&after[..end])?);
                rest = &after[end + 1..];
            } else {
                let after = rest.strip_prefix('.').ok_or_else(|| format!("a path begins with a dot: {text}"))?;
                let (name, length) = field(after);
                if name.is_empty() {
                    return Err(format!("empty field name in {text}"));
                }
                steps.push(if name == "*" { Step::All } else { Step::Field(name) });
                rest = &after[length..];
            }
        }
        Ok(Self(steps))
    }

    /// The values that the path leads to.
    pub(crate) fn find<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        let mut found = vec![value];
        for step in &self.0 {
            found = found.into_iter().flat_map(|value| step.walk(value)).collect();
        }
        found.retain(|value| !value.is_null());
        found
    }

    /// The field names, if the path has nothing else.
    pub(crate) fn fields(&self) -> Option<Vec<&str>> {
        self.0
            .iter()
            .map(|step| match step {
                Step::Field(name) => Some(name.as_str()),
                _ => None,
            })
            .collect()
    }
}

impl Step {
    fn walk<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        match self {
            Self::Field(name) => value.get(name).into_iter().collect(),
            Self::Index(index) => {
                let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
                let from_end = usize::try_from(-index).ok().filter(|_| *index < 0);
                let position = from_end.map_or(usize::try_from(*index).ok(), |back| items.len().checked_sub(back));
                position.and_then(|position| items.get(position)).into_iter().collect()
            }
            Self::All => match value {
                Value::Array(items) => items.iter().collect(),
                Value::Object(map) => map.values().collect(),
                _ => Vec::new(),
            },
            Self::Filter(path, wanted) => {
                let matches = |item: &&Value| path.iter().try_fold(*item, |value, key| value.get(key)) == Some(wanted);
                value.as_array().into_iter().flatten().filter(matches).collect()
            }
        }
    }
}

/// A field name, where `\.` stands for a dot, and how many bytes of the text it took.
fn field(text: &str) -> (String, usize) {
    let mut name = String::new();
    let mut characters = text.char_indices();
    while let Some((position, character)) = characters.next() {
        match character {
            '.' | '[' => return (name, position),
            '\\' => name.extend(characters.next().map(|(_, escaped)| escaped)),
            other => name.push(other),
        }
    }
    (name, text.len())
}

/// Where the bracket that was opened before `text` closes; quoted brackets do not count.
fn bracket_end(text: &str) -> Option<usize> {
    let mut quote = None;
    for (position, character) in text.char_indices() {
        match (quote, character) {
            (None, ']') => return Some(position),
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), character) if open == character => quote = None,
            _ => {}
        }
    }
    None
}

fn bracket(text: &str) -> Result<Step, String> {
    let text = text.trim();
    if let Some(filter) = text.strip_prefix("?(").and_then(|filter| filter.strip_suffix(')')) {
        let (left, right) = filter.split_once("==").ok_or_else(|| format!("only == filters are supported: {text}"))?;
        let path = left.trim().strip_prefix("@.").ok_or_else(|| format!("a filter begins with @.: {text}"))?;
        return Ok(Step::Filter(path.split('.').map(str::to_owned).collect(), literal(right.trim())));
    }
    match text {
        "*" => Ok(Step::All),
        quoted if quoted.starts_with(['\'', '"']) => Ok(Step::Field(quoted.trim_matches(['\'', '"']).to_owned())),
        number => number.parse().map(Step::Index).map_err(|_| format!("[{text}] is not supported")),
    }
}

fn literal(text: &str) -> Value {
    if text.starts_with(['\'', '"']) {
        return Value::String(text.trim_matches(['\'', '"']).to_owned());
    }
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn find(path: &str, value: &Value) -> Vec<Value> {
        JsonPath::parse(path).unwrap().find(value).into_iter().cloned().collect()
    }

    #[test]
    fn filters_find_a_condition() {
        let object = json!({"status": {"conditions": [
            {"type": "Synced", "status": "False"},
            {"type": "Ready", "status": "True"},
        ]}});
        assert_eq!(find(r#".status.conditions[?(@.type=="Ready")].status"#, &object), [json!("True")]);
        assert_eq!(find(".status.conditions[*].type", &object), [json!("Synced"), json!("Ready")]);
        assert_eq!(find(".status.conditions[-1].type", &object), [json!("Ready")]);
        assert!(find(".status.nothing.here", &object).is_empty());
    }

    #[test]
    fn dots_in_names_are_escaped_or_quoted() {
        let object = json!({"metadata": {"labels": {"a.b/c": "x"}}});
        assert_eq!(find(r".metadata.labels.a\.b/c", &object), [json!("x")]);
        assert_eq!(find(".metadata.labels['a.b/c']", &object), [json!("x")]);
    }

    #[test]
    fn what_is_not_supported_is_an_error() {
        assert!(JsonPath::parse(".a[?(@.b>3)]").is_err());
        assert!(JsonPath::parse("a.b").is_err());
    }
}
