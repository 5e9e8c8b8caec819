//! From what a guest answers to what the lifecycle takes. Everything here is a stranger's: bounded, checked, shortened.

use std::{borrow::Cow, time::Duration};

use capstan_engine::{Change, Creation, Difference, Failure, Observation, Problem, Readiness, Retry};
use serde_json::Value;

use crate::{
    bindings::{capstan::provider::types, exports::capstan::provider::external as wit},
    text::cut,
};

/// Bytes of one JSON text. The API server does not store objects larger than etcd's requests, which are 1.5 MiB.
const JSON: usize = 3 << 19;
/// Levels of one JSON text. Schemas nest deepest; far below what a recursive reader's stack can bear.
const DEPTH: usize = 64;
/// Bytes of a message, which goes into a condition and an event.
const MESSAGE: usize = 2 << 10;
/// Bytes of a reason: the API server takes 128 in an event.
const REASON: usize = 128;
/// Bytes of an external name; the longest known are URLs and ARNs.
const EXTERNAL_NAME: usize = 2 << 10;
/// Differences that anybody would read.
const DIFFERENCES: usize = 64;
/// Bytes of the path of a difference.
const PATH: usize = 256;
/// Bytes of all annotations of an object that the API server takes, keys and values together.
const ANNOTATIONS: usize = 256 << 10;
/// A guest may ask for rest, but not until the end of time, which no clock can add to now.
const LONGEST_DELAY: Duration = Duration::from_hours(24 * 30);

/// What is wrong with an answer, for the provider's author.
pub(crate) type Wrong = String;

/// A JSON text that must hold an object.
pub(crate) fn object(name: &str, text: &str) -> Result<Value, Wrong> {
    match json(name, text)? {
        object @ Value::Object(_) => Ok(object),
        _ => Err(format!("`{name}` is JSON, but no object")),
    }
}

/// A JSON text.
pub(crate) fn json(name: &str, text: &str) -> Result<Value, Wrong> {
    if text.len() > JSON {
        return Err(format!("`{name}` has {} bytes, the limit is {JSON}", text.len()));
    }
    if depth(text) > DEPTH {
        return Err(format!("`{name}` is nested more than {DEPTH} deep"));
    }
    serde_json::from_str(text).map_err(|error| format!("`{name}` is no JSON: {error}"))
}

/// How deep brackets are nested. Counted before parsing, so that no parser has to bear more than is allowed.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// A merge patch for `status`, without what belongs to the host.
fn status(text: Option<String>) -> Result<Option<Value>, Wrong> {
    let mut status = text.map(|text| object("status", &text)).transpose()?;
    if let Some(Value::Object(members)) = &mut status {
        members.remove("conditions");
    }
    Ok(status)
}

fn external_name(name: Option<String>) -> Result<Option<String>, Wrong> {
    match name {
        Some(name) if name.len() > EXTERNAL_NAME => {
            Err(format!("`external-name` has {} bytes, the limit is {EXTERNAL_NAME}", name.len()))
        }
        other => Ok(other.filter(|name| !name.is_empty())),
    }
}

pub(crate) fn observation(raw: wit::Observation) -> Result<Observation, Wrong> {
    Ok(Observation {
        exists: raw.exists,
        up_to_date: raw.up_to_date,
        differences: raw.differences.into_iter().take(DIFFERENCES).map(difference).collect::<Result<_, _>>()?,
        late_initialize: raw.late_initialize.map(|text| object("late-initialize", &text)).transpose()?,
        status: status(raw.status)?,
        readiness: match raw.readiness {
            wit::Readiness::Ready => Readiness::Ready,
            wit::Readiness::NotReady(raw) => Readiness::NotReady(problem(raw)),
            wit::Readiness::Unknown => Readiness::Unknown,
        },
        external_name: external_name(raw.external_name)?,
    })
}

fn difference(raw: wit::Difference) -> Result<Difference, Wrong> {
    let value = |name, text: Option<String>| text.map(|text| json(name, &text)).transpose();
    Ok(Difference {
        path: cut(&raw.path, PATH).into_owned(),
        desired: value("desired", raw.desired)?,
        actual: value("actual", raw.actual)?,
    })
}

pub(crate) fn creation(raw: wit::Creation) -> Result<Creation, Wrong> {
    let size: usize = raw.annotations.iter().map(|(key, value)| key.len() + value.len()).sum();
    if size > ANNOTATIONS {
        return Err(format!("`annotations` have {size} bytes, the limit is {ANNOTATIONS}"));
    }
    if raw.annotations.iter().any(|(key, _)| key.is_empty()) {
        return Err("an annotation has no key".to_owned());
    }
    Ok(Creation {
        external_name: external_name(raw.external_name)?,
        annotations: raw.annotations,
        status: status(raw.status)?,
    })
}

pub(crate) fn change(raw: wit::Change) -> Result<Change, Wrong> {
    Ok(Change { status: status(raw.status)? })
}

pub(crate) fn failure(raw: types::Failure) -> Failure {
    let (raw, retry) = match raw {
        types::Failure::Retryable(problem) => (problem, Retry::Backoff),
        types::Failure::RetryAfter(delay) => {
            let after = Duration::from_millis(delay.after_ms).min(LONGEST_DELAY);
            (delay.problem, Retry::After(after))
        }
        types::Failure::Terminal(problem) => (problem, Retry::OnChange),
    };
    Failure { problem: problem(raw), retry }
}

fn problem(raw: types::Problem) -> Problem {
    // The API server refuses a condition whose reason is no word, and with it everything else in the same write.
    let word = raw.reason.starts_with(|char: char| char.is_ascii_alphabetic())
        && raw.reason.len() <= REASON
        && raw.reason.chars().all(|char| char.is_ascii_alphanumeric());
    let reason = if word { Cow::Owned(raw.reason) } else { Cow::Borrowed("") };
    Problem { reason, message: cut(&raw.message, MESSAGE).into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw() -> wit::Observation {
        wit::Observation {
            exists: true,
            up_to_date: true,
            differences: Vec::new(),
            late_initialize: None,
            status: None,
            readiness: wit::Readiness::Unknown,
            external_name: None,
        }
    }

    #[test]
    fn json_is_bounded_in_size_and_depth() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(json("x", &nested(DEPTH)).is_ok());
        assert!(json("x", &nested(DEPTH + 1)).unwrap_err().contains("deep"));
        assert!(json("x", &format!("\"{}\"", "[".repeat(500))).is_ok(), "brackets in strings do not count");
        assert!(json("x", &format!("\"\\\"{}\"", "[".repeat(500))).is_ok(), "nor behind an escaped quote");
        assert!(json("x", &" ".repeat(JSON + 1)).unwrap_err().contains("bytes"));
    }

    #[test]
    fn patches_must_be_objects() {
        for text in ["[]", "1", "null", "{", ""] {
            let observed = observation(wit::Observation { status: Some(text.into()), ..raw() });
            assert!(observed.unwrap_err().contains("status"), "{text}");
            let observed = observation(wit::Observation { late_initialize: Some(text.into()), ..raw() });
            assert!(observed.unwrap_err().contains("late-initialize"), "{text}");
        }
    }

    #[test]
    fn conditions_are_the_hosts() {
        let status = Some(r#"{"conditions": [], "url": "x"}"#.to_owned());
        let observed = observation(wit::Observation { status, ..raw() }).unwrap();
        assert_eq!(observed.status, Some(serde_json::json!({"url": "x"})));
    }

    #[test]
    fn big_numbers_of_a_status_survive() {
        let status = Some(r#"{"id": 18446744073709551615}"#.to_owned());
        let observed = observation(wit::Observation { status, ..raw() }).unwrap();
        assert_eq!(observed.status.unwrap()["id"], u64::MAX);
    }

    #[test]
    fn a_reason_that_is_no_word_is_left_to_the_host() {
        for (reason, expected) in [("QuotaExceeded", "QuotaExceeded"), ("two words", ""), ("1st", ""), ("", "")] {
            let raw = types::Problem { reason: reason.into(), message: "m".repeat(MESSAGE * 2) };
            let problem = problem(raw);
            assert_eq!(problem.reason, expected);
            assert!(problem.message.len() <= MESSAGE);
        }
    }

    #[test]
    fn failures_keep_their_kind() {
        let problem = || types::Problem { reason: String::new(), message: String::new() };
        let delay = |after_ms| types::Failure::RetryAfter(types::Delay { problem: problem(), after_ms });
        assert_eq!(failure(types::Failure::Retryable(problem())).retry, Retry::Backoff);
        assert_eq!(failure(types::Failure::Terminal(problem())).retry, Retry::OnChange);
        assert_eq!(failure(delay(5)).retry, Retry::After(Duration::from_millis(5)));
        assert_eq!(failure(delay(u64::MAX)).retry, Retry::After(LONGEST_DELAY));
    }

    #[test]
    fn annotations_are_bounded() {
        let creation_with = |annotations| creation(wit::Creation { external_name: None, annotations, status: None });
        assert!(creation_with(vec![("key".into(), "value".into())]).is_ok());
        assert!(creation_with(vec![(String::new(), "value".into())]).is_err());
        assert!(creation_with(vec![("key".into(), "x".repeat(ANNOTATIONS))]).is_err());
    }
}
