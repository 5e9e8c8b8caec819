//! The fields that a schema in a CRD may have. They are a type of Kubernetes that contains itself, which the schema of a
//! CRD cannot say.

use serde_json::Value;

/// Fields that hold no schemas.
const PLAIN: &str = "\
    $ref $schema default description enum example exclusiveMaximum exclusiveMinimum externalDocs format id \
    maxItems maxLength maxProperties maximum minItems minLength minProperties minimum multipleOf nullable pattern \
    required title type uniqueItems x-kubernetes-embedded-resource x-kubernetes-int-or-string \
    x-kubernetes-list-map-keys x-kubernetes-list-type x-kubernetes-map-type x-kubernetes-preserve-unknown-fields \
    x-kubernetes-validations";

/// Removes unknown fields from all schemas of a CRD and adds their paths to `unknown`.
pub(crate) fn prune(crd: &mut Value, unknown: &mut Vec<String>) {
    let versions = crd.pointer_mut("/spec/versions").and_then(Value::as_array_mut);
    for (index, version) in versions.into_iter().flatten().enumerate() {
        if let Some(schema) = version.pointer_mut("/schema/openAPIV3Schema") {
            prune_schema(schema, &format!("spec.versions[{index}].schema.openAPIV3Schema"), unknown);
        }
    }
}

fn prune_schema(schema: &mut Value, path: &str, unknown: &mut Vec<String>) {
    let Value::Object(fields) = schema else { return };
    fields.retain(|name, value| {
        let path = format!("{path}.{name}");
        match name.as_str() {
            "additionalItems" | "additionalProperties" | "items" | "not" => prune_schema(value, &path, unknown),
            "allOf" | "anyOf" | "oneOf" => {
                for (index, schema) in value.as_array_mut().into_iter().flatten().enumerate() {
                    prune_schema(schema, &format!("{path}[{index}]"), unknown);
                }
            }
            "definitions" | "dependencies" | "patternProperties" | "properties" => {
                for (key, schema) in value.as_object_mut().into_iter().flatten() {
                    prune_schema(schema, &format!("{path}.{key}"), unknown);
                }
            }
            plain if PLAIN.split_whitespace().any(|field| field == plain) => {}
            _ => {
                unknown.push(path);
                return false;
            }
        }
        true
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn unknown_fields_are_found_at_any_depth_and_names_of_properties_are_none() {
        let schema = json!({"type": "object", "propertis": {}, "properties": {
            "anything": {"type": "array", "items": {"typ": "string"}},
            "either": {"anyOf": [{"type": "string"}, {"tpe": "string"}]},
            "free": {"type": "object", "default": {"any": "thing"}},
        }});
        let mut crd = json!({"spec": {"versions": [{"schema": {"openAPIV3Schema": schema}}]}});
        let mut unknown = Vec::new();
        prune(&mut crd, &mut unknown);
        unknown.sort();
        let at = |path: &str| format!("spec.versions[0].schema.openAPIV3Schema.{path}");
        assert_eq!(
            unknown,
            [at("properties.anything.items.typ"), at("properties.either.anyOf[1].tpe"), at("propertis")]
        );
        let left = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        assert_eq!(left["properties"]["free"]["default"], json!({"any": "thing"}));
        assert_eq!(left.get("propertis"), None);
    }
}
