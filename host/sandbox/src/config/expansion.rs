//! How large a schema is once its references are followed, which is what a check may have to go through.

use serde_json::{Map, Value};

use super::place::{self, BY_NAME, DEFINITIONS, VALUES};

/// Subschemas, each counted as often as a check may come to it. The largest schemas of configurations have hundreds.
const SUBSCHEMAS: u32 = 10_000;
/// Levels, those behind references included.
const DEPTH: u32 = 128;
/// What has an `unevaluated...` makes a check come to all that is below once more, and what has one below that again.
const UNEVALUATED: u32 = 4;

/// Refuses a schema that a check could take long with: one that refers to itself, or to the same things again and again. Takes
/// about as long as reading it once, whatever it says.
pub(super) fn check(schema: &Value) -> Result<(), String> {
    place::check(schema)?;
    Expansion { root: schema, left: SUBSCHEMAS }.schema(schema, 0, 1)
}

struct Expansion<'a> {
    root: &'a Value,
    left: u32,
}

impl<'a> Expansion<'a> {
    /// `weight` is how often a check comes here.
    fn schema(&mut self, schema: &'a Value, depth: u32, weight: u32) -> Result<(), String> {
        // `true` and `false` are schemas too.
        let Value::Object(members) = schema else { return self.spend(weight) };
        if depth > DEPTH {
            return Err(format!("it goes more than {DEPTH} levels deep, or refers to itself: write it flat"));
        }
        self.spend(weight)?;
        let repeats = members.contains_key("unevaluatedProperties") || members.contains_key("unevaluatedItems");
        let weight = if repeats { weight.saturating_mul(UNEVALUATED) } else { weight };
        self.members(members, depth + 1, weight)
    }

    fn members(&mut self, members: &'a Map<String, Value>, depth: u32, weight: u32) -> Result<(), String> {
        for (keyword, value) in members {
            match value {
                Value::String(reference) if keyword == "$ref" => {
                    let target = self.target(reference)?;
                    self.schema(target, depth, weight)?;
                }
                // A check looks at nothing of these by itself: at values, and at subschemas that something else refers to.
                _ if VALUES.contains(&keyword.as_str()) || DEFINITIONS.contains(&keyword.as_str()) => {}
                Value::Object(named) if BY_NAME.contains(&keyword.as_str()) => {
                    for below in named.values() {
                        self.schema(below, depth, weight)?;
                    }
                }
                Value::Object(_) => self.schema(value, depth, weight)?,
                Value::Array(list) => {
                    for below in list.iter().filter(|below| below.is_object()) {
                        self.schema(below, depth, weight)?;
                    }
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        Ok(())
    }

    fn spend(&mut self, weight: u32) -> Result<(), String> {
        self.left = self.left.checked_sub(weight).ok_or_else(|| {
            format!(
                "it has more than {SUBSCHEMAS} parts once its references are followed: it refers to itself, or to the same parts \
                 again and again"
            )
        })?;
        Ok(())
    }

    /// Only what is said in one way is followed, so that nobody finds something else there.
    fn target(&self, reference: &str) -> Result<&'a Value, String> {
        let pointer = reference.strip_prefix('#').filter(|pointer| pointer.is_empty() || pointer.starts_with('/'));
        let plain = pointer.filter(|pointer| !pointer.contains('%'));
        let found = plain.and_then(|pointer| place::find(self.root, pointer));
        found.ok_or_else(|| {
            let reference = crate::text::line(reference, REFERENCE);
            format!("`$ref` has `{reference}`: write `#/` and the path of a schema in this one, without %")
        })
    }
}

/// Bytes of a reference that are told.
const REFERENCE: usize = 80;

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use serde_json::json;

    use super::*;

    /// Each level has twice what is below it.
    fn doubling(levels: usize, keyword: &str) -> Value {
        let mut definitions = Map::new();
        for level in 0..levels {
            let below = json!({"$ref": format!("#/$defs/l{}", level + 1)});
            definitions.insert(format!("l{level}"), json!({keyword: [below, below]}));
        }
        definitions.insert(format!("l{levels}"), json!({"type": "object"}));
        json!({"$ref": "#/$defs/l0", "$defs": definitions})
    }

    #[test]
    fn a_chain_of_doublings_is_refused_at_once() {
        for keyword in ["allOf", "anyOf", "oneOf"] {
            let began = Instant::now();
            let refused = check(&doubling(40, keyword)).unwrap_err();
            assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
            assert!(refused.contains("more than 10000 parts") && refused.contains("again and again"), "{refused}");
        }
        assert_eq!(check(&doubling(10, "allOf")), Ok(()));
    }

    /// A check follows references below an `$id` from there.
    #[test]
    fn nothing_is_hidden_behind_another_base() {
        let mut schema = doubling(40, "allOf");
        let hidden = schema["$defs"].take();
        let names: Map<String, Value> = (1..=40).map(|level| (format!("l{level}"), json!({}))).collect();
        schema["$defs"] = names.into();
        schema["$defs"]["x"] = json!({"$id": "http://x/", "$defs": hidden});
        schema["$ref"] = "#/$defs/x/$defs/l0".into();
        let refused = check(&schema).unwrap_err();
        assert!(refused.contains("`$id`") && refused.contains("leave it out"), "{refused}");
    }

    #[test]
    fn what_refers_to_itself_is_refused() {
        for schema in [
            json!({"$ref": "#"}),
            json!({"properties": {"child": {"$ref": "#"}}}),
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"items": {"$ref": "#/$defs/b"}}, "b": {"not": {"$ref": "#/$defs/a"}}}}),
            json!({"properties": {"$defs": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}}}),
        ] {
            let refused = check(&schema).unwrap_err();
            assert!(refused.contains("refers to itself"), "{schema}: {refused}");
        }
    }

    #[test]
    fn what_is_looked_at_again_on_each_level_counts_as_often() {
        let nested = |levels: usize| {
            let mut schema = json!({"type": "object"});
            for _ in 0..levels {
                schema = json!({"unevaluatedProperties": false, "anyOf": [schema]});
            }
            schema
        };
        assert_eq!(check(&nested(3)), Ok(()));
        assert!(check(&nested(20)).unwrap_err().contains("10000 parts"));
    }

    #[test]
    fn references_lead_to_something_in_the_schema_in_one_way() {
        let schema = |reference: &str| json!({"properties": {"a": {"$ref": reference}}, "$defs": {"b": {"type": "string"}, "%62": {}, "c/d": {}}});
        for good in ["#/$defs/b", "#/$defs/c~1d"] {
            assert_eq!(check(&schema(good)), Ok(()), "{good}");
        }
        for bad in ["#b", "#/$defs/%62", "#/$defs/x", "#/$defs", "b.json", "https://example.org/b", ""] {
            assert!(check(&schema(bad)).unwrap_err().contains("`$ref` has"), "{bad}");
        }
        for odd in [json!({"$dynamicRef": "#b"}), json!({"$recursiveRef": "#"}), json!({"$id": "https://a.b"})] {
            assert!(check(&json!({"items": odd})).unwrap_err().contains("not supported"), "{odd}");
        }
    }

    #[test]
    fn a_usual_schema_passes() {
        let address = json!({"type": "object", "required": ["host"], "properties": {
            "host": {"type": "string", "pattern": "^[a-z.]+$"}, "port": {"type": "integer", "maximum": 65535},
            "id": {"type": "string"}, "$ref": {"type": "string"},
        }});
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://example.org/config",
            "type": "object", "additionalProperties": false,
            "properties": {
                "primary": {"$ref": "#/$defs/address"},
                "others": {"type": "array", "maxItems": 16, "items": {"$ref": "#/$defs/address"}},
                "mode": {"enum": [{"$ref": "#/nowhere"}, "fast", "safe"], "default": {"$ref": "#"}},
                "tls": {"oneOf": [{"const": false}, {"type": "object", "properties": {"ca": {"type": "string"}}}]},
            },
            "$defs": {"address": address},
        });
        assert_eq!(check(&schema), Ok(()));
    }
}
