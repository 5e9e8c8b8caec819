//! Where in a schema something stands: as a schema, as names of schemas, or as a value that a check never takes for one.
//!
//! A reference is followed by the path that it has, from the root of the document. That is what a check does too, as long as
//! nothing below the root has a name of its own.

use serde_json::Value;

/// Keywords whose members are subschemas by name.
pub(super) const BY_NAME: [&str; 4] = ["properties", "patternProperties", "dependentSchemas", "dependencies"];
/// The same, where only references lead to the subschemas.
pub(super) const DEFINITIONS: [&str; 2] = ["$defs", "definitions"];
/// Keywords that have values: what is in them is no schema.
pub(super) const VALUES: [&str; 4] = ["const", "enum", "default", "examples"];
/// Keywords that make what a reference leads to hard to say.
const DYNAMIC: [&str; 3] = ["$dynamicRef", "$recursiveRef", "$recursiveAnchor"];
/// Keywords that make a resource of its own of a part, with another base for references, another name or another draft.
const OWN: [&str; 5] = ["$id", "id", "$anchor", "$dynamicAnchor", "$schema"];

/// As what something stands there. What is in a list stands there as the list does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Schema,
    Names,
    Value,
}

impl Place {
    /// That of a member of what stands here.
    fn member(self, name: &str) -> Self {
        match self {
            Self::Schema if BY_NAME.contains(&name) || DEFINITIONS.contains(&name) => Self::Names,
            Self::Schema if VALUES.contains(&name) => Self::Value,
            Self::Schema | Self::Names => Self::Schema,
            Self::Value => Self::Value,
        }
    }
}

/// Refuses what makes a reference lead elsewhere than its path does, wherever in the document it is, also where no reference
/// leads. The message says what to write instead.
pub(super) fn check(schema: &Value) -> Result<(), String> {
    inside(schema, Place::Schema, true)
}

fn inside(value: &Value, place: Place, root: bool) -> Result<(), String> {
    match value {
        Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            member(name, value, place, root)?;
            match place.member(name) {
                Place::Value => Ok(()),
                place => inside(value, place, false),
            }
        }),
        Value::Array(list) => list.iter().try_for_each(|value| inside(value, place, false)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn member(name: &str, value: &Value, place: Place, root: bool) -> Result<(), String> {
    if place == Place::Schema && DYNAMIC.contains(&name) {
        return Err(format!("`{name}` is not supported: write `$ref` with `#/` and the path of what is meant"));
    }
    // A property may have such a name: then it has a schema, no text.
    if !root && value.is_string() && OWN.contains(&name) {
        return Err(format!("a part of it has an `{name}` of its own: that is not supported, leave it out"));
    }
    Ok(())
}

/// The schema that a JSON pointer leads to; none if there is nothing, or something else than a schema.
pub(super) fn find<'a>(root: &'a Value, pointer: &str) -> Option<&'a Value> {
    let (mut found, mut place) = (root, Place::Schema);
    for token in pointer.split('/').skip(1) {
        if found.is_object() {
            place = place.member(&token.replace("~1", "/").replace("~0", "~"));
        }
        found = found.pointer(&format!("/{token}"))?;
    }
    (place == Place::Schema).then_some(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_part_has_a_name_of_its_own() {
        for name in OWN {
            let own = json!({name: "http://x/"});
            for schema in [
                json!({"items": own}),
                json!({"$defs": {"a": own}}),
                json!({"definitions": {"a": {"not": own}}}),
                json!({"properties": {"default": own}}),
                json!({"properties": own}),
                json!({"$defs": {"properties": {"not": own}}}),
                json!({"anyOf": [true, own]}),
                json!({"unknown": {"unknown": [own]}}),
            ] {
                let refused = check(&schema).unwrap_err();
                assert!(refused.contains(name) && refused.contains("not supported"), "{schema}: {refused}");
            }
            for schema in [
                own.clone(),
                json!({"const": own}),
                json!({"default": {"a": own}, "enum": [own], "examples": [own]}),
                json!({"$defs": {"properties": {"enum": [own]}}}),
                json!({"properties": {name: {"type": "string"}}}),
            ] {
                assert_eq!(check(&schema), Ok(()), "{schema}");
            }
        }
    }

    #[test]
    fn what_leads_elsewhere_from_each_place_is_refused() {
        for name in DYNAMIC {
            assert!(check(&json!({name: "#a"})).unwrap_err().contains(name));
            assert!(check(&json!({"$defs": {"a": {name: true}}})).unwrap_err().contains(name));
            assert_eq!(check(&json!({"properties": {name: {}}, "default": {name: "#a"}})), Ok(()));
        }
    }

    #[test]
    fn a_pointer_leads_to_a_schema() {
        let schema = json!({
            "properties": {"default": {"const": {"a": {}}}, "a/b": {"anyOf": [{"title": "x"}, {"title": "y"}]}},
            "default": {"a": {}}, "$defs": {"properties": {"enum": [{}]}},
        });
        for good in ["", "/properties/default", "/properties/a~1b/anyOf/1", "/$defs/properties"] {
            assert_eq!(find(&schema, good), schema.pointer(good), "{good}");
        }
        for bad in [
            "/default",
            "/default/a",
            "/properties",
            "/$defs",
            "/properties/default/const/a",
            "/$defs/properties/enum/0",
        ] {
            assert!(schema.pointer(bad).is_some(), "{bad}");
            assert_eq!(find(&schema, bad), None, "{bad}");
        }
        assert_eq!(find(&schema, "/properties/a~1b/anyOf/01"), None);
        assert_eq!(find(&schema, "/nothing"), None);
    }
}
