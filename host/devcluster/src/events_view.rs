//! Events have two APIs, `v1` and `events.k8s.io/v1`, over one store. What is stored is the form of `v1`.

use serde_json::{Map, Value, json};

/// Fields of the same meaning: their name in `v1` and in `events.k8s.io/v1`.
const RENAMED: &[(&str, &str)] = &[
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("reportingComponent", "reportingController"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
];

/// Renames the fields of a stored event to those of `events.k8s.io/v1`, and leaves out what is empty there.
pub(crate) fn to_events_api(event: &mut Value) {
    if let Value::Object(event) = event {
        for (core, events) in RENAMED {
            rename(event, core, events);
        }
        for key in ["reportingController", "reportingInstance"] {
            if event.get(key).is_some_and(|value| value == "") {
                event.remove(key);
            }
        }
    }
}

/// Renames the fields of an `events.k8s.io/v1` event to those that are stored.
pub(crate) fn to_core(event: &mut Value) {
    if let Value::Object(event) = event {
        for (core, events) in RENAMED {
            rename(event, events, core);
        }
    }
}

/// Adds the fields that every stored event has, present or not in the request.
pub(crate) fn complete(event: &mut Value) {
    if let Value::Object(event) = event {
        for key in ["firstTimestamp", "lastTimestamp", "eventTime"] {
            event.entry(key).or_insert(Value::Null);
        }
        for key in ["source", "involvedObject"] {
            event.entry(key).or_insert_with(|| json!({}));
        }
        for key in ["reportingComponent", "reportingInstance"] {
            event.entry(key).or_insert_with(|| json!(""));
        }
    }
}

fn rename(event: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = event.remove(from) {
        event.insert(to.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_forms_convert_into_each_other() {
        let core = json!({"involvedObject": {"name": "a"}, "message": "m", "count": 2, "reason": "R"});
        let mut event = core.clone();
        to_events_api(&mut event);
        assert_eq!(event, json!({"regarding": {"name": "a"}, "note": "m", "deprecatedCount": 2, "reason": "R"}));
        to_core(&mut event);
        assert_eq!(event, core);
    }
}
