//! GitHub's own description of its API, cut to the operations that the fake knows: what a request or an answer must be.

mod check;
mod schema;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use http::Method;
use percent_encoding::percent_decode_str;
use serde_json::Value;

pub(crate) use self::check::Checker;

/// One operation, for example `repos/get`.
#[derive(Debug)]
pub(crate) struct Operation {
    /// GitHub's `operationId`.
    pub(crate) id: String,
    pub(crate) method: Method,
    /// The path with its parameters in braces.
    pub(crate) template: String,
    /// Where GitHub documents it, as error bodies say.
    pub(crate) documentation: String,
    segments: Vec<Segment>,
}

#[derive(Debug)]
enum Segment {
    Literal(String),
    Parameter(String),
    /// A parameter that takes the rest of the path, slashes included, and may be empty.
    Rest(String),
}

/// An operation with the values of its path parameters, decoded.
pub(crate) struct Match {
    pub(crate) operation: &'static Operation,
    pub(crate) parameters: BTreeMap<String, String>,
}

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    // The file is part of this crate: it is JSON, or no test of it passes.
    serde_json::from_str(include_str!("../../openapi/description.json")).expect("the description is JSON")
});

static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| {
    let mut operations = Vec::new();
    for (template, item) in DOCUMENT["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            operations.push(Operation {
                id: operation["operationId"].as_str().unwrap_or_default().to_owned(),
                method: method.to_uppercase().parse().expect("the description's methods are HTTP's"),
                template: template.clone(),
                documentation: operation["externalDocs"]["url"].as_str().unwrap_or_default().to_owned(),
                segments: template.split('/').skip(1).map(Segment::of).collect(),
            });
        }
    }
    operations
});

/// The description as it came from GitHub.
pub(crate) fn document() -> &'static Value {
    &DOCUMENT
}

/// All operations.
#[cfg(test)]
pub(crate) fn operations() -> &'static [Operation] {
    &OPERATIONS
}

/// The operation that a request asks for, by method and undecoded path; none if GitHub's description has no such thing.
pub(crate) fn find(method: &Method, path: &str) -> Option<Match> {
    let given: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    let found = OPERATIONS
        .iter()
        .filter(|operation| operation.method == method)
        .filter_map(|operation| Some((operation, operation.parameters(&given)?)))
        .max_by_key(|(operation, _)| operation.literals())?;
    Some(Match { operation: found.0, parameters: found.1 })
}

/// What of an object the schema of that name documents: one rendering serves all the variants of a thing.
pub(crate) fn project(schema: &str, object: &Value) -> Value {
    let known = &DOCUMENT["components"]["schemas"][schema]["properties"];
    let members = object.as_object().into_iter().flatten().filter(|(key, _)| known.get(key).is_some());
    members.map(|(key, value)| (key.clone(), value.clone())).collect::<serde_json::Map<_, _>>().into()
}

impl Segment {
    fn of(text: &str) -> Self {
        match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            // GitHub writes it like any other parameter, and says in prose that it has slashes.
            Some("path") => Self::Rest("path".to_owned()),
            Some(name) => Self::Parameter(name.to_owned()),
            None => Self::Literal(text.to_owned()),
        }
    }
}

impl Operation {
    fn literals(&self) -> usize {
        self.segments.iter().filter(|segment| matches!(segment, Segment::Literal(_))).count()
    }

    fn parameters(&self, given: &[&str]) -> Option<BTreeMap<String, String>> {
        let mut parameters = BTreeMap::new();
        let mut given = given.iter();
        for segment in &self.segments {
            match segment {
                Segment::Rest(name) => {
                    let rest: Option<Vec<_>> = given.map(|part| decode(part)).collect();
                    parameters.insert(name.clone(), rest?.join("/"));
                    return Some(parameters);
                }
                Segment::Literal(text) if decode(given.next()?)? == *text => {}
                Segment::Literal(_) => return None,
                Segment::Parameter(name) => {
                    let value = decode(given.next()?)?;
                    if value.is_empty() {
                        return None;
                    }
                    parameters.insert(name.clone(), value);
                }
            }
        }
        given.next().is_none().then_some(parameters)
    }
}

fn decode(segment: &str) -> Option<String> {
    percent_decode_str(segment).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(method: &Method, path: &str) -> Option<String> {
        find(method, path).map(|found| found.operation.id.clone())
    }

    #[test]
    fn the_more_literal_path_wins() {
        let path = "/repos/o/r/actions/secrets/public-key";
        assert_eq!(id(&Method::GET, path).as_deref(), Some("actions/get-repo-public-key"));
        assert_eq!(id(&Method::GET, "/repos/o/r/actions/secrets/OTHER").as_deref(), Some("actions/get-repo-secret"));
    }

    #[test]
    fn an_encoded_slash_does_not_end_a_segment() {
        let found = find(&Method::GET, "/repos/o/..%2F..%2Fuser").unwrap();
        assert_eq!((found.operation.id.as_str(), found.parameters["repo"].as_str()), ("repos/get", "../../user"));
    }

    #[test]
    fn the_path_of_a_file_has_slashes_and_may_be_empty() {
        assert_eq!(find(&Method::GET, "/repos/o/r/contents/a/b%20c").unwrap().parameters["path"], "a/b c");
        assert_eq!(find(&Method::GET, "/repos/o/r/contents/").unwrap().parameters["path"], "");
    }

    #[test]
    fn other_methods_and_empty_segments_are_not_described() {
        assert_eq!(id(&Method::POST, "/repos/o/r"), None);
        assert_eq!(id(&Method::GET, "/repos//r"), None);
        assert_eq!(id(&Method::GET, "/repos/o/r/"), None);
    }
}
