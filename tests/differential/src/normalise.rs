//! Takes out of answers what differs from run to run, and keeps what is the same: two places with one resourceVersion have
//! one label afterwards, two places with two have two.
//!
//! A label names the step in which the value was first seen (`rv 3.1`: the first in step 3), so that one surplus value does
//! not shift those of all later steps. Replaced are uids, resourceVersions, times near now (a time from a script stays),
//! generated names, continue tokens, the run's own names, addresses and hashes. The revision of a list or bookmark is only
//! said to be one: a server with controllers writes between any two requests.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use regex::{Captures, Regex};
use serde_json::{Map, Value};

use crate::recording::Exchange;

/// Longer texts are cut: a megabyte of `x` says nothing.
const LONGEST_TEXT: usize = 2000;

static UUID: LazyLock<Regex> = LazyLock::new(|| regex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"));
static TIME: LazyLock<Regex> = LazyLock::new(|| regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"));
static AGE: LazyLock<Regex> = LazyLock::new(|| regex(r"^(\d+[smhdy])+$"));
/// Values inside of messages, each with what stands before and behind.
static WITHIN: LazyLock<[(Regex, &str); 4]> = LazyLock::new(|| {
    [
        (regex(r"(current: |in record \()\d+"), "${1}<revision>"),
        (regex(r"(too old resource version: \d+ \()\d+"), "${1}<revision>"),
        (regex(r"127\.0\.0\.1:\d+"), "<address>"),
        (regex(r"(\?hash=)[0-9A-Za-z]+"), "${1}<hash>"),
    ]
});

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("written in this file and used by its tests")
}

/// The values seen so far in one run of a script.
#[derive(Debug)]
pub struct Normaliser {
    run: String,
    labels: BTreeMap<String, String>,
    /// Generated names and what stands for them.
    generated: BTreeMap<String, String>,
    /// The step whose answer is being normalised, and how many labels it got.
    step: (usize, BTreeMap<&'static str, usize>),
}

impl Normaliser {
    /// For a run that used `run` in its names.
    #[must_use]
    pub fn new(run: &str) -> Self {
        Self { run: run.to_owned(), labels: BTreeMap::new(), generated: BTreeMap::new(), step: (0, BTreeMap::new()) }
    }

    /// Looks at the whole answer to a step. Steps have to come in order, counted from 1.
    ///
    /// Generated names are replaced wherever they occur, so they are learned before anything is replaced or left out.
    pub fn begin(&mut self, step: usize, exchange: &Exchange) {
        self.step = (step, BTreeMap::new());
        exchange
            .body
            .iter()
            .chain(exchange.events.iter().flatten())
            .for_each(|value| self.learn_generated_names(value));
    }

    /// Normalises the answer to the step that was begun.
    pub fn normalise(&mut self, exchange: &mut Exchange) {
        for value in exchange.headers.values_mut().flatten() {
            *value = self.text(value);
        }
        if let Some(text) = &mut exchange.text {
            *text = self.text(text);
        }
        if let Some(body) = &mut exchange.body {
            self.document(body);
        }
        for event in exchange.events.iter_mut().flatten() {
            if event["type"] == "BOOKMARK" {
                withhold(&mut event["object"], "resourceVersion");
            }
            self.document(event);
        }
    }

    fn document(&mut self, document: &mut Value) {
        if document.get("items").or_else(|| document.get("rows")).is_some_and(Value::is_array) {
            withhold(document, "resourceVersion");
            withhold(document, "continue");
        } else if document["kind"] == "Status" {
            withhold(document, "continue");
            sort_causes(document);
        }
        self.value("", document);
    }

    fn learn_generated_names(&mut self, value: &Value) {
        if let (Some(prefix), Some(name)) = (value["generateName"].as_str(), value["name"].as_str())
            && name.len() > prefix.len()
            && name.starts_with(prefix)
            && !self.generated.contains_key(name)
        {
            let label = format!("{}<generated {}>", prefix.replace(&self.run, "run"), self.number("generated"));
            self.generated.insert(name.to_owned(), label);
        }
        match value {
            Value::Object(members) => members.values().for_each(|value| self.learn_generated_names(value)),
            Value::Array(items) => items.iter().for_each(|value| self.learn_generated_names(value)),
            _ => {}
        }
    }

    fn value(&mut self, name: &str, value: &mut Value) {
        match value {
            Value::Object(members) => self.members(members),
            Value::Array(items) => {
                for item in items.iter_mut() {
                    // A part that was kept is a list, and still has the name of its place.
                    self.value(name, item);
                }
                if name == "managedFields" {
                    // The server sorts by time first, so the order depends on whether a second passed between two steps.
                    items.sort_by_cached_key(|entry| {
                        ["operation", "manager", "subresource", "apiVersion"].map(|key| entry[key].to_string())
                    });
                }
            }
            // An unset revision ("" or "0") is a statement, not a revision.
            Value::String(text)
                if name == "resourceVersion" && text.parse::<u64>().is_ok_and(|revision| revision > 0) =>
            {
                *text = self.label("rv", text);
            }
            Value::String(text) if name == "storageVersionHash" => "<hash>".clone_into(text),
            Value::String(text) if name == "cells" && AGE.is_match(text) => "<age>".clone_into(text),
            Value::String(text) => *text = self.text(text),
            _ => {}
        }
    }

    fn members(&mut self, members: &mut Map<String, Value>) {
        let names: Vec<String> = members.keys().cloned().collect();
        for name in names {
            let Some(mut value) = members.remove(&name) else { continue };
            // Kept parts of a body stand under their paths.
            self.value(name.rsplit('/').next().unwrap_or_default(), &mut value);
            members.insert(self.text(&name), value);
        }
    }

    fn text(&mut self, text: &str) -> String {
        let mut text = text.replace(&self.run, "run");
        for (name, label) in &self.generated {
            text = text.replace(&name.replace(&self.run, "run"), label);
        }
        text = UUID.replace_all(&text, |found: &Captures<'_>| self.label("uid", &found[0])).into_owned();
        text = TIME.replace_all(&text, |found: &Captures<'_>| time(found)).into_owned();
        for (pattern, replacement) in WITHIN.iter() {
            text = pattern.replace_all(&text, *replacement).into_owned();
        }
        if text.len() > LONGEST_TEXT {
            let start: String = text.chars().take(100).collect();
            text = format!("{start}... ({} characters)", text.chars().count());
        }
        text
    }

    fn label(&mut self, kind: &'static str, value: &str) -> String {
        let key = format!("{kind} {value}");
        if let Some(label) = self.labels.get(&key) {
            return label.clone();
        }
        let label = format!("{kind} {}", self.number(kind));
        self.labels.insert(key, label.clone());
        label
    }

    /// Step and count: `3.1`.
    fn number(&mut self, kind: &'static str) -> String {
        let count = self.step.1.entry(kind).or_default();
        *count += 1;
        format!("{}.{count}", self.step.0)
    }
}

/// A time near now becomes a word that still tells seconds from microseconds.
fn time(found: &Captures<'_>) -> String {
    let day = SignedDuration::from_hours(24);
    let near = found[0].parse::<Timestamp>().is_ok_and(|time| time.duration_since(Timestamp::now()).abs() < day);
    match found.get(1) {
        _ if !near => found[0].to_owned(),
        None => "<time>".to_owned(),
        Some(fraction) => format!("<time.{}>", fraction.len() - 1),
    }
}

/// The causes of a `Status` and their texts in its message come in the order of a Go map, which is random.
fn sort_causes(status: &mut Value) {
    let Some(causes) = status.pointer("/details/causes").and_then(Value::as_array) else { return };
    let mut sorted = causes.clone();
    sorted.sort_by_cached_key(|cause| [cause["field"].to_string(), cause["message"].to_string()]);
    let joined = |causes: &[Value]| {
        let texts = causes.iter().map(|cause| {
            format!(
                "{}: {}",
                cause["field"].as_str().unwrap_or_default(),
                cause["message"].as_str().unwrap_or_default()
            )
        });
        format!("[{}]", texts.collect::<Vec<_>>().join(", "))
    };
    if let Some(message) = status["message"].as_str() {
        status["message"] = message.replace(&joined(causes), &joined(&sorted)).into();
    }
    status["details"]["causes"] = sorted.into();
}

/// Replaces a member of the metadata by its name, if it is there and not empty.
fn withhold(document: &mut Value, member: &str) {
    if let Some(value) = document.pointer_mut(&format!("/metadata/{member}"))
        && value.as_str().is_some_and(|text| !text.is_empty())
    {
        *value = format!("<{member}>").into();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn body(body: Value) -> Exchange {
        Exchange { body: Some(body), ..Exchange::default() }
    }

    fn normalised(run: &str, bodies: &[Value]) -> Vec<Value> {
        let mut normaliser = Normaliser::new(run);
        let bodies = bodies.iter().cloned().map(body).enumerate();
        let changed = bodies.map(|(index, mut exchange)| {
            normaliser.begin(index + 1, &exchange);
            normaliser.normalise(&mut exchange);
            exchange.body.unwrap()
        });
        changed.collect()
    }

    fn object(revision: &str, uid: u8) -> Value {
        let uid = format!("0000000{uid}-0000-4000-8000-000000000000");
        json!({"metadata": {"resourceVersion": revision, "uid": uid}})
    }

    #[test]
    fn what_was_equal_stays_equal_and_what_was_different_stays_different() {
        let first = normalised("x", &[object("7", 1), object("7", 2), object("9", 1)]);
        let second = normalised("x", &[object("107", 3), object("107", 4), object("1000", 3)]);
        assert_eq!(first, second);
        assert_eq!(first[0], json!({"metadata": {"resourceVersion": "rv 1.1", "uid": "uid 1.1"}}));
        assert_eq!(first[2], json!({"metadata": {"resourceVersion": "rv 3.1", "uid": "uid 1.1"}}));
        assert_ne!(first, normalised("x", &[object("7", 1), object("8", 2), object("9", 1)]));
        assert_ne!(first, normalised("x", &[object("7", 1), object("7", 1), object("9", 1)]));
        assert_ne!(first, normalised("x", &[object("7", 1), object("7", 2), object("7", 1)]));
    }

    #[test]
    fn one_surplus_value_does_not_shift_later_steps() {
        let first = normalised("x", &[object("1", 1), object("2", 2)]);
        let both = json!({"a": object("1", 1), "b": object("3", 3)});
        assert_eq!(normalised("x", &[both, object("2", 2)])[1], first[1]);
    }

    #[test]
    fn uids_are_found_inside_of_texts() {
        let uid = object("1", 5);
        let message = json!({"message": format!("({}) differs", uid["metadata"]["uid"].as_str().unwrap())});
        assert_eq!(normalised("x", &[uid, message])[1], json!({"message": "(uid 1.1) differs"}));
    }

    #[test]
    fn times_near_now_are_replaced_and_those_of_scripts_stay() {
        let now = Timestamp::now();
        let [seconds, micros] = [now.strftime("%FT%TZ"), now.strftime("%FT%T.%6fZ")].map(|time| time.to_string());
        let given = json!({"a": seconds, "b": micros, "c": "2020-01-02T03:04:05Z", "d": format!("at {seconds}")});
        let expected = json!({"a": "<time>", "b": "<time.6>", "c": "2020-01-02T03:04:05Z", "d": "at <time>"});
        assert_eq!(normalised("x", &[given]), [expected]);
    }

    #[test]
    fn lists_keep_whether_they_go_on_but_not_where() {
        let list = json!({"items": [], "metadata": {"resourceVersion": "12", "continue": "abc"}});
        let expected =
            json!({"items": [], "metadata": {"resourceVersion": "<resourceVersion>", "continue": "<continue>"}});
        assert_eq!(normalised("x", &[list]), [expected]);
        let end = json!({"items": [], "metadata": {"resourceVersion": "", "continue": ""}});
        assert_eq!(normalised("x", std::slice::from_ref(&end)), [end]);
    }

    #[test]
    fn generated_names_are_one_name_everywhere() {
        let created = json!({"metadata": {"generateName": "a-", "name": "a-x1y2z"}});
        let message = json!({"message": "\"a-x1y2z\" not found", "other": "a-x1y2"});
        let expected = json!({"message": "\"a-<generated 1.1>\" not found", "other": "a-x1y2"});
        assert_eq!(normalised("x9", &[created, message])[1], expected);
        let with_run = json!({"metadata": {"generateName": "q7w-", "name": "q7w-x1y2z"}});
        let expected = json!({"metadata": {"generateName": "run-", "name": "run-<generated 1.1>"}});
        assert_eq!(normalised("q7w", &[with_run]), [expected]);
    }

    #[test]
    fn names_are_learned_from_what_is_not_kept() {
        let whole = json!({"metadata": {"generateName": "a-", "name": "a-x1y2z"}});
        let mut normaliser = Normaliser::new("q7");
        normaliser.begin(1, &body(whole));
        let mut kept = body(json!({"/metadata/name": ["a-x1y2z"]}));
        normaliser.normalise(&mut kept);
        assert_eq!(kept.body, Some(json!({"/metadata/name": ["a-<generated 1.1>"]})));
    }

    #[test]
    fn causes_are_sorted_also_in_the_message() {
        let cause = |field: &str| json!({"field": field, "message": "Required value"});
        let status = |causes: [&str; 2]| {
            let message = format!("x is invalid: [{}: Required value, {}: Required value]", causes[0], causes[1]);
            json!({"kind": "Status", "message": message, "details": {"causes": causes.map(cause)}})
        };
        let sorted = [status(["a", "b"])];
        assert_eq!(normalised("q7", &[status(["b", "a"])]), sorted);
        assert_eq!(normalised("q7", &sorted), sorted);
        let mut other = status(["b", "a"]);
        other["message"] = "x is invalid".into();
        assert_eq!(normalised("q7", &[other])[0]["message"], "x is invalid");
    }

    #[test]
    fn names_of_the_run_are_replaced_in_values_and_member_names() {
        let given = json!({"namespace": "crud-q7w8e9", "labels": {"q7w8e9/a": "b"}});
        let expected = json!({"namespace": "crud-run", "labels": {"run/a": "b"}});
        assert_eq!(normalised("q7w8e9", &[given]), [expected]);
    }

    #[test]
    fn managers_are_sorted_because_the_server_sorts_by_time() {
        let entry = |manager: &str, operation: &str| json!({"manager": manager, "operation": operation});
        let given = json!({"managedFields": [entry("b", "Update"), entry("c", "Apply"), entry("a", "Update")]});
        let expected = json!({"managedFields": [entry("c", "Apply"), entry("a", "Update"), entry("b", "Update")]});
        assert_eq!(normalised("x", &[given]), [expected]);
    }

    #[test]
    fn numbers_in_messages_ages_addresses_and_long_texts() {
        let given = json!({
            "message": "Too large resource version: 99999999, current: 17",
            "old": "too old resource version: 1 (13)",
            "rows": [{"cells": ["a", "12s", "2m3s", 3]}],
            "address": "127.0.0.1:6443",
            "url": "/openapi/v3/api/v1?hash=0A1B",
            "long": "x".repeat(3000),
        });
        let expected = json!({
            "message": "Too large resource version: 99999999, current: <revision>",
            "old": "too old resource version: 1 (<revision>)",
            "rows": [{"cells": ["a", "<age>", "<age>", 3]}],
            "address": "<address>",
            "url": "/openapi/v3/api/v1?hash=<hash>",
            "long": format!("{}... (3000 characters)", "x".repeat(100)),
        });
        assert_eq!(normalised("q7", &[given]), [expected]);
    }

    #[test]
    fn a_bookmark_says_a_revision_but_not_which() {
        let event = |kind: &str| json!({"type": kind, "object": {"metadata": {"resourceVersion": "5"}}});
        let mut exchange = Exchange { events: Some(vec![event("BOOKMARK"), event("ADDED")]), ..Exchange::default() };
        let mut normaliser = Normaliser::new("x");
        normaliser.begin(1, &exchange);
        normaliser.normalise(&mut exchange);
        let events = exchange.events.unwrap();
        assert_eq!(events[0]["object"]["metadata"]["resourceVersion"], "<resourceVersion>");
        assert_eq!(events[1]["object"]["metadata"]["resourceVersion"], "rv 1.1");
    }
}
