//! The built-in kinds, as a table. There are no controllers behind them: a Deployment makes no Pods here, but its status
//! becomes that of one whose Pods are all ready (see `settle::workloads`).

mod cells;
mod columns;
mod defaults;
mod event_cells;
pub(crate) mod fields;
pub(crate) mod messages;

pub(crate) use defaults::complete;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};

use crate::request::path::GroupVersion;
use crate::resource::{Resource, Rules, ScalePaths, Selectable, Workload, qualify};
use crate::schema::{self, Schema};
use crate::table::json_path::JsonPath;

/// Schemas of the built-in kinds that have one, by `plural.group`. The others are open: any field is kept.
const SCHEMAS: &str = include_str!("schemas.yaml");

/// What a row of the table may have beside names.
const CLUSTER: u8 = 1;
const STATUS: u8 = 1 << 1;
const GENERATION: u8 = 1 << 2;
const SCALE: u8 = 1 << 3;
/// Listed by `kubectl get all`.
const ALL: u8 = 1 << 4;
/// An update must name the resourceVersion it replaces.
const LOCKED: u8 = 1 << 5;

const WORKLOAD: u8 = STATUS | GENERATION | SCALE | ALL;

/// Group, version, kind, plural, short names, traits.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static [&'static str], u8);

const ROWS: &[Row] = &[
    ("", "v1", "ConfigMap", "configmaps", &["cm"], 0),
    ("", "v1", "Event", "events", &["ev"], 0),
    ("", "v1", "Namespace", "namespaces", &["ns"], CLUSTER | STATUS),
    ("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", &["pvc"], STATUS),
    ("", "v1", "Pod", "pods", &["po"], STATUS | GENERATION | ALL),
    ("", "v1", "Secret", "secrets", &[], 0),
    ("", "v1", "Service", "services", &["svc"], STATUS | ALL),
    ("", "v1", "ServiceAccount", "serviceaccounts", &["sa"], 0),
    ("apps", "v1", "DaemonSet", "daemonsets", &["ds"], STATUS | GENERATION | ALL),
    ("apps", "v1", "Deployment", "deployments", &["deploy"], WORKLOAD),
    ("apps", "v1", "ReplicaSet", "replicasets", &["rs"], WORKLOAD),
    ("apps", "v1", "StatefulSet", "statefulsets", &["sts"], WORKLOAD),
    ("events.k8s.io", "v1", "Event", "events", &["ev"], 0),
    ("batch", "v1", "CronJob", "cronjobs", &["cj"], STATUS | GENERATION | ALL),
    ("batch", "v1", "Job", "jobs", &[], STATUS | GENERATION | ALL),
    ("networking.k8s.io", "v1", "Ingress", "ingresses", &["ing"], STATUS | GENERATION),
    ("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", &["netpol"], GENERATION),
    ("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", &["pdb"], STATUS | GENERATION),
    ("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", &[], CLUSTER),
    ("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", &[], CLUSTER),
    ("rbac.authorization.k8s.io", "v1", "Role", "roles", &[], 0),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", &[], 0),
    (
        "apiextensions.k8s.io",
        "v1",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        &["crd", "crds"],
        CLUSTER | STATUS | GENERATION | LOCKED,
    ),
    ("coordination.k8s.io", "v1", "Lease", "leases", &[], LOCKED),
];

/// The built-in resources, in the order of discovery.
pub(crate) static RESOURCES: LazyLock<Vec<Arc<Resource>>> = LazyLock::new(|| {
    // The file is part of this crate, and the tests read it.
    let schemas: BTreeMap<String, Value> = serde_saphyr::from_str(SCHEMAS).expect("schemas.yaml is valid");
    ROWS.iter().enumerate().map(|(index, row)| Arc::new(resource(row, index as u64, &schemas))).collect()
});

fn resource(row: &Row, schema_id: u64, schemas: &BTreeMap<String, Value>) -> Resource {
    let &(group, version, kind, plural, short_names, traits) = row;
    let has = |bit: u8| traits & bit != 0;
    let rules = match (group, kind) {
        (_, "ConfigMap") => Rules::ConfigMap,
        (_, "CustomResourceDefinition") => Rules::CustomResourceDefinition,
        ("", "Event") => Rules::Event,
        (_, "Event") => Rules::EventView,
        (_, "Lease") => Rules::Lease,
        (_, "Namespace") => Rules::Namespace,
        (_, "Secret") => Rules::Secret,
        (_, "DaemonSet") => Rules::Workload(Workload::DaemonSet),
        (_, "Deployment") => Rules::Workload(Workload::Deployment),
        (_, "Job") => Rules::Workload(Workload::Job),
        (_, "Pod") => Rules::Workload(Workload::Pod),
        (_, "ReplicaSet") => Rules::Workload(Workload::ReplicaSet),
        (_, "StatefulSet") => Rules::Workload(Workload::StatefulSet),
        _ => Rules::None,
    };
    let storage_group = if rules == Rules::EventView { "" } else { group };
    let document = schemas.get(&qualify(plural, group)).cloned();
    let schema = document.as_ref().map_or_else(Schema::open, |document| schema::parse(document, "", &mut Vec::new()));
    Resource {
        group_version: GroupVersion { group: group.to_owned(), version: version.to_owned() },
        kind: kind.to_owned(),
        list_kind: format!("{kind}List"),
        plural: plural.to_owned(),
        singular: kind.to_lowercase(),
        short_names: short_names.iter().map(|&name| name.to_owned()).collect(),
        categories: match rules {
            _ if has(ALL) => vec!["all".to_owned()],
            Rules::CustomResourceDefinition => vec!["api-extensions".to_owned()],
            _ => Vec::new(),
        },
        namespaced: !has(CLUSTER),
        collection: qualify(plural, storage_group).into(),
        storage_group: storage_group.to_owned(),
        schema: schema.with_object_fields(),
        document: document.unwrap_or_else(|| json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})),
        schema_id,
        stored: true,
        status: has(STATUS),
        scale: has(SCALE).then(|| ScalePaths {
            spec_replicas: path(".spec.replicas"),
            status_replicas: path(".status.replicas"),
            selector: None,
        }),
        columns: columns::columns(rules, kind),
        selectable: selectable(rules, kind),
        deprecation: None,
        generation: has(GENERATION),
        unconditional_update: !has(LOCKED),
        rules,
    }
}

fn path(text: &str) -> JsonPath {
    // Only called with the literals of this file, and the tests build every resource.
    JsonPath::parse(text).expect("a path written in this file is valid")
}

fn selectable(rules: Rules, kind: &str) -> Vec<Selectable> {
    let fields: &[(&str, &str)] = match (rules, kind) {
        (Rules::Event, _) => &[
            ("involvedObject.kind", ".involvedObject.kind"),
            ("involvedObject.namespace", ".involvedObject.namespace"),
            ("involvedObject.name", ".involvedObject.name"),
            ("involvedObject.uid", ".involvedObject.uid"),
            ("involvedObject.apiVersion", ".involvedObject.apiVersion"),
            ("involvedObject.resourceVersion", ".involvedObject.resourceVersion"),
            ("involvedObject.fieldPath", ".involvedObject.fieldPath"),
            ("reason", ".reason"),
            ("reportingComponent", ".reportingComponent"),
            ("source", ".source.component"),
            ("type", ".type"),
        ],
        (Rules::EventView, _) => &[
            ("regarding.kind", ".involvedObject.kind"),
            ("regarding.namespace", ".involvedObject.namespace"),
            ("regarding.name", ".involvedObject.name"),
            ("regarding.uid", ".involvedObject.uid"),
            ("regarding.apiVersion", ".involvedObject.apiVersion"),
            ("regarding.resourceVersion", ".involvedObject.resourceVersion"),
            ("regarding.fieldPath", ".involvedObject.fieldPath"),
            ("reason", ".reason"),
            ("reportingController", ".reportingComponent"),
            ("type", ".type"),
        ],
        (Rules::Namespace, _) => &[("status.phase", ".status.phase")],
        (Rules::Secret, _) => &[("type", ".type")],
        (_, "Pod") => &[("spec.nodeName", ".spec.nodeName"), ("status.phase", ".status.phase")],
        _ => &[],
    };
    fields.iter().map(|&(name, at)| Selectable { name: name.to_owned(), path: path(at) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_belongs_to_a_kind_and_is_structural() {
        let schemas: BTreeMap<String, Value> = serde_saphyr::from_str(SCHEMAS).unwrap();
        for (name, document) in schemas {
            assert!(ROWS.iter().any(|row| qualify(row.3, row.0) == name), "{name}");
            let mut errors = Vec::new();
            schema::parse(&document, &name, &mut errors);
            let mut errors = errors.iter().map(ToString::to_string);
            // Keys that are left out are empty in built-in kinds.
            let wrong = errors.find(|error| !error.contains("must have a default or be a required property"));
            assert_eq!(wrong, None);
        }
    }

    #[test]
    fn both_event_apis_share_one_collection() {
        let events: Vec<_> = RESOURCES.iter().filter(|resource| resource.plural == "events").collect();
        assert_eq!(events.len(), 2);
        assert_eq!(events[0].collection, events[1].collection);
    }
}
