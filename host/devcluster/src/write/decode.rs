//! From a request body to an object of a kind: type check, unknown fields, defaults.

use serde_json::Value;

use crate::builtin::fields::{self, WrongType};
use crate::builtin::messages::{MESSAGES, Message};
use crate::crd::schema_fields;
use crate::events_view;
use crate::object::{MAX_LEVELS, ObjectExt, levels};
use crate::request::body::Body;
use crate::request::query::FieldValidation;
use crate::resource::{Resource, Rules};
use crate::schema::{Schema, Type, defaults::apply_defaults, embedded, prune::prune};
use crate::status::Refusal;

/// An object in the form in which it is stored, without `apiVersion` and `kind`.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) value: Value,
    /// For `Warning` headers: fields that were dropped.
    pub(crate) warnings: Vec<String>,
}

/// Decodes an object of a resource.
pub(crate) fn decode(resource: &Resource, body: Body, validation: FieldValidation) -> Result<Decoded, Refusal> {
    let Body { mut value, duplicates } = body;
    if levels(&value) > MAX_LEVELS {
        return Err(Refusal::too_deep());
    }
    whole_numbers(&mut value);
    check_type(resource, &value)?;
    if !resource.is_custom() {
        check_fields(resource, &value, &resource.schema, &resource.kind)?;
        drop_nulls(&mut value);
    } else if value["metadata"].is_object() {
        check_fields(resource, &value["metadata"], &crate::schema::METADATA, "ObjectMeta")?;
    }
    let mut unknown = Vec::new();
    if let Some(message) = kind_fields(resource) {
        fields::prune(message, &mut value, None, &mut unknown).map_err(|WrongType { found, path, wanted }| {
            let field = format!("{}.{path}", resource.kind);
            not_handled(
                resource,
                &format!("json: cannot unmarshal {found} into Go struct field {field} of type {wanted}"),
            )
        })?;
    }
    prune(&mut value, &resource.schema, "", &mut unknown);
    if resource.rules == Rules::CustomResourceDefinition {
        schema_fields::prune(&mut value, &mut unknown);
    }
    let problems = duplicates.iter().map(|path| format!("duplicate field \"{path}\""));
    let problems: Vec<String> =
        problems.chain(unknown.iter().map(|path| format!("unknown field \"{path}\""))).collect();
    if validation == FieldValidation::Strict && !problems.is_empty() {
        return Err(not_handled(resource, &format!("strict decoding error: {}", problems.join(", "))));
    }
    if resource.is_custom()
        && let Some(error) = embedded::unreadable(&value, &resource.schema)
    {
        return Err(not_handled(resource, &error.to_string()));
    }
    if let Value::Object(map) = &mut value {
        map.remove("apiVersion");
        map.remove("kind");
    }
    normalise_metadata(&mut value);
    apply_defaults(&mut value, &resource.schema);
    if resource.rules == Rules::EventView {
        events_view::to_core(&mut value);
    }
    let warnings = if validation == FieldValidation::Warn { problems } else { Vec::new() };
    Ok(Decoded { value, warnings })
}

/// The fields of a built-in kind: all of them, also where its schema is open.
pub(super) fn kind_fields(resource: &Resource) -> Option<&'static Message> {
    MESSAGES.kind(&resource.api_version(), &resource.kind).filter(|_| !resource.is_custom())
}

/// The refusal of a body that is not even JSON or YAML.
pub(crate) fn unreadable(resource: &Resource, error: &str, bytes: &[u8]) -> Refusal {
    let excerpt: String = String::from_utf8_lossy(bytes).chars().take(100).collect();
    Refusal::bad_request(format!(
        "the object provided is unrecognized (must be of type {}): couldn't get version/kind; json parse error: \
         {error} ({excerpt})",
        resource.kind
    ))
}

fn not_handled(resource: &Resource, cause: &str) -> Refusal {
    let (kind, version) = (&resource.kind, &resource.group_version.version);
    Refusal::bad_request(format!("{kind} in version \"{version}\" cannot be handled as a {kind}: {cause}"))
}

fn check_type(resource: &Resource, value: &Value) -> Result<(), Refusal> {
    if !value.is_object() {
        let message = format!("the object provided is unrecognized (must be of type {})", resource.kind);
        return Err(Refusal::bad_request(message));
    }
    if resource.is_custom() && value["kind"].as_str().is_none_or(str::is_empty) {
        let text = value.to_string();
        let excerpt: String = text.chars().take(30).collect();
        let more = if excerpt.len() < text.len() { " ..." } else { "" };
        return Err(Refusal::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): Object 'Kind' is missing in '{text}' ({excerpt}{more})",
            resource.kind
        )));
    }
    let expected = resource.api_version();
    match (value["apiVersion"].as_str(), resource.is_custom()) {
        (None | Some(""), false) => {}
        (None | Some(""), true) => {
            return Err(Refusal::bad_request(format!("Object 'apiVersion' is missing in '{value}'")));
        }
        (Some(found), _) if found != expected => {
            return Err(Refusal::bad_request(format!(
                "the API version in the data ({found}) does not match the expected API version ({expected})"
            )));
        }
        _ => {}
    }
    match value["kind"].as_str() {
        None | Some("") => Ok(()),
        Some(found) if found != resource.kind => {
            let kind = &resource.kind;
            Err(Refusal::wrong_kind(resource, value.meta_str("name"), found, &format!("must be {kind}")))
        }
        _ => Ok(()),
    }
}

/// Built-in kinds are typed: a value of the wrong type is no object of the kind at all.
fn check_fields(resource: &Resource, value: &Value, known: &Schema, path: &str) -> Result<(), Refusal> {
    if value.is_null() {
        return Ok(());
    }
    if let Some(wanted) = known.ty
        && !wanted.admits(value)
    {
        let found = Type::of(value).map_or("null", Type::as_str);
        let found = if found == "integer" { "number" } else { found };
        let message = format!("json: cannot unmarshal {found} into Go struct field {path} of type {}", wanted.as_str());
        return Err(not_handled(resource, &message));
    }
    match value {
        Value::Object(map) => {
            for (key, child) in map {
                if let Some(schema) = known.member(key) {
                    if resource.rules == Rules::Lease || key == "eventTime" || key == "lastObservedTime" {
                        check_micro_time(resource, key, child)?;
                    }
                    // Keys of maps are no fields of Go.
                    let is_field = known.properties.contains_key(key);
                    let path = if is_field { format!("{path}.{key}") } else { path.to_owned() };
                    check_fields(resource, child, schema, &path)?;
                }
            }
            Ok(())
        }
        Value::Array(items) => {
            let schema = known.item();
            items.iter().try_for_each(|item| schema.map_or(Ok(()), |schema| check_fields(resource, item, schema, path)))
        }
        _ => Ok(()),
    }
}

/// Times with microseconds are read with exactly six digits.
fn check_micro_time(resource: &Resource, key: &str, value: &Value) -> Result<(), Refusal> {
    let is_micro_time = matches!(key, "acquireTime" | "renewTime" | "eventTime" | "lastObservedTime");
    let Some(text) = value.as_str().filter(|text| is_micro_time && !text.is_empty()) else {
        return Ok(());
    };
    let rest = text.find('.').map_or_else(|| text.trim_start_matches(|c| c != 'Z' && c != '+'), |dot| &text[dot..]);
    let layout = "2006-01-02T15:04:05.000000Z07:00";
    let fail = |rest: &str, wanted: &str| {
        let message = format!("parsing time {text:?} as {layout:?}: cannot parse {rest:?} as {wanted:?}");
        Err(not_handled(resource, &message))
    };
    let digits = rest.strip_prefix('.').map(|rest| rest.chars().take_while(char::is_ascii_digit).count());
    match digits {
        Some(6) if text.parse::<jiff::Timestamp>().is_ok() => Ok(()),
        Some(6) => fail(text, "2006"),
        Some(more) if more > 6 => fail(&rest[7..], "Z07:00"),
        _ => fail(rest, ".000000"),
    }
}

/// A number without a fraction is kept as an integer, however it was written.
fn whole_numbers(value: &mut Value) {
    match value {
        Value::Object(map) => map.values_mut().for_each(whole_numbers),
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Number(number) if number.is_f64() => {
            // Beyond this, not every integer is a float.
            const EXACT: f64 = 9_007_199_254_740_992.0;
            let whole = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= EXACT);
            if let Some(whole) = whole.and_then(|float| format!("{float:.0}").parse::<i64>().ok()) {
                *value = whole.into();
            }
        }
        _ => {}
    }
}

/// A type of Go has no nulls.
pub(super) fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, child| !child.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// Metadata has a type of its own, in which empty means absent.
fn normalise_metadata(value: &mut Value) {
    let metadata = value.metadata_mut();
    metadata.remove("selfLink");
    metadata.retain(|_, value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    });
}
