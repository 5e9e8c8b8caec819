//! Objects as an API server sends them, and the status that is written to them. A line of `---` parts an object from what a
//! provider says of its status.

use std::collections::BTreeMap;

use capstan_api::Condition;
use capstan_cluster::Object;
use capstan_engine::boundary::{difference, merged, status_patch};
use serde_json::{Value, value::RawValue};

pub(crate) const WORDS: &[&str] = &[
    "{}",
    "[]",
    "null",
    "\"\"",
    "1.0",
    "-0",
    "-0.0",
    "1e2",
    "1E400",
    "18446744073709551616",
    "12345678901234567890123",
    "\\u006d\\u0065",
    "\\ud800",
    "\"managedFields\": [{}],",
    "\"\\u006danagedFields\": [{}],",
    "\"metadata\": {\"managedFields\": []},",
    "\"labels\": {\"a\": null},",
    "\"ownerReferences\": [{\"uid\": \"o\"}],",
    "\"conditions\": [],",
    "\"conditions\": [{\"type\": \"Ready\"}],",
    "\"type\": \"Synced\",",
    "\"lastHandledReconcileAt\": 1,",
    "\n---\n",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
];

pub(crate) fn run(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let (object, said) = text.split_once("\n---\n").unwrap_or((text, ""));
    let said: Option<Value> = serde_json::from_str(said).ok();
    if let Ok(taken) = Object::parse(object, None) {
        nothing_is_lost(object, &taken);
        if let Some(said) = &said {
            status_settles(&taken, said);
        }
    }
    if let (Ok(from), Some(to)) = (serde_json::from_str(object), said) {
        differences_are_patches(&from, to);
    }
}

type Members = BTreeMap<String, Box<RawValue>>;

/// Everything is as it was sent, to the last digit, but for `metadata.managedFields`.
fn nothing_is_lost(sent: &str, taken: &Object) {
    let members = |text: &str| serde_json::from_str::<Members>(text).expect("an object");
    let (mut before, mut after) = (members(sent), members(taken.json()));
    let metadata = |members: &mut Members| members.remove("metadata").expect("it has a name");
    let (mut old, new) = (self::members(&metadata(&mut before)), self::members(&metadata(&mut after)));
    old.remove("managedFields");
    assert_eq!(texts(&old), texts(&new));
    assert_eq!(texts(&before), texts(&after));

    // What is known of it without reading it is what is in it.
    let value = taken.value();
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    assert_eq!(text("/metadata/name"), taken.key().name);
    assert_eq!(text("/metadata/namespace"), taken.key().namespace.as_deref().unwrap_or_default());
    assert_eq!((text("/metadata/uid"), text("/metadata/resourceVersion")), (taken.uid(), taken.resource_version()));
    assert_eq!(text("/kind"), taken.kind().kind);
    assert_eq!(text("/apiVersion"), capstan_api::api_version(taken.kind()));

    let again = Object::parse(taken.json(), None).expect("read as it was written");
    assert_eq!(again.json(), taken.json());
    assert_eq!(again.labels(), taken.labels());
}

fn members(raw: &RawValue) -> Members {
    serde_json::from_str(raw.get()).expect("an object")
}

fn texts(members: &Members) -> Vec<(&str, &str)> {
    members.iter().map(|(name, value)| (name.as_str(), value.get())).collect()
}

/// What is written is there afterwards, so that it is written once, and what belongs to the host is not the provider's.
fn status_settles(object: &Object, said: &Value) {
    let conditions = [Condition::reconcile_success(), Condition::available()];
    let said = [said.clone()];
    let Some(patch) = status_patch(object.clone(), &said, &conditions) else { return };
    let after = merged(object.value(), &patch);
    // A provider may say more than fits; then the API server refuses it.
    let Ok(after) = Object::from_value(after) else { return };
    let again = status_patch(after.clone(), &said, &conditions);
    assert_eq!(again, None, "written a second time");

    let alone = status_patch(object.clone(), &said, &[]);
    let touched = alone.as_ref().and_then(|patch| patch.pointer("/status/conditions"));
    assert_eq!(touched, None, "a provider writes conditions");
}

/// A difference, applied, makes the one document of the other, as another implementation of the standard sees it too.
fn differences_are_patches(from: &Value, mut to: Value) {
    // A merge patch cannot say null.
    without_nulls(&mut to);
    assert_eq!(difference(&to, &to), None);
    let Some(patch) = difference(from, &to) else { return };
    let own = merged(from.clone(), &patch);
    assert_eq!(difference(&own, &to), None, "{patch} does not make {to} of {from}, but {own}");
    assert_eq!(merged(own.clone(), &patch), own, "applied twice");
    let mut others = from.clone();
    json_patch::merge(&mut others, &patch);
    assert_eq!(others, own, "{patch} applied to {from}");
}

fn without_nulls(value: &mut Value) {
    if let Value::Object(members) = value {
        members.retain(|_, value| !value.is_null());
        members.values_mut().for_each(without_nulls);
    }
}
