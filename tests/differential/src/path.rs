//! Places in a JSON document: JSON pointers whose steps may also choose.
//!
//! `/items/metadata.name=apps/versions/*` leads to all versions of the item with that name. A step is the name of a member,
//! an index, `member=value` (elements of a list whose member, dots leading deeper, has that value), `*` (any one step) or `**`
//! (any number of steps).
//! `~1` stands for `/` and `~0` for `~`, as in RFC 6901.

use std::fmt;

use serde_json::Value;

/// A path that may lead to several places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    text: String,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// A member's name or an index.
    Key(String),
    /// Elements whose member has a value.
    Where(Vec<String>, String),
    Any,
    Anywhere,
}

impl Path {
    /// Reads a path. Anything is a path: what does not begin with `/` is read as if it did.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let steps = text.strip_prefix('/').unwrap_or(text).split('/').filter(|step| !step.is_empty());
        let steps = steps.map(|step| match step.split_once('=') {
            _ if step == "*" => Step::Any,
            _ if step == "**" => Step::Anywhere,
            Some((member, value)) => Step::Where(member.split('.').map(unescape).collect(), unescape(value)),
            None => Step::Key(unescape(step)),
        });
        Self { text: text.to_owned(), steps: steps.collect() }
    }

    /// The places it leads to, with their pointers.
    #[must_use]
    pub fn find<'a>(&self, document: &'a Value) -> Vec<(String, &'a Value)> {
        let mut places = vec![(String::new(), document)];
        for step in &self.steps {
            places = places.iter().flat_map(|(pointer, value)| step.find(pointer, value)).collect();
        }
        places
    }

    /// Whether a JSON pointer lies at this path or below it. A step `member=value` fits no pointer: pointers have indices.
    #[must_use]
    pub fn covers(&self, pointer: &str) -> bool {
        let parts: Vec<&str> = pointer.split('/').skip(1).collect();
        covers(&self.steps, &parts)
    }
}

fn covers(steps: &[Step], parts: &[&str]) -> bool {
    match (steps, parts) {
        ([], _) => true,
        ([Step::Anywhere, rest @ ..], _) => (0..=parts.len()).any(|skipped| covers(rest, &parts[skipped..])),
        ([Step::Any, steps @ ..], [_, parts @ ..]) => covers(steps, parts),
        ([Step::Key(key), steps @ ..], [part, parts @ ..]) => unescape(part) == *key && covers(steps, parts),
        ([Step::Where(..), ..], _) | (_, []) => false,
    }
}

impl Step {
    fn find<'a>(&self, pointer: &str, value: &'a Value) -> Vec<(String, &'a Value)> {
        if *self == Self::Anywhere {
            let below = Self::Any.find(pointer, value).into_iter().flat_map(|(at, child)| self.find(&at, child));
            return std::iter::once((pointer.to_owned(), value)).chain(below).collect();
        }
        let children = children(value).map(|(key, child)| (format!("{pointer}/{}", escape(&key)), key, child));
        let chosen = children.filter(|(_, key, child)| match self {
            Self::Key(name) => name == key,
            Self::Any | Self::Anywhere => true,
            Self::Where(member, wanted) => {
                let found = member.iter().try_fold(*child, |value, name| value.get(name));
                found.is_some_and(|found| match found {
                    Value::String(text) => text == wanted,
                    other => serde_json::from_str::<Value>(wanted).is_ok_and(|wanted| wanted == *other),
                })
            }
        });
        chosen.map(|(pointer, _, child)| (pointer, child)).collect()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn children(value: &Value) -> Box<dyn Iterator<Item = (String, &Value)> + '_> {
    match value {
        Value::Object(members) => Box::new(members.iter().map(|(name, child)| (name.clone(), child))),
        Value::Array(items) => Box::new(items.iter().enumerate().map(|(index, child)| (index.to_string(), child))),
        _ => Box::new(std::iter::empty()),
    }
}

/// A name as a step of a pointer.
#[must_use]
pub fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(path: &str, document: &Value) -> Vec<(String, Value)> {
        Path::parse(path).find(document).into_iter().map(|(at, value)| (at, value.clone())).collect()
    }

    #[test]
    fn paths_lead_to_members_elements_and_everything_below() {
        let document = json!({"items": [{"n": {"x": "a"}, "v": 1}, {"n": {"x": "b/c"}, "v": 2}], "a/b": 3});
        assert_eq!(found("/items/1/v", &document), [("/items/1/v".to_owned(), json!(2))]);
        assert_eq!(found("/items/n.x=b~1c/v", &document), [("/items/1/v".to_owned(), json!(2))]);
        assert_eq!(found("/items/v=1/n", &document), [("/items/0/n".to_owned(), json!({"x": "a"}))]);
        assert_eq!(found("/items/*/v", &document).len(), 2);
        assert_eq!(found("/**/x", &document).len(), 2);
        assert_eq!(found("/a~1b", &document), [("/a~1b".to_owned(), json!(3))]);
        assert_eq!(found("/items/7", &document), []);
        assert_eq!(found("", &document).len(), 1);
    }

    #[test]
    fn a_path_covers_what_is_at_it_and_below_it() {
        for (path, pointer, covered) in [
            ("/body/a", "/body/a", true),
            ("/body/a", "/body/a/b", true),
            ("/body/a", "/body/ab", false),
            ("/body/*/b", "/body/0/b/c", true),
            ("/body/a/b", "/body/a", false),
            ("/body/**/b", "/body/b", true),
            ("/body/**/b", "/body/x/y/b/z", true),
            ("/body/**/b", "/body/x/y", false),
            ("/body/x~1y", "/body/x~1y", true),
        ] {
            assert_eq!(Path::parse(path).covers(pointer), covered, "{path} {pointer}");
        }
    }
}
