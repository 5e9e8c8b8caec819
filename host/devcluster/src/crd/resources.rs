//! From an accepted CRD to the resources it serves, one per version.

use serde_json::{Value, json};

use super::{strings, text};
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
        generation: true,
        unconditional_update: false,
        rules: Rules::CustomResource,
    }
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
