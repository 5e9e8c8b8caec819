//! What a version of a definition says beside its schema: printer columns, selectable fields and the scale subresource.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::field_error::FieldError;
use crate::table::columns::Column;
use crate::table::json_path::JsonPath;

const COLUMN_TYPES: &[&str] = &["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: &[&str] = &["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];

/// How many fields of a version selectors may name.
const MAX_SELECTABLE: u64 = 8;

/// Adds what is wrong with the extras of the versions of a definition.
pub(super) fn validate(versions: &[Value], errors: &mut Vec<FieldError>) {
    each(versions, "subresources", |_, subresources, path| {
        validate_scale(&subresources["scale"], &format!("{path}.scale"), errors);
    });
    each(versions, "additionalPrinterColumns", |_, columns, path| {
        for (index, column) in columns.as_array().into_iter().flatten().enumerate() {
            validate_column(column, &format!("{path}[{index}]"), errors);
        }
    });
    let one_schema = is_shared(versions, "schema");
    let one_list = is_shared(versions, "selectableFields");
    each(versions, "selectableFields", |version, fields, path| {
        let fields = fields.as_array().map(Vec::as_slice).unwrap_or_default();
        // Kubernetes looks for the schema where it looks for the fields.
        match (fields, one_list, one_schema) {
            ([], ..) => {}
            (_, true, false) => {
                let detail = "may only be set when validations.schema is included";
                errors.push(FieldError::invalid(path, &json!(""), detail));
            }
            (_, false, true) => {
                let detail = "may only be set when `version.schema.openAPIV3Schema` is not included";
                errors.push(FieldError::invalid(path, &json!(""), detail));
            }
            _ => validate_selectable(fields, &version["schema"]["openAPIV3Schema"], path, errors),
        }
    });
}

fn is_shared(versions: &[Value], key: &str) -> bool {
    versions.iter().all(|version| version[key] == versions[0][key])
}

/// Visits one extra of each version. What all versions have in common is visited once: Kubernetes reports it at one place.
fn each(versions: &[Value], key: &str, mut visit: impl FnMut(&Value, &Value, &str)) {
    if is_shared(versions, key) {
        if let Some(version) = versions.first() {
            visit(version, &version[key], &format!("spec.{key}"));
        }
        return;
    }
    for (index, version) in versions.iter().enumerate() {
        visit(version, &version[key], &format!("spec.versions[{index}].{key}"));
    }
}

fn validate_column(column: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let text = |key: &str| column[key].as_str().unwrap_or_default();
    if text("name").is_empty() {
        errors.push(FieldError::required(format!("{path}.name"), ""));
    }
    let types = format!("must be one of {}", COLUMN_TYPES.join(","));
    if text("type").is_empty() {
        errors.push(FieldError::required(format!("{path}.type"), &types));
    } else if !COLUMN_TYPES.contains(&text("type")) {
        errors.push(FieldError::invalid(format!("{path}.type"), &column["type"], &types));
    }
    if !text("format").is_empty() && !COLUMN_FORMATS.contains(&text("format")) {
        let detail = format!("must be one of {}", COLUMN_FORMATS.join(","));
        errors.push(FieldError::invalid(format!("{path}.format"), &column["format"], &detail));
    }
    if path_is_simple(text("jsonPath"), &format!("{path}.JSONPath"), errors)
        && let Err(error) = Column::from_printer_column(column)
    {
        errors.push(FieldError::invalid(format!("{path}.JSONPath"), &column["jsonPath"], &error));
    }
}

/// Whether a path is there and begins as one; what is wrong otherwise is added.
fn path_is_simple(text: &str, field: &str, errors: &mut Vec<FieldError>) -> bool {
    if text.is_empty() {
        errors.push(FieldError::required(field, ""));
    } else if !text.starts_with('.') {
        errors.push(FieldError::invalid(field, &json!(text), "must be a simple json path starting with ."));
    } else {
        return true;
    }
    false
}

fn validate_scale(scale: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if !scale.is_object() {
        return;
    }
    let either = "either .spec or .status";
    for (key, below, roots) in [
        ("specReplicasPath", ".spec", &[".spec."][..]),
        ("statusReplicasPath", ".status", &[".status."]),
        ("labelSelectorPath", either, &[".spec.", ".status."]),
    ] {
        let text = scale[key].as_str().unwrap_or_default();
        let field = format!("{path}.{key}");
        let is_absent = text.is_empty() && key == "labelSelectorPath";
        if is_absent || !path_is_simple(text, &field, errors) {
            continue;
        }
        if !roots.iter().any(|root| text.starts_with(root)) {
            errors.push(FieldError::invalid(field, &json!(text), &format!("should be a json path under {below}")));
        } else if JsonPath::parse(text).ok().as_ref().and_then(JsonPath::fields).is_none() {
            errors.push(FieldError::invalid(field, &json!(text), "must be a path of fields, such as .spec.replicas"));
        }
    }
}

fn validate_selectable(fields: &[Value], schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let mut seen = HashSet::new();
    for (index, selectable) in fields.iter().enumerate() {
        let field = format!("{path}[{index}].jsonPath");
        let text = selectable["jsonPath"].as_str().unwrap_or_default();
        if text.is_empty() {
            errors.push(FieldError::required(field, ""));
            continue;
        }
        let mut invalid = |detail: &str| errors.push(FieldError::invalid(&*field, &json!(text), detail));
        let (names, found) = match selected(text, schema) {
            Ok(found) => found,
            Err(fault) => {
                invalid(&format!("is an invalid path: {fault}"));
                continue;
            }
        };
        if names[0] == "metadata" {
            invalid("must not point to fields in metadata");
        }
        if !matches!(found["type"].as_str(), Some("string" | "boolean" | "integer")) {
            invalid(
                "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are \
                 allowed.",
            );
        }
        if !seen.insert(names) {
            errors.push(FieldError::duplicate(field, &json!(text)));
        }
    }
    if seen.len() as u64 > MAX_SELECTABLE {
        errors.push(FieldError::too_many(path, seen.len(), MAX_SELECTABLE));
    }
}

/// The names in the path of a selectable field, of which there is at least one, and the schema of the field.
fn selected<'s, 't>(path: &'t str, schema: &'s Value) -> Result<(Vec<&'t str>, &'s Value), String> {
    let Some(rest) = path.strip_prefix('.') else {
        return Err(if path.starts_with('[') {
            "array notation is not allowed".to_owned()
        } else {
            format!("expected [ or . but got: {}", path.split(['.', '[', ']']).next().unwrap_or_default())
        });
    };
    let mut names = Vec::new();
    let mut found = schema;
    for step in rest.split('.') {
        let (name, bracket) = step.split_once('[').map_or((step, false), |(name, _)| (name, true));
        if name.is_empty() {
            return Err("unexpected end of JSON path".to_owned());
        }
        let additional = found.get("additionalProperties").filter(|_| found["properties"].is_null());
        let next = found["properties"].get(name).or(additional);
        found = next.ok_or_else(|| "does not refer to a valid field".to_owned())?;
        names.push(name);
        if bracket {
            return Err("array notation is not allowed".to_owned());
        }
    }
    Ok((names, found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(key: &str, value: &Value) -> Vec<String> {
        let text = json!({"type": "string"});
        let spec = json!({"type": "object", "properties": {"mode": text, "list": {"type": "array", "items": text}}});
        let mut version = json!({"schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}});
        version[key] = value.clone();
        let mut errors = Vec::new();
        validate(&[version], &mut errors);
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn columns_have_a_name_a_type_and_a_path() {
        let column = |change: Value| {
            let mut column = json!({"name": "A", "type": "string", "jsonPath": ".spec.mode"});
            column.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            errors("additionalPrinterColumns", &json!([column]))
        };
        assert_eq!(column(json!({})), [""; 0]);
        assert_eq!(
            column(json!({"type": "strng"})),
            ["spec.additionalPrinterColumns[0].type: Invalid value: \"strng\": must be one of \
              boolean,date,integer,number,string"]
        );
        for wrong in [
            json!({"name": ""}),
            json!({"type": ""}),
            json!({"format": "yaml"}),
            json!({"jsonPath": ""}),
            json!({"jsonPath": "spec"}),
            json!({"jsonPath": ".spec["}),
        ] {
            assert_eq!(column(wrong.clone()).len(), 1, "{wrong}");
        }
    }

    #[test]
    fn selectable_fields_are_scalars_of_the_schema() {
        let fields = |paths: &[&str]| {
            let fields: Vec<Value> = paths.iter().map(|path| json!({"jsonPath": path})).collect();
            errors("selectableFields", &json!(fields))
        };
        assert_eq!(fields(&[".spec.mode"]), [""; 0]);
        let at = "spec.selectableFields[0].jsonPath: Invalid value:";
        for (path, fault) in [
            (".spec.other", "does not refer to a valid field"),
            (".spec.list[0]", "array notation is not allowed"),
            ("spec.mode", "expected [ or . but got: spec"),
            (".spec.", "unexpected end of JSON path"),
        ] {
            assert_eq!(fields(&[path]), [format!("{at} \"{path}\": is an invalid path: {fault}")]);
        }
        assert!(fields(&[".spec"])[0].starts_with(&format!("{at} \".spec\": must point to a field of type string,")));
        assert_eq!(fields(&[".spec.mode", ".spec.mode"]).len(), 1);
        assert_eq!(fields(&[""]).len(), 1);
    }

    #[test]
    fn replicas_are_below_spec_and_status() {
        let scale = |spec: &str, status: &str, selector: &str| {
            let scale = json!({"specReplicasPath": spec, "statusReplicasPath": status, "labelSelectorPath": selector});
            errors("subresources", &json!({"scale": scale}))
        };
        assert_eq!(scale(".spec.replicas", ".status.replicas", ""), [""; 0]);
        assert_eq!(scale(".spec.replicas", ".status.replicas", ".status.selector"), [""; 0]);
        assert_eq!(
            scale(".status.replicas", ".status.replicas", ""),
            [
                "spec.subresources.scale.specReplicasPath: Invalid value: \".status.replicas\": should be a json path under \
              .spec"
            ]
        );
        assert_eq!(scale("", "status", ".metadata.x").len(), 3);
        assert_eq!(scale(".spec.list[0]", ".status.replicas", "").len(), 1);
    }

    #[test]
    fn extras_are_reported_where_all_versions_have_them() {
        let version = |ty: &str| json!({"additionalPrinterColumns": [{"name": "A", "type": ty, "jsonPath": ".a"}]});
        let fields = |versions: &[Value]| {
            let mut errors = Vec::new();
            validate(versions, &mut errors);
            errors.iter().map(|error| error.cause()["field"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(fields(&[version("x"), version("x")]), ["spec.additionalPrinterColumns[0].type"]);
        assert_eq!(fields(&[version("string"), version("x")]), ["spec.versions[1].additionalPrinterColumns[0].type"]);
    }
}
