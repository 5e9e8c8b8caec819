//! The `CustomResourceDefinition` against the types that read its objects.

use capstan_patch::PROVIDER;
use capstan_patch::merge::MergeOptions;
use capstan_patch::spec::{
    DeletionPolicy, From, LabelSelector, NamedSource, ObjectReference, OnConflict, OnDelete, Spec, To, WhenNull,
};
use serde_json::{Value, json};

fn schema() -> Value {
    let definition: Value = serde_json::from_str(PROVIDER.kinds()[0].kind().definition().unwrap()).unwrap();
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"].clone()
}

/// Every member of `object` that the schema does not know would be dropped by the API server.
fn unknown(object: &Value, schema: &Value, path: &str, found: &mut Vec<String>) {
    for item in object.as_array().into_iter().flatten() {
        unknown(item, &schema["items"], path, found);
    }
    for (key, value) in object.as_object().into_iter().flatten() {
        let path = format!("{path}.{key}");
        match &schema["properties"][key] {
            Value::Null => found.push(path),
            schema => unknown(value, schema, &path, found),
        }
    }
}

#[test]
fn the_schema_keeps_every_field_of_a_specification() {
    let text = || Some("x".to_owned());
    let reference = || ObjectReference { api_version: text(), kind: text(), name: text(), namespace: text() };
    let full = Spec {
        from: Some(From { object_reference: Some(reference()), field_path: text() }),
        to: Some(To {
            object_reference: Some(reference()),
            field_path: text(),
            transforms: Some(Vec::new()),
            transform: text(),
            selector: Some(LabelSelector::default()),
            when_null: Some(WhenNull::Delete),
            on_conflict: Some(OnConflict::Fail),
        }),
        sources: Some(vec![NamedSource { name: text(), object_reference: Some(reference()), field_path: text() }]),
        merge_options: Some(MergeOptions { keep_map_values: Some(true), append_slice: Some(true) }),
        deletion_policy: Some(DeletionPolicy::Orphan),
        on_delete: Some(OnDelete::Revert),
    };
    let mut found = Vec::new();
    unknown(&serde_json::to_value(full).unwrap(), &schema(), "spec", &mut found);
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn an_incomplete_patch_can_be_stored_so_that_it_gets_a_condition() {
    let schema = schema();
    for pointer in ["", "/properties/from", "/properties/to"] {
        assert_eq!(schema.pointer(pointer).unwrap().get("required"), None, "{pointer}");
    }
    assert_eq!(schema["properties"]["to"]["properties"]["objectReference"]["required"], json!(["kind"]));
}

/// Everything below `spec` is the same, but for what is said of namespaces.
#[test]
fn the_two_kinds_differ_in_scope_alone() {
    let definition =
        |kind: usize| serde_json::from_str::<Value>(PROVIDER.kinds()[kind].kind().definition().unwrap()).unwrap();
    let (cluster, namespaced) = (definition(0), definition(1));
    assert_eq!((&cluster["spec"]["scope"], &namespaced["spec"]["scope"]), (&json!("Cluster"), &json!("Namespaced")));
    let text = |definition: &Value| definition["spec"]["versions"].to_string();
    let common = text(&cluster)
        .replace("default if missing; means nothing for kinds without namespaces.", "its own if missing, and no other.")
        .replace("of another object.\"", "of another object, both in its own namespace.\"");
    assert_eq!(common, text(&namespaced));
}

#[test]
fn one_source_or_several_and_a_name_or_a_selector() {
    let schema = schema();
    assert_eq!(schema["x-kubernetes-validations"][0]["rule"], "!(has(self.from) && has(self.sources))");
    let rule = &schema["properties"]["to"]["x-kubernetes-validations"][1]["rule"];
    assert_eq!(rule, "!has(self.objectReference) || has(self.objectReference.name) != has(self.selector)");
}

#[test]
fn the_two_generations_of_transforms_exclude_each_other() {
    let rule = &schema()["properties"]["to"]["x-kubernetes-validations"][0]["rule"];
    assert_eq!(rule, "!(has(self.transform) && has(self.transforms))");
}
