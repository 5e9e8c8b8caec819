//! Label selectors in kubectl's grammar: `a=b,c!=d,e in (f,g),h notin (i),j,!k`.

use serde_json::Value;

use crate::cluster::Error;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Selector(Vec<Requirement>);

#[derive(Debug, PartialEq, Eq)]
enum Requirement {
    Exists(String),
    Absent(String),
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
}

impl Selector {
    /// Empty text selects everything.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        split(text)
            .into_iter()
            .map(requirement)
            .collect::<Option<_>>()
            .map(Self)
            .ok_or_else(|| Error::Invalid(format!("`{text}` is no label selector")))
    }

    pub(super) fn matches(&self, labels: &Value) -> bool {
        let label = |key: &String| labels.get(key).and_then(Value::as_str);
        self.0.iter().all(|requirement| match requirement {
            Requirement::Exists(key) => label(key).is_some(),
            Requirement::Absent(key) => label(key).is_none(),
            Requirement::In(key, values) => label(key).is_some_and(|label| values.iter().any(|value| value == label)),
            Requirement::NotIn(key, values) => label(key).is_none_or(|label| values.iter().all(|value| value != label)),
        })
    }
}

/// At the commas outside of parentheses.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0_u32;
    let at_comma = |each: char| {
        match each {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        each == ',' && depth == 0
    };
    if text.trim().is_empty() { Vec::new() } else { text.split(at_comma).map(str::trim).collect() }
}

fn requirement(text: &str) -> Option<Requirement> {
    let one = |value: &str| vec![value.trim().to_owned()];
    Some(if let Some((key, values)) = set(text, " notin ") {
        Requirement::NotIn(key_of(key)?, values?)
    } else if let Some((key, values)) = set(text, " in ") {
        Requirement::In(key_of(key)?, values?)
    } else if let Some((key, value)) = text.split_once("!=") {
        Requirement::NotIn(key_of(key)?, one(value))
    } else if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        Requirement::In(key_of(key)?, one(value))
    } else if let Some(key) = text.strip_prefix('!') {
        Requirement::Absent(key_of(key)?)
    } else {
        Requirement::Exists(key_of(text)?)
    })
}

/// `key in (a, b)`; inner none if what follows the word is no list.
fn set<'a>(text: &'a str, word: &str) -> Option<(&'a str, Option<Vec<String>>)> {
    let (key, list) = text.split_once(word)?;
    let list = list.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    Some((key, list.map(|list| list.split(',').map(|value| value.trim().to_owned()).collect())))
}

fn key_of(text: &str) -> Option<String> {
    let key = text.trim();
    let legal = |each: char| each.is_ascii_alphanumeric() || "-_./".contains(each);
    (!key.is_empty() && key.chars().all(legal)).then(|| key.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn requirements_are_read_as_kubectl_does() {
        let labels = json!({"app": "web", "tier": "test"});
        for (text, expected) in [
            ("", true),
            ("app=web", true),
            ("app==web, tier = test", true),
            ("app=api", false),
            ("app!=api", true),
            ("gone!=x", true),
            ("app", true),
            ("!app", false),
            ("!gone", true),
            ("app in (api, web),tier", true),
            ("app notin (api,web)", false),
            ("gone notin (x)", true),
            ("gone in (x)", false),
        ] {
            assert_eq!(Selector::parse(text).unwrap().matches(&labels), expected, "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["=x", "a,,b", "a in b", "a b", "!"] {
            Selector::parse(text).expect_err(text);
        }
    }
}
