//! Defaults of built-in kinds that depend on other fields. Those that do not are in `schemas.yaml`.

use serde_json::{Value, json};

use crate::resource::Resource;

/// Fills in what the server adds to an object of a built-in kind when it is written.
pub(crate) fn complete(resource: &Resource, object: &mut Value) {
    match &*resource.collection {
        "pods" => complete_containers(object, "/spec"),
        "deployments.apps" => {
            complete_containers(object, "/spec/template/spec");
            roll(object, "/spec/strategy", &[("maxSurge", json!("25%")), ("maxUnavailable", json!("25%"))]);
        }
        "daemonsets.apps" => {
            complete_containers(object, "/spec/template/spec");
            roll(object, "/spec/updateStrategy", &[("maxSurge", json!(0)), ("maxUnavailable", json!(1))]);
        }
        "statefulsets.apps" => {
            complete_containers(object, "/spec/template/spec");
            roll(object, "/spec/updateStrategy", &[("partition", json!(0))]);
        }
        "replicasets.apps" => complete_containers(object, "/spec/template/spec"),
        "jobs.batch" => complete_job(object),
        "cronjobs.batch" => complete_containers(object, "/spec/jobTemplate/spec/template/spec"),
        "services" => complete_service(object),
        "networkpolicies.networking.k8s.io" => complete_network_policy(object),
        "persistentvolumeclaims" => set_default(object, "status", json!({"phase": "Pending"})),
        "ingresses.networking.k8s.io" => set_default(object, "status", json!({"loadBalancer": {}})),
        _ => {}
    }
}

/// Sets a member of an object that has none of that name. Does nothing to what is not an object.
fn set_default(object: &mut Value, key: &str, default: Value) {
    if let Some(map) = object.as_object_mut() {
        map.entry(key).or_insert(default);
    }
}

/// How a rolling update proceeds, if the strategy at `path` is one.
fn roll(workload: &mut Value, path: &str, defaults: &[(&str, Value)]) {
    let Some(strategy) = workload.pointer_mut(path).filter(|strategy| strategy["type"] == "RollingUpdate") else {
        return;
    };
    set_default(strategy, "rollingUpdate", json!({}));
    if let Some(steps) = strategy.get_mut("rollingUpdate") {
        for (key, default) in defaults {
            set_default(steps, key, default.clone());
        }
    }
}

/// Images that may change under their name are pulled each time. `path` leads to the spec of a Pod.
fn complete_containers(object: &mut Value, path: &str) {
    let Some(pod) = object.pointer_mut(path) else { return };
    for list in ["containers", "initContainers"] {
        for container in pod.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let image = container["image"].as_str().unwrap_or_default();
            let name = image.rsplit('/').next().unwrap_or_default();
            let moves = !image.contains('@') && name.split_once(':').is_none_or(|(_, tag)| tag == "latest");
            set_default(container, "imagePullPolicy", json!(if moves { "Always" } else { "IfNotPresent" }));
        }
    }
}

fn complete_job(job: &mut Value) {
    complete_containers(job, "/spec/template/spec");
    let labels = job.pointer("/spec/template/metadata/labels").cloned();
    let Some(spec) = job.get_mut("spec") else { return };
    if spec.get("parallelism").is_none() {
        set_default(spec, "completions", json!(1));
    }
    set_default(spec, "parallelism", json!(1));
    if let (Some(labels), Some(metadata)) = (labels, job.get_mut("metadata")) {
        set_default(metadata, "labels", labels);
    }
}

fn complete_service(service: &mut Value) {
    set_default(service, "status", json!({"loadBalancer": {}}));
    let Some(spec) = service.get_mut("spec") else { return };
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        let number = port["port"].clone();
        set_default(port, "targetPort", number);
    }
    let ty = spec["type"].as_str().unwrap_or_default();
    let (routes, is_reachable) =
        (matches!(ty, "ClusterIP" | "NodePort" | "LoadBalancer"), matches!(ty, "NodePort" | "LoadBalancer"));
    if routes {
        set_default(spec, "internalTrafficPolicy", json!("Cluster"));
    }
    if is_reachable {
        set_default(spec, "externalTrafficPolicy", json!("Cluster"));
    }
}

fn complete_network_policy(policy: &mut Value) {
    let Some(spec) = policy.get_mut("spec") else { return };
    let outgoing = spec["egress"].as_array().is_some_and(|rules| !rules.is_empty());
    let types = if outgoing { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) };
    set_default(spec, "policyTypes", types);
}

#[cfg(test)]
mod tests {
    use super::super::RESOURCES;
    use super::*;

    fn completed(collection: &str, mut object: Value) -> Value {
        let resource = RESOURCES.iter().find(|resource| &*resource.collection == collection).unwrap();
        crate::schema::defaults::apply_defaults(&mut object, &resource.schema);
        complete(resource, &mut object);
        object
    }

    #[test]
    fn a_strategy_that_does_not_roll_has_no_steps() {
        let rolling = completed("deployments.apps", json!({"spec": {}}));
        let steps = json!({"maxSurge": "25%", "maxUnavailable": "25%"});
        assert_eq!(rolling["spec"]["strategy"], json!({"type": "RollingUpdate", "rollingUpdate": steps}));
        let at_once = completed("deployments.apps", json!({"spec": {"strategy": {"type": "Recreate"}}}));
        assert_eq!(at_once["spec"]["strategy"], json!({"type": "Recreate"}));
        assert_eq!(at_once["spec"]["replicas"], 1);
    }

    #[test]
    fn images_are_pulled_again_unless_their_name_is_exact() {
        let of = |image: &str| {
            let pod = completed("pods", json!({"spec": {"containers": [{"name": "a", "image": image}]}}));
            pod["spec"]["containers"][0]["imagePullPolicy"].clone()
        };
        for image in ["nginx", "nginx:latest", "registry:5000/nginx"] {
            assert_eq!(of(image), "Always", "{image}");
        }
        for image in ["nginx:1.29", "registry:5000/nginx:1", "nginx@sha256:00"] {
            assert_eq!(of(image), "IfNotPresent", "{image}");
        }
    }

    #[test]
    fn a_job_runs_once_unless_it_says_how_often() {
        let once = completed("jobs.batch", json!({"spec": {}}));
        assert_eq!((&once["spec"]["completions"], &once["spec"]["parallelism"]), (&json!(1), &json!(1)));
        let queue = completed("jobs.batch", json!({"spec": {"parallelism": 3}}));
        assert_eq!(queue["spec"].get("completions"), None);
    }

    #[test]
    fn a_service_forwards_to_its_own_port() {
        let service = completed("services", json!({"spec": {"ports": [{"port": 80}, {"port": 1, "targetPort": "x"}]}}));
        assert_eq!(service["spec"]["type"], "ClusterIP");
        assert_eq!(service["spec"]["ports"][0], json!({"port": 80, "protocol": "TCP", "targetPort": 80}));
        assert_eq!(service["spec"]["ports"][1]["targetPort"], "x");
    }
}
