//! Where two documents differ.

use std::fmt;

use serde_json::Value;

use crate::path::escape;

/// Characters of a value that are shown, and how many of them before the first difference.
const EXCERPT: usize = 300;
const CONTEXT: usize = 60;

/// A place where two documents differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// JSON pointer to the place.
    pub at: String,
    /// What was expected there, `None` if nothing.
    pub expected: Option<Value>,
    /// What is there, `None` if nothing.
    pub found: Option<Value>,
}

/// All differences, in the order of the documents. The order of a list counts, that of an object's members does not.
#[must_use]
pub fn differences(expected: &Value, found: &Value) -> Vec<Difference> {
    let mut differences = Vec::new();
    walk("", Some(expected), Some(found), &mut differences);
    differences
}

fn walk(at: &str, expected: Option<&Value>, found: Option<&Value>, out: &mut Vec<Difference>) {
    match (expected, found) {
        (Some(Value::Object(expected)), Some(Value::Object(found))) => {
            let added = found.keys().filter(|name| !expected.contains_key(*name));
            for name in expected.keys().chain(added) {
                walk(&format!("{at}/{}", escape(name)), expected.get(name), found.get(name), out);
            }
        }
        (Some(Value::Array(expected)), Some(Value::Array(found))) => {
            for index in 0..expected.len().max(found.len()) {
                walk(&format!("{at}/{index}"), expected.get(index), found.get(index), out);
            }
        }
        (expected, found) if expected == found => {}
        (expected, found) => {
            out.push(Difference { at: at.to_owned(), expected: expected.cloned(), found: found.cloned() });
        }
    }
}

/// The differences in the answer to one step, for a person: if it failed where it should not have, or the other way
/// round, only that and why, because the rest follows.
#[must_use]
pub fn report(differences: &[Difference]) -> String {
    let decisive = |difference: &&Difference| matches!(difference.at.as_str(), "/status" | "/body/message");
    let all = if differences.iter().any(|difference| difference.at == "/status") {
        let shown: Vec<_> = differences.iter().filter(decisive).map(ToString::to_string).collect();
        let hidden = differences.len() - shown.len();
        shown.into_iter().chain((hidden > 0).then(|| format!("(and {hidden} places more)"))).collect()
    } else {
        differences.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    all.iter().flat_map(|text| ["    ", text, "\n"]).collect()
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", if self.at.is_empty() { "(all)" } else { &self.at })?;
        let texts = [&self.expected, &self.found].map(|value| value.as_ref().map(ToString::to_string));
        let equal = match &texts {
            [Some(expected), Some(found)] => expected.chars().zip(found.chars()).take_while(|(a, b)| a == b).count(),
            _ => 0,
        };
        for (sign, text) in ["-", "+"].iter().zip(texts) {
            if let Some(text) = text {
                write!(f, "\n      {sign} {}", excerpt(&text, equal))?;
            }
        }
        Ok(())
    }
}

/// A text of bearable length that shows what follows its first `equal` characters.
fn excerpt(text: &str, equal: usize) -> String {
    let length = text.chars().count();
    let from = if length > EXCERPT { equal.saturating_sub(CONTEXT) } else { 0 };
    let mut excerpt: String = text.chars().skip(from).take(EXCERPT).collect();
    if from > 0 {
        excerpt.insert_str(0, "...");
    }
    if from + EXCERPT < length {
        excerpt.push_str("...");
    }
    excerpt
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn places(expected: &Value, found: &Value) -> Vec<String> {
        differences(expected, found).into_iter().map(|difference| difference.at).collect()
    }

    #[test]
    fn equal_documents_do_not_differ() {
        let document = json!({"status": 200, "body": {"a": [1, {"b": null}], "c": {}}});
        assert_eq!(differences(&document, &document), []);
        assert_eq!(places(&json!({"a": 1, "b": 2}), &json!({"b": 2, "a": 1})), [""; 0]);
    }

    #[test]
    fn a_changed_status_is_found() {
        let found = differences(&json!({"status": 200}), &json!({"status": 201}));
        let difference = Difference { at: "/status".to_owned(), expected: Some(json!(200)), found: Some(json!(201)) };
        assert_eq!(found, [difference]);
    }

    #[test]
    fn missing_and_added_members_are_found_also_when_they_are_null() {
        assert_eq!(places(&json!({"a": {"b": 1}}), &json!({"a": {}})), ["/a/b"]);
        assert_eq!(places(&json!({"a": {}}), &json!({"a": {"b/c": 1}})), ["/a/b~1c"]);
        assert_eq!(places(&json!({"a": null}), &json!({})), ["/a"]);
        assert_eq!(places(&json!({"a": {}}), &json!({"a": []})), ["/a"]);
        assert_eq!(places(&json!({"a": 1}), &json!({"a": "1"})), ["/a"]);
    }

    #[test]
    fn a_reordered_a_shorter_and_a_longer_list_are_found() {
        assert_eq!(places(&json!({"a": [1, 2, 3]}), &json!({"a": [1, 3, 2]})), ["/a/1", "/a/2"]);
        assert_eq!(places(&json!([1, 2]), &json!([1])), ["/1"]);
        assert_eq!(places(&json!([1]), &json!([1, 2])), ["/1"]);
    }

    #[test]
    fn a_difference_shows_both_sides() {
        let difference = &differences(&json!({"a": "x"}), &json!({"a": "y"}))[0];
        assert_eq!(difference.to_string(), "/a\n      - \"x\"\n      + \"y\"");
        let difference = &differences(&json!({"a": "x"}), &json!({}))[0];
        assert_eq!(difference.to_string(), "/a\n      - \"x\"");
    }

    #[test]
    fn long_texts_are_shown_where_they_differ() {
        let [expected, found] = ["x", "y"].map(|end| json!(format!("{}{end}{}", "a".repeat(400), "b".repeat(400))));
        let shown = differences(&expected, &found)[0].to_string();
        assert!(shown.contains("aaax") && shown.contains("aaay") && shown.len() < 800, "{shown}");
    }

    #[test]
    fn a_report_of_an_unexpected_refusal_says_why_and_no_more() {
        let expected = json!({"status": 200, "body": {"kind": "A", "x": 1}});
        let found = json!({"status": 404, "body": {"kind": "Status", "message": "gone"}});
        let shown = report(&differences(&expected, &found));
        assert!(shown.contains("404") && shown.contains("gone") && shown.contains("(and 2 places more)"), "{shown}");
        let shown = report(&differences(&json!({"body": {"x": 1}}), &json!({"body": {"x": 2}})));
        assert_eq!(shown, "    /body/x\n      - 1\n      + 2\n");
    }
}
