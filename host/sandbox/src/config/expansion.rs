//! How large a schema is once its references are followed, which is what a check may have to go through.

use serde_json::{Map, Value};

use super::place::{self, BY_NAME, DEFINITIONS, VALUES};

/// Parts, each counted as often as a check may come to it: subschemas, and what is in their lists and values. The largest schemas
/// of configurations have hundreds.
const PARTS: u32 = 10_000;
/// Levels, those behind references included.
const DEPTH: u32 = 128;
/// What has an `unevaluated...` makes a check come to all that is below once more, and what has one below that again.
const UNEVALUATED: u32 = 4;
/// Bytes of a text that count as one more part: an error may have a copy of it.
const TEXT: usize = 64;
/// Keywords of a schema that count as one more part. No draft has twice as many, and hardly a schema has half of them.
const KEYWORDS: usize = 32;

/// Parts that a pattern counts as: it is compiled, and takes its time and memory.
const PATTERN: usize = 100;

/// Refuses a schema that a check could take long with: one that refers to itself, or to the same things again and again. Takes
/// about as long as reading it once, and going through as many parts as it may have.
pub(super) fn check(schema: &Value) -> Result<(), String> {
    place::check(schema)?;
    Expansion { root: schema, left: PARTS }.schema(schema, 0, 1)
}

struct Expansion<'a> {
    root: &'a Value,
    left: u32,
}

impl<'a> Expansion<'a> {
    /// `weight` is how often a check comes here.
    fn schema(&mut self, schema: &'a Value, depth: u32, weight: u32) -> Result<(), String> {
        // `true` and `false` are schemas too. Anything else is none: a list of names, a number.
        let Value::Object(members) = schema else { return self.spend(weight, parts(schema)) };
        if depth > DEPTH {
            return Err(format!("it goes more than {DEPTH} levels deep, or refers to itself: write it flat"));
        }
        self.spend(weight, 1 + members.len() / KEYWORDS)?;
        let repeats = members.contains_key("unevaluatedProperties") || members.contains_key("unevaluatedItems");
        let weight = if repeats { weight.saturating_mul(UNEVALUATED) } else { weight };
        self.members(members, depth + 1, weight)
    }

    fn members(&mut self, members: &'a Map<String, Value>, depth: u32, weight: u32) -> Result<(), String> {
        for (keyword, value) in members {
            if COPIED.contains(&keyword.as_str()) {
                self.spend(weight, parts(value))?;
            }
            match value {
                Value::String(reference) if keyword == "$ref" => {
                    self.spend(weight, reference.len() / TEXT)?;
                    let target = self.target(reference)?;
                    self.schema(target, depth, weight)?;
                }
                // A check looks for no subschemas in these by itself: in values, and where something else refers to.
                _ if VALUES.contains(&keyword.as_str()) || DEFINITIONS.contains(&keyword.as_str()) => {}
                Value::String(_) if keyword == "pattern" => self.spend(weight, PATTERN)?,
                Value::Object(named) if BY_NAME.contains(&keyword.as_str()) => {
                    let each = if keyword == "patternProperties" { PATTERN } else { 0 };
                    self.named(named, each, depth, weight)?;
                }
                Value::Object(_) => self.schema(value, depth, weight)?,
                Value::Array(list) => {
                    for below in list {
                        self.schema(below, depth, weight)?;
                    }
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        Ok(())
    }

    /// `each` is what a name counts, whatever its length.
    fn named(&mut self, named: &'a Map<String, Value>, each: usize, depth: u32, weight: u32) -> Result<(), String> {
        for (name, below) in named {
            self.spend(weight, each + name.len() / TEXT)?;
            self.schema(below, depth, weight)?;
        }
        Ok(())
    }

    /// As many parts as often as a check comes to them.
    fn spend(&mut self, weight: u32, parts: usize) -> Result<(), String> {
        let spent = weight.saturating_mul(u32::try_from(parts).unwrap_or(u32::MAX));
        self.left = self.left.checked_sub(spent).ok_or_else(|| {
            format!(
                "it has more than {PARTS} parts once its references are followed, a pattern counting as {PATTERN}: it has very \
                 much in it, refers to itself, or to the same parts again and again"
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

/// Keywords whose values are compared, or copied into errors, as a whole.
const COPIED: [&str; 4] = ["const", "enum", "not", "pattern"];

/// A value, what is in it, and what its texts count.
fn parts(value: &Value) -> usize {
    let below: usize = match value {
        Value::String(text) => text.len() / TEXT,
        Value::Array(list) => list.iter().map(parts).sum(),
        Value::Object(members) => members.iter().map(|(name, value)| name.len() / TEXT + parts(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    1 + below
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

    /// A check that takes references below an `$id` from there finds the chain.
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

    /// A definition, referred to as often.
    fn repeated(definition: &Value, times: usize) -> Value {
        json!({"$defs": {"a": definition}, "allOf": vec![json!({"$ref": "#/$defs/a"}); times]})
    }

    #[test]
    fn what_is_in_lists_and_values_counts_too() {
        let names: Vec<String> = (0..1_000).map(|name| format!("n{name}")).collect();
        let long = "x".repeat(64_000);
        for definition in [
            json!({"allOf": vec![false; 1_000]}),
            json!({"required": names}),
            json!({"dependentRequired": {"a": names}}),
            json!({"dependencies": {"a": names}}),
            json!({"enum": names}),
            json!({"const": {"deep": names}}),
            json!({"not": {"type": "object", "default": names}}),
            json!({"required": [long]}),
            json!({"enum": [long]}),
            json!({"const": {&*long: 1}}),
            json!({"pattern": long}),
            json!({"properties": {&*long: true}}),
            (0..32_000).map(|keyword| (format!("x{keyword}"), json!(1))).collect::<Map<String, Value>>().into(),
        ] {
            assert_eq!(check(&repeated(&definition, 3)), Ok(()));
            let refused = check(&repeated(&definition, 12)).unwrap_err();
            assert!(refused.contains("more than 10000 parts"), "{refused}");
        }
        let reference = json!({"$ref": format!("#/$defs/{long}"), "$defs": {&*long: true}});
        let mut schema = repeated(&json!({"$ref": format!("#/$defs/{long}")}), 12);
        schema["$defs"][&*long] = json!(true);
        assert!(check(&schema).unwrap_err().contains("more than 10000 parts"));
        assert_eq!(check(&reference), Ok(()));
    }

    #[test]
    fn a_pattern_counts_as_many_parts() {
        let patterns = |count: usize| json!({"anyOf": (0..count).map(|n| json!({"pattern": format!("a{n}b")})).collect::<Vec<_>>()});
        let names = |count: usize| json!({"patternProperties": (0..count).map(|n| (format!("a{n}b"), json!(true))).collect::<Map<String, Value>>()});
        for schema in [patterns(90), names(90), json!({"properties": {"pattern": patterns(90)}})] {
            assert_eq!(check(&schema), Ok(()));
        }
        for schema in [patterns(110), names(110), repeated(&json!({"pattern": "^a"}), 110)] {
            assert!(check(&schema).unwrap_err().contains("a pattern counting as 100"));
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
