//! Cells of the table of events, which were written by several generations of clients.

use serde_json::{Value, json};

use crate::table::columns::age_of;

fn since(time: &Value) -> Value {
    json!(time.as_str().map_or_else(|| "<unknown>".to_owned(), age_of))
}

fn first(values: [&Value; 2]) -> &str {
    values.into_iter().filter_map(Value::as_str).find(|text| !text.is_empty()).unwrap_or_default()
}

/// How long ago an event was first seen.
pub(super) fn first_seen(event: &Value) -> Value {
    since(Some(&event["firstTimestamp"]).filter(|time| time.is_string()).unwrap_or(&event["eventTime"]))
}

/// How long ago an event was last seen, whichever of its times says so.
pub(super) fn last_seen(event: &Value) -> Value {
    match (&event["series"], &event["lastTimestamp"]) {
        (series @ Value::Object(_), _) => since(&series["lastObservedTime"]),
        (_, time @ Value::String(_)) => since(time),
        _ => first_seen(event),
    }
}

/// How often an event was seen.
pub(super) fn count(event: &Value) -> Value {
    let count = if event["series"].is_object() { &event["series"]["count"] } else { &event["count"] };
    match count.as_i64() {
        None | Some(0) if !event["series"].is_object() => json!(1),
        count => json!(count.unwrap_or(0)),
    }
}

/// `kind/name` of what an event is about.
pub(super) fn involved_object(event: &Value) -> Value {
    let object = &event["involvedObject"];
    let kind = object["kind"].as_str().unwrap_or_default().to_lowercase();
    match object["name"].as_str().unwrap_or_default() {
        "" => kind.into(),
        name => json!(format!("{kind}/{name}")),
    }
}

/// The part of that object, as a path.
pub(super) fn subobject(event: &Value) -> Value {
    json!(event["involvedObject"]["fieldPath"].as_str().unwrap_or_default())
}

/// Who reports an event, and from where.
pub(super) fn source(event: &Value) -> Value {
    let source = &event["source"];
    let component = first([&source["component"], &event["reportingComponent"]]);
    match first([&source["host"], &event["reportingInstance"]]) {
        "" => component.into(),
        instance => json!(format!("{component}, {instance}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_all_generations_say_who_reports_them() {
        assert_eq!(source(&json!({"source": {"component": "kubelet", "host": "node"}})), "kubelet, node");
        assert_eq!(source(&json!({"reportingComponent": "example.com/controller"})), "example.com/controller");
    }

    #[test]
    fn an_event_without_a_count_was_seen_once() {
        assert_eq!(count(&json!({})), 1);
        assert_eq!(count(&json!({"count": 3})), 3);
        assert_eq!(count(&json!({"count": 3, "series": {"count": 5}})), 5);
    }

    #[test]
    fn an_event_without_times_was_seen_at_an_unknown_time() {
        assert_eq!(last_seen(&json!({"metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"}})), "<unknown>");
    }
}
