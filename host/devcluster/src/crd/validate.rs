//! The rules that a CRD itself has to keep.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{extras, status, text};
use crate::field_error::FieldError;
use crate::schema::{self, embedded::kind_fault, structural::is_something};
use crate::write::names;

/// What is wrong with a CRD. `old` is the state before an update.
pub(crate) fn validate(old: Option<&Value>, crd: &Value, errors: &mut Vec<FieldError>) {
    let spec = &crd["spec"];
    validate_names(crd, errors);
    if !matches!(text(spec, "/scope"), "Cluster" | "Namespaced") {
        let supported = [json!("Cluster"), json!("Namespaced")];
        errors.push(match text(spec, "/scope") {
            "" => FieldError::required("spec.scope", ""),
            scope => FieldError::not_supported("spec.scope", &json!(scope), &supported),
        });
    }
    validate_versions(spec, errors);
    validate_stored_versions(crd, errors);
    match text(spec, "/conversion/strategy") {
        "None" => {}
        strategy => {
            errors.push(FieldError::not_supported("spec.conversion.strategy", &json!(strategy), &[json!("None")]));
        }
    }
    if let Some(old) = old {
        for field in ["/spec/group", "/spec/scope", "/spec/names/plural", "/spec/names/kind"] {
            let (before, after) = (text(old, field), text(crd, field));
            if before != after {
                let path = field[1..].replace('/', ".");
                errors.push(FieldError::invalid(path, &json!(after), "field is immutable"));
            }
        }
    }
}

fn validate_names(crd: &Value, errors: &mut Vec<FieldError>) {
    let group = text(crd, "/spec/group");
    if group.is_empty() {
        errors.push(FieldError::required("spec.group", ""));
    } else if !names::is_subdomain(group) {
        errors.push(FieldError::invalid("spec.group", &json!(group), names::SUBDOMAIN_RULE));
    } else if !group.contains('.') {
        errors.push(FieldError::invalid("spec.group", &json!(group), "should be a domain with at least one dot"));
    }
    let spec_names = &crd["spec"]["names"];
    for name in ["plural", "singular", "kind", "listKind"] {
        let field = format!("spec.names.{name}");
        let value = spec_names[name].as_str().unwrap_or_default();
        if value.is_empty() {
            errors.push(FieldError::required(field, ""));
            continue;
        }
        let fault = match name {
            "kind" | "listKind" => kind_fault(value),
            _ => label_fault(value),
        };
        errors.extend(fault.map(|fault| FieldError::invalid(field, &json!(value), &fault)));
    }
    for list in ["shortNames", "categories"] {
        for (index, value) in spec_names[list].as_array().into_iter().flatten().enumerate() {
            let field = format!("spec.names.{list}[{index}]");
            let fault = label_fault(value.as_str().unwrap_or_default());
            errors.extend(fault.map(|fault| FieldError::invalid(field, value, &fault)));
        }
    }
    let kind = text(crd, "/spec/names/kind");
    if !kind.is_empty() && kind == text(crd, "/spec/names/listKind") {
        let detail = "kind and listKind may not be the same";
        errors.push(FieldError::invalid("spec.names.listKind", &json!(kind), detail));
    }
    let name = text(crd, "/metadata/name");
    if name != format!("{}.{group}", text(crd, "/spec/names/plural")) {
        let detail = "must be spec.names.plural+\".\"+spec.group";
        errors.push(FieldError::invalid("metadata.name", &json!(name), detail));
    }
}

fn label_fault(name: &str) -> Option<String> {
    let faults = names::lettered_label_faults(name);
    (!faults.is_empty()).then(|| faults.join(","))
}

fn validate_versions(spec: &Value, errors: &mut Vec<FieldError>) {
    let versions = spec["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut seen = HashSet::new();
    // Kubernetes reports a schema that all versions share at one place for all of them.
    let shared = versions.iter().all(|version| version["schema"] == versions[0]["schema"]);
    let mut unique = true;
    for (index, version) in versions.iter().enumerate() {
        let path = format!("spec.versions[{index}]");
        let name = text(version, "/name");
        let fault = label_fault(name);
        // Kubernetes keeps the name of the first version in a field that clients no longer see.
        let fields = [Some(format!("{path}.name")), (index == 0).then(|| "spec.version".to_owned())];
        for field in fields.into_iter().flatten() {
            errors.extend(fault.iter().map(|fault| FieldError::invalid(&*field, &json!(name), fault)));
        }
        unique &= seen.insert(name);
        match &version["schema"]["openAPIV3Schema"] {
            Value::Null => {
                let field = format!("{path}.schema.openAPIV3Schema");
                errors.push(FieldError::required(field, ""));
            }
            _ if shared && index > 0 => {}
            document => {
                let place = if shared { "spec.validation".to_owned() } else { format!("{path}.schema") };
                let place = format!("{place}.openAPIV3Schema");
                schema::parse(document, &place, errors);
                // What all versions share is held to what one of them needs.
                let mut sharers = if shared { versions } else { std::slice::from_ref(version) }.iter();
                if sharers.any(|version| version["subresources"]["status"].is_object()) {
                    validate_root(document, &place, errors);
                }
            }
        }
    }
    extras::validate(versions, errors);
    // Kubernetes prints whole versions, as a list that may be missing; their names say as much.
    let names = || -> Value { versions.iter().map(|version| version["name"].clone()).collect() };
    let printed = if versions.is_empty() { Value::Null } else { names() };
    if !unique {
        errors.push(FieldError::invalid("spec.versions", &printed, "must contain unique version names"));
    }
    if versions.iter().filter(|version| version["storage"] == true).count() != 1 {
        let detail = "must have exactly one version marked as storage version";
        errors.push(FieldError::invalid("spec.versions", &printed, detail));
    }
}

/// With a subresource for the status, the root of a schema may have no rules that would concern the status, too.
fn validate_root(document: &Value, path: &str, errors: &mut Vec<FieldError>) {
    const ALLOWED: &str = "description type format title maximum exclusiveMaximum minimum exclusiveMinimum maxLength \
         minLength pattern maxItems minItems uniqueItems multipleOf required items properties externalDocs example \
         x-kubernetes-preserve-unknown-fields x-kubernetes-validations";
    let is_allowed = |key: &str| ALLOWED.split_whitespace().any(|allowed| allowed == key);
    let mut fields = document.as_object().into_iter().flatten();
    if fields.any(|(key, value)| !is_allowed(key) && is_something(value)) {
        let detail =
            format!("only {ALLOWED} fields are allowed at the root of the schema if the status subresource is enabled");
        errors.push(FieldError::invalid(path, document, &detail));
    }
}

/// Versions that objects may still be stored in have to stay.
fn validate_stored_versions(crd: &Value, errors: &mut Vec<FieldError>) {
    const FIELD: &str = "status.storedVersions";
    let stored = status::stored_versions(crd);
    if stored.is_empty() {
        errors.push(FieldError::invalid(FIELD, &Value::Null, "must have at least one stored version"));
        return;
    }
    let versions = crd["spec"]["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    for version in versions.iter().filter(|version| version["storage"] == true) {
        let name = text(version, "/name");
        if !stored.iter().any(|stored| stored == name) {
            let detail = format!("must have the storage version {name}");
            errors.push(FieldError::invalid(FIELD, &json!(stored), &detail));
        }
    }
    for (index, name) in stored.iter().enumerate() {
        if !versions.iter().any(|version| version["name"] == **name) {
            let detail = format!(
                "missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions \
                 until a storage migration ensures no data remains persisted in {name} and removes {name} from \
                 status.storedVersions"
            );
            errors.push(FieldError::invalid(format!("{FIELD}[{index}]"), &json!(name), &detail));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crd::default_fields;

    fn errors(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut crd = json!({
            "metadata": {"name": "widgets.demo.example"},
            "spec": {
                "group": "demo.example", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
                "versions": [{
                    "name": "v1", "served": true, "storage": true,
                    "schema": {"openAPIV3Schema": {"type": "object"}},
                }],
            },
        });
        change(&mut crd);
        default_fields(&mut crd);
        let mut errors = Vec::new();
        validate(None, &crd, &mut errors);
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_plain_definition_is_valid() {
        assert_eq!(errors(|_| {}), Vec::<String>::new());
    }

    #[test]
    fn the_name_follows_from_plural_and_group() {
        let found = errors(|crd| crd["metadata"]["name"] = json!("gadgets.demo.example"));
        let wanted =
            r#"metadata.name: Invalid value: "gadgets.demo.example": must be spec.names.plural+"."+spec.group"#;
        assert_eq!(found, [wanted]);
    }

    #[test]
    fn one_version_is_stored_and_each_has_a_schema() {
        assert_eq!(errors(|crd| crd["spec"]["versions"][0]["storage"] = json!(false)).len(), 2);
        assert_eq!(errors(|crd| crd["spec"]["versions"][0]["schema"] = Value::Null).len(), 1);
        assert_eq!(errors(|crd| crd["spec"]["scope"] = json!("Galaxy")).len(), 1);
    }

    #[test]
    fn names_begin_with_a_letter() {
        for (field, value) in [("plural", "1widgets"), ("kind", "1Widget"), ("singular", "a.b")] {
            let found = errors(|crd| {
                crd["spec"]["names"][field] = json!(value);
                crd["metadata"]["name"] =
                    json!(format!("{}.demo.example", crd["spec"]["names"]["plural"].as_str().unwrap()));
            });
            let wanted = format!("spec.names.{field}: Invalid value: \"{value}\": ");
            assert!(found.iter().any(|error| error.starts_with(&wanted)), "{found:?}");
        }
        assert_eq!(errors(|crd| crd["spec"]["names"]["shortNames"] = json!(["w", "W"])).len(), 1);
        assert_eq!(errors(|crd| crd["spec"]["names"]["categories"] = json!(["a b"])).len(), 1);
        assert_eq!(errors(|crd| crd["spec"]["versions"][0]["name"] = json!("1v")).len(), 2);
    }

    #[test]
    fn rules_at_the_root_do_not_concern_a_status_of_its_own() {
        let found = |subresources: Value| {
            errors(|crd| {
                crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["maxProperties"] = json!(9);
                crd["spec"]["versions"][0]["subresources"] = subresources;
            })
        };
        assert_eq!(found(json!({})), [""; 0]);
        assert_eq!(found(json!({"status": {}})).len(), 1);
    }

    #[test]
    fn a_version_that_was_stored_stays() {
        let found = errors(|crd| crd["status"]["storedVersions"] = json!(["v0", "v1"]));
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("status.storedVersions[0]: Invalid value: \"v0\": missing from"), "{found:?}");
    }

    #[test]
    fn versions_have_different_names() {
        let found = errors(|crd| {
            let mut again = crd["spec"]["versions"][0].clone();
            again["storage"] = json!(false);
            crd["spec"]["versions"].as_array_mut().unwrap().push(again);
        });
        assert_eq!(found, ["spec.versions: Invalid value: [\"v1\",\"v1\"]: must contain unique version names"]);
    }

    #[test]
    fn conversion_webhooks_are_refused() {
        assert_eq!(errors(|crd| crd["spec"]["conversion"] = json!({"strategy": "Webhook"})).len(), 1);
    }
}
