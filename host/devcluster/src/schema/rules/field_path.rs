//! The `fieldPath` of a rule: which field, below the one that the rule stands at, an error is about.

use crate::schema::Schema;

/// Reads a path such as `.spec.x` or `['a.b'].x` and writes it as it stands in errors; `None` if it is no path of
/// fields and map keys of the schema.
pub(super) fn normalize(path: &str, schema: &Schema) -> Option<String> {
    let mut normalized = String::new();
    let (mut rest, mut schema) = (path, schema);
    while !rest.is_empty() {
        let name = if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[', ']']).unwrap_or(after.len());
            rest = &after[end..];
            after[..end].to_owned()
        } else {
            let (name, after) = quoted(rest.strip_prefix("['")?)?;
            rest = after.strip_prefix(']')?;
            name
        };
        match &schema.additional {
            Some(additional) if schema.properties.is_empty() => {
                normalized.extend(["[", &name, "]"]);
                schema = additional;
            }
            _ => {
                normalized.extend([if normalized.is_empty() { "" } else { "." }, &name]);
                schema = schema.properties.get(&name)?;
            }
        }
    }
    Some(normalized)
}

/// The text up to the closing quote, and what follows the quote.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut found = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\'' => return Some((found, &text[at + 1..])),
            '\\' => found.push(match characters.next()?.1 {
                'a' => '\u{7}',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'v' => '\u{b}',
                same @ ('\'' | '\\') => same,
                _ => return None,
            }),
            other => found.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::parse;

    #[test]
    fn paths_name_fields_and_map_keys_of_the_schema() {
        let number = json!({"type": "integer"});
        let schema = parse(
            &json!({"type": "object", "properties": {
                "spec": {"type": "object", "properties": {"x": number, "a.b": number}},
                "labels": {"type": "object", "additionalProperties": {"type": "object", "properties": {"x": number}}},
                "list": {"type": "array", "items": number},
            }}),
            "",
            &mut Vec::new(),
        );
        let cases = [
            (".spec.x", Some("spec.x")),
            (".spec['a.b']", Some("spec.a.b")),
            ("['spec'].x", Some("spec.x")),
            (".labels['k\\'s'].x", Some("labels[k's].x")),
            (".labels.any", Some("labels[any]")),
            (".spec.y", None),
            ("spec", None),
            (".list[0]", None),
            (".spec['x", None),
        ];
        for (path, wanted) in cases {
            assert_eq!(normalize(path, &schema).as_deref(), wanted, "{path}");
        }
    }
}
