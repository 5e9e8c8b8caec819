//! The columns of the tables of built-in kinds, as `kubectl get` shows them.

use serde_json::Value;

use super::{cells, event_cells, path};
use crate::crd::status::has_condition;
use crate::resource::Rules;
use crate::table::columns::{Cell, Column};

fn text(name: &str, at: &str) -> Column {
    Column::text(name, Cell::Path(path(at)))
}

fn computed(name: &str, compute: fn(&Value) -> Value) -> Column {
    Column::text(name, Cell::Computed(compute))
}

/// A number that is 0 when absent.
fn counter(name: &str, at: &str) -> Column {
    Column::text(name, Cell::Count(path(at))).integer()
}

/// The columns of a kind.
pub(super) fn columns(rules: Rules, kind: &str) -> Vec<Column> {
    let mut columns = vec![Column::name()];
    match rules {
        Rules::Event | Rules::EventView => {
            return vec![
                computed("Last Seen", event_cells::last_seen),
                text("Type", ".type"),
                text("Reason", ".reason"),
                computed("Object", event_cells::involved_object),
                computed("Subobject", event_cells::subobject).wide(),
                computed("Source", event_cells::source).wide(),
                text("Message", ".message"),
                computed("First Seen", event_cells::first_seen).wide(),
                computed("Count", event_cells::count).wide(),
                Column::name().wide(),
            ];
        }
        Rules::CustomResourceDefinition => {
            columns.extend([
                text("Scope", ".spec.scope"),
                computed("Versions", cells::served_versions),
                computed("Created At", |definition| definition["metadata"]["creationTimestamp"].clone()).date(),
                text("Group", ".spec.group").wide(),
                text("Kind", ".spec.names.kind").wide(),
                computed("ShortNames", cells::short_names).wide(),
                computed("Established", |definition| has_condition(definition, "Established", "True").into())
                    .boolean()
                    .wide(),
            ]);
            return columns;
        }
        _ if matches!(kind, "Role" | "ClusterRole") => {
            let created = computed("Created At", |role| role["metadata"]["creationTimestamp"].clone()).date();
            columns.push(created);
            return columns;
        }
        _ => columns.extend(between(kind)),
    }
    columns.push(Column::age());
    columns.extend(wide(kind));
    columns
}

/// Those between name and age.
fn between(kind: &str) -> Vec<Column> {
    match kind {
        "ConfigMap" => vec![computed("Data", cells::data_count)],
        "Secret" => vec![text("Type", ".type"), computed("Data", cells::data_count)],
        "Namespace" => vec![text("Status", ".status.phase")],
        "Lease" => vec![text("Holder", ".spec.holderIdentity")],
        "PersistentVolumeClaim" => vec![
            computed("Status", cells::claim_status),
            computed("Volume", |claim| cells::or_empty(&claim["spec"]["volumeName"])),
            computed("Capacity", cells::claim_capacity),
            computed("Access Modes", cells::claim_access_modes),
            computed("StorageClass", cells::storage_class),
            computed("VolumeAttributesClass", |claim| cells::or_unset(&claim["spec"]["volumeAttributesClassName"])),
        ],
        "Pod" => vec![
            computed("Ready", cells::ready_containers),
            computed("Status", cells::pod_status),
            computed("Restarts", cells::restarts),
        ],
        "Service" => vec![
            text("Type", ".spec.type"),
            computed("Cluster-IP", cells::cluster_address),
            computed("External-IP", cells::external_address),
            computed("Port(s)", cells::service_ports),
        ],
        "Deployment" => vec![
            computed("Ready", cells::ready_replicas),
            // Said to be text, although they are numbers.
            Column::text("Up-to-date", Cell::Count(path(".status.updatedReplicas"))),
            Column::text("Available", Cell::Count(path(".status.availableReplicas"))),
        ],
        "StatefulSet" => vec![computed("Ready", cells::ready_replicas)],
        "ReplicaSet" => vec![
            counter("Desired", ".spec.replicas"),
            counter("Current", ".status.replicas"),
            counter("Ready", ".status.readyReplicas"),
        ],
        "DaemonSet" => vec![
            counter("Desired", ".status.desiredNumberScheduled"),
            counter("Current", ".status.currentNumberScheduled"),
            counter("Ready", ".status.numberReady"),
            counter("Up-to-date", ".status.updatedNumberScheduled"),
            counter("Available", ".status.numberAvailable"),
            computed("Node Selector", |set| cells::labels(&set["spec"]["template"]["spec"]["nodeSelector"])),
        ],
        "Job" => vec![
            computed("Status", cells::job_status),
            computed("Completions", cells::completions),
            computed("Duration", cells::job_duration),
        ],
        "CronJob" => vec![
            text("Schedule", ".spec.schedule"),
            computed("Timezone", |job| cells::or_none(&job["spec"]["timeZone"])),
            // Said to be true or false, although it is text.
            computed("Suspend", cells::is_suspended).boolean(),
            computed("Active", cells::active_jobs).integer(),
            computed("Last Schedule", cells::last_schedule),
        ],
        "Ingress" => vec![
            computed("Class", |ingress| cells::or_none(&ingress["spec"]["ingressClassName"])),
            computed("Hosts", cells::ingress_hosts),
            computed("Address", cells::ingress_address),
            computed("Ports", cells::ingress_ports),
        ],
        "NetworkPolicy" => vec![computed("Pod-Selector", |policy| cells::selector(&policy["spec"]["podSelector"]))],
        "PodDisruptionBudget" => vec![
            computed("Min Available", |budget| cells::or_not_set(&budget["spec"]["minAvailable"])),
            computed("Max Unavailable", |budget| cells::or_not_set(&budget["spec"]["maxUnavailable"])),
            counter("Allowed Disruptions", ".status.disruptionsAllowed"),
        ],
        "RoleBinding" | "ClusterRoleBinding" => vec![computed("Role", cells::role)],
        _ => Vec::new(),
    }
}

/// Those after the age, which only a wide table shows.
fn wide(kind: &str) -> Vec<Column> {
    let containers = |pod: &str| {
        vec![
            text("Containers", &format!("{pod}.containers[*].name")).wide(),
            text("Images", &format!("{pod}.containers[*].image")).wide(),
        ]
    };
    let template = || containers(".spec.template.spec");
    let selector = || computed("Selector", |object| cells::selector(&object["spec"]["selector"])).wide();
    match kind {
        "Pod" => vec![
            computed("IP", |pod| cells::or_none(&pod["status"]["podIP"])).wide(),
            computed("Node", |pod| cells::or_none(&pod["spec"]["nodeName"])).wide(),
            computed("Nominated Node", |pod| cells::or_none(&pod["status"]["nominatedNodeName"])).wide(),
            computed("Readiness Gates", cells::readiness_gates).wide(),
        ],
        "RoleBinding" | "ClusterRoleBinding" => vec![
            computed("Users", |binding| cells::subjects(binding, "User")).wide(),
            computed("Groups", |binding| cells::subjects(binding, "Group")).wide(),
            computed("ServiceAccounts", |binding| cells::subjects(binding, "ServiceAccount")).wide(),
        ],
        "Service" => vec![computed("Selector", cells::service_selector).wide()],
        "PersistentVolumeClaim" => {
            vec![computed("VolumeMode", |claim| cells::or_unset(&claim["spec"]["volumeMode"])).wide()]
        }
        "CronJob" => {
            let mut columns = containers(".spec.jobTemplate.spec.template.spec");
            let selector = |job: &Value| cells::selector(&job["spec"]["jobTemplate"]["spec"]["selector"]);
            columns.push(computed("Selector", selector).wide());
            columns
        }
        "StatefulSet" => template(),
        "Deployment" | "ReplicaSet" | "DaemonSet" | "Job" => {
            let mut columns = template();
            columns.push(selector());
            columns
        }
        _ => Vec::new(),
    }
}
