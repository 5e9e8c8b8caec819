//! Cells of the tables of built-in kinds that are computed from more than one field.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::selector::selector_text;
use crate::table::columns::{age_of, time_between};

/// What tables show where nothing is set.
const NONE: &str = "<none>";
/// The same, where a cluster may set something by default.
const UNSET: &str = "<unset>";

/// More hosts of an Ingress are counted.
const HOSTS: usize = 3;

/// The modes of access, in the order in which a table abbreviates them.
const ACCESS_MODES: &[(&str, &str)] =
    &[("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")];

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> + Clone {
    value[key].as_array().into_iter().flatten()
}

/// Number of entries of a `ConfigMap` or Secret.
pub(super) fn data_count(object: &Value) -> Value {
    let count = |key: &str| object[key].as_object().map_or(0, serde_json::Map::len);
    json!(count("data") + count("binaryData"))
}

/// `ready/wanted` replicas.
pub(super) fn ready_replicas(object: &Value) -> Value {
    let ready = object["status"]["readyReplicas"].as_u64().unwrap_or(0);
    json!(format!("{ready}/{}", object["spec"]["replicas"].as_u64().unwrap_or(1)))
}

/// `ready/all` containers of a Pod.
pub(super) fn ready_containers(pod: &Value) -> Value {
    let ready = list(&pod["status"], "containerStatuses").filter(|status| status["ready"] == true).count();
    json!(format!("{ready}/{}", list(&pod["spec"], "containers").count()))
}

/// The phase of a Pod, or why it is in it.
pub(super) fn pod_status(pod: &Value) -> Value {
    if pod["metadata"].get("deletionTimestamp").is_some() {
        return "Terminating".into();
    }
    match pod["status"]["reason"].as_str() {
        Some(reason) => reason.into(),
        None => pod["status"]["phase"].clone(),
    }
}

/// How often the containers of a Pod were restarted, as text.
pub(super) fn restarts(pod: &Value) -> Value {
    let counts = list(&pod["status"], "containerStatuses").filter_map(|status| status["restartCount"].as_u64());
    json!(counts.sum::<u64>().to_string())
}

/// The first address of a Service inside the cluster.
pub(super) fn cluster_address(service: &Value) -> Value {
    let address = service["spec"]["clusterIPs"].get(0).or(service["spec"].get("clusterIP"));
    address.cloned().unwrap_or_else(|| NONE.into())
}

/// The addresses of a Service outside the cluster.
pub(super) fn external_address(service: &Value) -> Value {
    let spec = &service["spec"];
    if spec["type"] == "ExternalName" {
        return spec["externalName"].clone();
    }
    let balanced = spec["type"] == "LoadBalancer";
    let mut addresses = if balanced { balancer_addresses(service) } else { Vec::new() };
    addresses.extend(list(spec, "externalIPs").filter_map(Value::as_str));
    match &addresses[..] {
        [] if balanced => "<pending>".into(),
        [] => NONE.into(),
        addresses => addresses.join(",").into(),
    }
}

/// Where a balancer is reached: each address once, in the order of the texts.
fn balancer_addresses(object: &Value) -> Vec<&str> {
    let points = list(&object["status"]["loadBalancer"], "ingress");
    let addresses = points.filter_map(|point| {
        ["ip", "hostname"].into_iter().find_map(|key| point[key].as_str().filter(|text| !text.is_empty()))
    });
    addresses.collect::<BTreeSet<_>>().into_iter().collect()
}

/// `port:node port/protocol` of each port of a Service.
pub(super) fn service_ports(service: &Value) -> Value {
    let ports = list(&service["spec"], "ports").map(|port| {
        let node_port = port.get("nodePort").map(|number| format!(":{number}")).unwrap_or_default();
        format!("{}{node_port}/{}", port["port"], port["protocol"].as_str().unwrap_or_default())
    });
    let ports: Vec<String> = ports.collect();
    if ports.is_empty() { NONE.into() } else { ports.join(",").into() }
}

/// Whether a Job is done, and how.
pub(super) fn job_status(job: &Value) -> Value {
    let is_true = |ty: &str| {
        list(&job["status"], "conditions").any(|condition| condition["type"] == ty && condition["status"] == "True")
    };
    let deleting = || job["metadata"].get("deletionTimestamp").is_some();
    let status = match () {
        () if is_true("Complete") => "Complete",
        () if is_true("Failed") => "Failed",
        () if deleting() => "Terminating",
        () if is_true("Suspended") => "Suspended",
        () if is_true("FailureTarget") => "FailureTarget",
        () if is_true("SuccessCriteriaMet") => "SuccessCriteriaMet",
        () => "Running",
    };
    status.into()
}

/// `succeeded/wanted` completions of a Job.
pub(super) fn completions(job: &Value) -> Value {
    let succeeded = job["status"]["succeeded"].as_u64().unwrap_or(0);
    let parallelism = job["spec"]["parallelism"].as_u64().unwrap_or(0);
    let wanted = match job["spec"]["completions"].as_u64() {
        Some(completions) => completions.to_string(),
        None if parallelism > 1 => format!("1 of {parallelism}"),
        None => "1".to_owned(),
    };
    json!(format!("{succeeded}/{wanted}"))
}

/// How long a Job took, or takes until now.
pub(super) fn job_duration(job: &Value) -> Value {
    let status = &job["status"];
    let Some(start) = status["startTime"].as_str() else { return "".into() };
    json!(status["completionTime"].as_str().map_or_else(|| age_of(start), |end| time_between(start, end)))
}

/// A label selector as text.
pub(super) fn selector(selector: &Value) -> Value {
    match selector_text(selector) {
        text if text.is_empty() => NONE.into(),
        text => text.into(),
    }
}

/// Labels as text.
pub(super) fn labels(labels: &Value) -> Value {
    selector(&json!({"matchLabels": labels}))
}

/// The selector of a Service, which has labels only.
pub(super) fn service_selector(service: &Value) -> Value {
    labels(&service["spec"]["selector"])
}

/// Whether a `CronJob` starts no Jobs.
pub(super) fn is_suspended(cron_job: &Value) -> Value {
    match cron_job["spec"]["suspend"].as_bool() {
        Some(true) => "True".into(),
        Some(false) => "False".into(),
        None => UNSET.into(),
    }
}

/// How many Jobs of a `CronJob` run.
pub(super) fn active_jobs(cron_job: &Value) -> Value {
    json!(list(&cron_job["status"], "active").count())
}

/// How long ago a `CronJob` last started a Job.
pub(super) fn last_schedule(cron_job: &Value) -> Value {
    json!(cron_job["status"]["lastScheduleTime"].as_str().map_or_else(|| NONE.to_owned(), age_of))
}

/// The hosts of the rules of an Ingress: all are meant if none is named.
pub(super) fn ingress_hosts(ingress: &Value) -> Value {
    let rules = list(&ingress["spec"], "rules");
    let mut named = rules.clone().enumerate().filter_map(|(index, rule)| Some((index, rule["host"].as_str()?)));
    let first: Vec<(usize, &str)> = named.by_ref().filter(|(_, host)| !host.is_empty()).take(HOSTS).collect();
    let hosts = first.iter().map(|(_, host)| *host).collect::<Vec<_>>().join(",");
    let count = rules.count();
    match first.get(HOSTS - 1) {
        _ if first.is_empty() => "*".into(),
        Some((last, _)) if last + 1 < count => json!(format!("{hosts} + {} more...", count - HOSTS)),
        _ => hosts.into(),
    }
}

/// Where the balancer of an Ingress is reached.
pub(super) fn ingress_address(ingress: &Value) -> Value {
    balancer_addresses(ingress).join(",").into()
}

/// The ports that an Ingress opens.
pub(super) fn ingress_ports(ingress: &Value) -> Value {
    if list(&ingress["spec"], "tls").next().is_some() { "80, 443".into() } else { "80".into() }
}

/// The phase of a claim of a volume.
pub(super) fn claim_status(claim: &Value) -> Value {
    match claim["metadata"].get("deletionTimestamp") {
        Some(_) => "Terminating".into(),
        None => or_empty(&claim["status"]["phase"]),
    }
}

fn has_volume(claim: &Value) -> bool {
    claim["spec"]["volumeName"].as_str().is_some_and(|name| !name.is_empty())
}

/// How much a claim got, once it has a volume.
pub(super) fn claim_capacity(claim: &Value) -> Value {
    match &claim["status"]["capacity"]["storage"] {
        _ if !has_volume(claim) => "".into(),
        Value::Null => "0".into(),
        storage => or_not_set(storage),
    }
}

/// How the volume of a claim may be used, once it has one.
pub(super) fn claim_access_modes(claim: &Value) -> Value {
    let modes: Vec<&Value> = list(&claim["status"], "accessModes").filter(|_| has_volume(claim)).collect();
    let modes = ACCESS_MODES.iter().filter(|(mode, _)| modes.iter().any(|found| *found == mode));
    json!(modes.map(|(_, short)| *short).collect::<Vec<_>>().join(","))
}

/// The class of a claim, which once was an annotation.
pub(super) fn storage_class(claim: &Value) -> Value {
    let annotation = claim["metadata"]["annotations"].get("volume.beta.kubernetes.io/storage-class");
    or_empty(annotation.unwrap_or(&claim["spec"]["storageClassName"]))
}

/// What is set, or that the cluster decides.
pub(super) fn or_unset(value: &Value) -> Value {
    value.as_str().unwrap_or(UNSET).into()
}

/// What is set, or nothing.
pub(super) fn or_empty(value: &Value) -> Value {
    value.as_str().unwrap_or_default().into()
}

/// A number or percentage that may be left open.
pub(super) fn or_not_set(value: &Value) -> Value {
    match value {
        Value::Null => "N/A".into(),
        Value::String(text) => text.as_str().into(),
        other => other.to_string().into(),
    }
}

/// What is set, or that nothing is.
pub(super) fn or_none(value: &Value) -> Value {
    value.as_str().filter(|text| !text.is_empty()).unwrap_or(NONE).into()
}

/// `met/all` readiness gates of a Pod.
pub(super) fn readiness_gates(pod: &Value) -> Value {
    let gates: Vec<&Value> = list(&pod["spec"], "readinessGates").collect();
    if gates.is_empty() {
        return NONE.into();
    }
    let is_met = |gate: &&&Value| {
        list(&pod["status"], "conditions")
            .any(|condition| condition["type"] == gate["conditionType"] && condition["status"] == "True")
    };
    json!(format!("{}/{}", gates.iter().filter(is_met).count(), gates.len()))
}

/// The names of those whom a binding grants its role, of one kind. Those of `ServiceAccount`s come with their namespace.
pub(super) fn subjects(binding: &Value, kind: &str) -> Value {
    let named = list(binding, "subjects").filter(|subject| subject["kind"] == kind).map(|subject| {
        let part = |key: &str| subject[key].as_str().unwrap_or_default();
        match kind {
            "ServiceAccount" => format!("{}/{}", part("namespace"), part("name")),
            _ => part("name").to_owned(),
        }
    });
    json!(named.collect::<Vec<_>>().join(", "))
}

/// The served versions of a definition.
pub(super) fn served_versions(definition: &Value) -> Value {
    let served = list(&definition["spec"], "versions").filter(|version| version["served"] == true).map(|version| {
        let storage = if version["storage"] == true { "(storage)" } else { "" };
        format!("{}{storage}", version["name"].as_str().unwrap_or_default())
    });
    let mut served: Vec<String> = served.collect();
    served.sort_unstable();
    json!(served.join(","))
}

/// The short names of a definition.
pub(super) fn short_names(definition: &Value) -> Value {
    let names = list(&definition["spec"]["names"], "shortNames").filter_map(Value::as_str);
    json!(names.collect::<Vec<_>>().join(","))
}

/// `Kind/name` of the role that a binding grants.
pub(super) fn role(binding: &Value) -> Value {
    let role = &binding["roleRef"];
    let part = |key: &str| role[key].as_str().unwrap_or_default();
    json!(format!("{}/{}", part("kind"), part("name")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_name_the_port_of_the_node_too() {
        let ports = json!([{"port": 80, "protocol": "TCP"}, {"port": 53, "nodePort": 30053, "protocol": "UDP"}]);
        assert_eq!(service_ports(&json!({"spec": {"ports": ports}})), "80/TCP,53:30053/UDP");
        assert_eq!(service_ports(&json!({"spec": {}})), "<none>");
    }

    #[test]
    fn a_balancer_without_an_address_is_awaited() {
        let service = |status: Value| json!({"spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": status}});
        assert_eq!(external_address(&service(json!({}))), "<pending>");
        assert_eq!(external_address(&service(json!({"ingress": [{"ip": "10.0.0.1"}]}))), "10.0.0.1");
    }

    #[test]
    fn addresses_of_a_balancer_are_sorted_and_named_once_before_those_of_the_service() {
        let points = json!([{"ip": "", "hostname": "b"}, {"ip": "10.0.0.2"}, {"ip": "10.0.0.1"}, {"hostname": "b"}]);
        let service = |ty: &str| {
            let spec = json!({"type": ty, "externalIPs": ["9.0.0.2", "9.0.0.1"]});
            json!({"spec": spec, "status": {"loadBalancer": {"ingress": points}}})
        };
        assert_eq!(external_address(&service("LoadBalancer")), "10.0.0.1,10.0.0.2,b,9.0.0.2,9.0.0.1");
        assert_eq!(external_address(&service("NodePort")), "9.0.0.2,9.0.0.1");
        assert_eq!(ingress_address(&service("")), "10.0.0.1,10.0.0.2,b");
    }

    #[test]
    fn jobs_count_their_completions() {
        let of = |spec: Value| completions(&json!({"spec": spec, "status": {"succeeded": 1}}));
        assert_eq!(of(json!({"completions": 3, "parallelism": 1})), "1/3");
        assert_eq!(of(json!({"parallelism": 4})), "1/1 of 4");
        let times = json!({"status": {"startTime": "2026-01-01T00:00:00Z", "completionTime": "2026-01-01T00:01:30Z"}});
        assert_eq!(job_duration(&times), "90s");
    }

    #[test]
    fn hosts_beyond_the_third_are_counted() {
        let of = |hosts: &[&str]| {
            let rules: Vec<Value> = hosts.iter().map(|host| json!({"host": host})).collect();
            ingress_hosts(&json!({"spec": {"rules": rules}}))
        };
        assert_eq!(of(&[]), "*");
        assert_eq!(of(&[""]), "*");
        assert_eq!(of(&["a", "", "b", "c"]), "a,b,c");
        assert_eq!(of(&["a", "b", "c", "d", "e"]), "a,b,c + 2 more...");
        assert_eq!(ingress_hosts(&json!({"spec": {}})), "*");
    }

    #[test]
    fn a_claim_shows_what_it_got_once_it_has_a_volume() {
        let mut claim = json!({"spec": {"storageClassName": "fast"}, "status": {
            "phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteMany", "ReadWriteOnce"],
        }});
        assert_eq!((claim_capacity(&claim), claim_access_modes(&claim)), (json!(""), json!("")));
        claim["spec"]["volumeName"] = "v".into();
        assert_eq!((claim_capacity(&claim), claim_access_modes(&claim)), (json!("1Gi"), json!("RWO,RWX")));
        assert_eq!(storage_class(&claim), "fast");
        claim["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        assert_eq!(claim_status(&claim), "Terminating");
    }
}
