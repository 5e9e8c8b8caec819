//! From an accepted CRD to the resources it serves, one per version.

use serde_json::{Value, json};

use super::{strings, text};
use crate::registry::version_rank;
use crate::request::path::GroupVersion;
use crate::resource::{Resource, Rules, ScalePaths, Selectable, qualify};
use crate::schema::{self, Schema};
use crate::table::columns::Column;
use crate::table::json_path::JsonPath;

/// The resources of the served versions. `schema_id` is unique to this state of the CRD; each version adds its index.
pub(crate) fn resources(crd: &Value, schema_id: u64) -> Vec<Resource> {
    let versions = crd["spec"]["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let served = versions.iter().enumerate().filter(|(_, version)| version["served"] == true);
    served.map(|(index, version)| resource(crd, version, schema_id + index as u64)).collect()
}

fn resource(crd: &Value, version: &Value, schema_id: u64) -> Resource {
    let spec = &crd["spec"];
    let name = |key: &str| text(&spec["names"], &format!("/{key}")).to_owned();
    let group = text(spec, "/group").to_owned();
    let plural = name("plural");
    let document = version["schema"]["openAPIV3Schema"].clone();
    // The CRD was validated, so that there are no errors left to report.
    let schema: Schema = schema::parse(&document, "", &mut Vec::new());
    Resource {
        kind: name("kind"),
        list_kind: name("listKind"),
        singular: name("singular"),
        short_names: strings(&spec["names"]["shortNames"]),
        categories: strings(&spec["names"]["categories"]),
        namespaced: spec["scope"] == "Namespaced",
        collection: qualify(&plural, &group).into(),
        plural,
        storage_group: group.clone(),
        group_version: GroupVersion { group, version: text(version, "/name").to_owned() },
        schema: schema.with_object_fields(),
        document,
        schema_id,
        status: version["subresources"]["status"].is_object(),
        scale: scale(&version["subresources"]["scale"]),
        columns: columns(&version["additionalPrinterColumns"]),
        selectable: selectable(&version["selectableFields"]),
        deprecation: deprecation(spec, version),
        generation: true,
        unconditional_update: false,
        rules: Rules::CustomResource,
    }
}

/// The warning of a deprecated version: its own, or one that names the best version to use instead.
fn deprecation(spec: &Value, version: &Value) -> Option<String> {
    if version["deprecated"] != true {
        return None;
    }
    if let Some(warning) = version["deprecationWarning"].as_str() {
        return Some(warning.to_owned());
    }
    let (group, kind, name) = (text(spec, "/group"), text(spec, "/names/kind"), text(version, "/name"));
    let versions = spec["versions"].as_array().into_iter().flatten();
    let usable = versions.filter(|other| other["served"] == true && other["deprecated"] != true);
    let better = usable.map(|other| text(other, "/name")).filter(|other| version_rank(other) > version_rank(name));
    let instead = better.max_by_key(|other| version_rank(other));
    let hint = instead.map(|instead| format!("; use {group}/{instead} {kind}")).unwrap_or_default();
    Some(format!("{group}/{name} {kind} is deprecated{hint}"))
}

fn scale(scale: &Value) -> Option<ScalePaths> {
    let path = |key: &str| JsonPath::parse(scale[key].as_str()?).ok();
    Some(ScalePaths {
        spec_replicas: path("specReplicasPath")?,
        status_replicas: path("statusReplicasPath")?,
        selector: path("labelSelectorPath"),
    })
}

fn columns(printer_columns: &Value) -> Vec<Column> {
    let own = printer_columns.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut columns = vec![Column::name()];
    columns.extend(own.iter().filter_map(|column| Column::from_printer_column(column).ok()));
    if own.is_empty() {
        let age = json!({"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"});
        columns.extend(Column::from_printer_column(&age));
    }
    columns
}

fn selectable(fields: &Value) -> Vec<Selectable> {
    let paths = fields.as_array().into_iter().flatten().filter_map(|field| field["jsonPath"].as_str());
    paths
        .filter_map(|path| {
            let name = path.trim_start_matches('.').to_owned();
            Some(Selectable { name, path: JsonPath::parse(path).ok()? })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deprecated_version_names_the_best_of_the_newer_ones() {
        let version = |name: &str| json!({"name": name, "served": true});
        let spec = json!({
            "group": "demo.example", "names": {"kind": "Widget"},
            "versions": [version("v1beta1"), version("v2"), version("v1"), {"name": "v3", "served": false}],
        });
        let mut old = version("v1");
        assert_eq!(deprecation(&spec, &old), None);
        old["deprecated"] = json!(true);
        let text = "demo.example/v1 Widget is deprecated; use demo.example/v2 Widget";
        assert_eq!(deprecation(&spec, &old).as_deref(), Some(text));
        old["name"] = json!("v4");
        assert_eq!(deprecation(&spec, &old).as_deref(), Some("demo.example/v4 Widget is deprecated"));
        old["deprecationWarning"] = json!("gone soon");
        assert_eq!(deprecation(&spec, &old).as_deref(), Some("gone soon"));
    }
}
