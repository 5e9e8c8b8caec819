//! `CustomResourceDefinitions`: kinds that are data.

mod extras;
pub(crate) mod names;
pub(crate) mod resources;
pub(crate) mod schema_fields;
pub(crate) mod status;
pub(crate) mod validate;

use serde_json::{Value, json};

use crate::object::set_member;

/// Held by a CRD that is being deleted until its objects are gone.
pub(crate) const CLEANUP_FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";

/// Fills in what a CRD may leave out: names derived from the kind, and no conversion between versions.
pub(crate) fn default_fields(crd: &mut Value) {
    let Some(spec) = crd.get_mut("spec").filter(|spec| spec.is_object()) else {
        return;
    };
    if let Some(names) = spec.get_mut("names").and_then(Value::as_object_mut)
        && let Some(kind) = names.get("kind").and_then(Value::as_str).map(str::to_owned)
    {
        names.entry("singular").or_insert_with(|| json!(kind.to_lowercase()));
        names.entry("listKind").or_insert_with(|| json!(format!("{kind}List")));
    }
    if spec.get("conversion").is_none_or(Value::is_null) {
        spec["conversion"] = json!({"strategy": "None"});
    }
}

/// Sets a member of an object to what another has, which may be nothing.
fn set(object: &mut Value, key: &str, value: Option<&Value>) {
    set_member(object, key, value.cloned());
}

pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub(crate) fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
