use std::{collections::BTreeSet, path::Path};

use clap::Parser;
use serde_json::json;

use super::*;

fn manifests(arguments: &[&str]) -> Vec<Value> {
    let command = ["capstan", "manifests"].iter().chain(arguments);
    let cli::Command::Manifests(options) = cli::Cli::parse_from(command).command else { panic!("no manifests") };
    objects(&options).unwrap()
}

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    objects.iter().filter(|object| object["kind"] == kind).collect()
}

#[test]
fn by_default_they_are_the_files_that_kubectl_would_apply() {
    // As `kubectl apply -f deploy/` finds them: by name, without folders.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "yaml"));
    files.sort();
    let files = files.iter().map(|file| std::fs::read_to_string(file).unwrap());
    let expected: Vec<Value> = files.flat_map(|file| documents::parse(&file).unwrap()).collect();
    assert_eq!(manifests(&[]), expected);
}

#[test]
fn parts_make_up_the_whole() {
    let whole = manifests(&[]);
    let parts = ["rbac", "crds", "workload"].map(|part| manifests(&["--part", part]));
    // The definitions come before whoever uses them, and behind the namespace.
    let all = parts.concat();
    assert!(all.len() == whole.len() && whole.iter().all(|object| all.contains(object)));
    assert_eq!(of_kind(&parts[1], "CustomResourceDefinition").len(), parts[1].len());
    assert!(of_kind(&parts[0], "Deployment").is_empty());
    assert!(of_kind(&parts[2], "ClusterRole").is_empty());
    assert_eq!(manifests(&["--service-monitor"]).len(), whole.len() + 1);
}

#[test]
fn another_namespace_leaves_no_trace_of_the_default() {
    let objects = manifests(&["--namespace", "elsewhere", "--service-monitor"]);
    assert!(!json!(objects).to_string().contains(DEFAULT_NAMESPACE));
    assert_eq!(of_kind(&objects, "Namespace")[0]["metadata"]["name"], "elsewhere");
    let bindings = objects.iter().filter(|object| object.get("subjects").is_some());
    assert_eq!(bindings.filter(|binding| binding["subjects"][0]["namespace"] == "elsewhere").count(), 3);
}

#[test]
fn image_and_replicas_are_set() {
    let objects = manifests(&["--image", "registry.example.org/capstan:1", "--replicas", "3"]);
    let deployment = of_kind(&objects, "Deployment")[0];
    assert_eq!(deployment["spec"]["replicas"], 3);
    assert_eq!(deployment["spec"]["template"]["spec"]["containers"][0]["image"], "registry.example.org/capstan:1");
}

#[test]
fn the_default_image_is_this_version() {
    let objects = manifests(&[]);
    let image = &of_kind(&objects, "Deployment")[0]["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(*image, format!("capstan:{}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn base_rights_have_no_wildcard_and_nothing_that_leads_to_more() {
    let objects = manifests(&[]);
    let roles = of_kind(&objects, "ClusterRole").into_iter().chain(of_kind(&objects, "Role"));
    let mut seen = 0;
    for rule in roles.flat_map(|role| role["rules"].as_array().into_iter().flatten()) {
        seen += 1;
        let all = ["apiGroups", "resources", "verbs"].map(|list| rule[list].as_array().unwrap().clone()).concat();
        assert!(!all.contains(&json!("*")), "{rule}");
        for power in ["escalate", "bind", "impersonate", "secrets", "roles", "clusterroles", "pods"] {
            assert!(!all.contains(&json!(power)), "{power}: {rule}");
        }
    }
    assert!(seen >= 3, "{seen} rules");
}

#[test]
fn leases_are_of_the_own_namespace_only() {
    let objects = manifests(&[]);
    let of_leases = |kind| {
        let rules = of_kind(&objects, kind).into_iter().flat_map(|role| role["rules"].as_array().into_iter().flatten());
        rules.filter(|rule| rule["resources"].as_array().unwrap().contains(&json!("leases"))).count()
    };
    assert_eq!((of_leases("Role"), of_leases("ClusterRole")), (1, 0));
}

#[test]
fn every_object_carries_the_recommended_labels() {
    for object in manifests(&["--service-monitor"]) {
        let labels = &object["metadata"]["labels"];
        assert_eq!(labels["app.kubernetes.io/name"], "capstan", "{object}");
        assert_eq!(labels["app.kubernetes.io/part-of"], "capstan", "{object}");
    }
}

#[test]
fn the_pod_fits_the_restricted_profile() {
    let objects = manifests(&[]);
    let pod = &of_kind(&objects, "Deployment")[0]["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    let container = &pod["containers"][0];
    assert_eq!(
        container["securityContext"],
        json!({
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]},
        })
    );
    assert!(container["resources"]["limits"].get("cpu").is_none());
    assert_eq!(of_kind(&objects, "ServiceAccount")[0]["automountServiceAccountToken"], false);
    assert_eq!(pod["automountServiceAccountToken"], true);
}

/// What a node has to have free, and what the host may take there.
#[test]
fn the_pod_asks_for_little_and_may_use_what_a_busy_host_needs() {
    let objects = manifests(&[]);
    let container = &of_kind(&objects, "Deployment")[0]["spec"]["template"]["spec"]["containers"][0];
    let resources = json!({"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "2560Mi"}});
    assert_eq!(container["resources"], resources);
}

#[test]
fn a_drain_takes_one_replica_at_a_time_and_waits_for_none_that_is_ill() {
    let objects = manifests(&["--replicas", "3"]);
    let budget = &of_kind(&objects, "PodDisruptionBudget")[0]["spec"];
    assert_eq!(budget["maxUnavailable"], 1);
    assert!(budget.get("minAvailable").is_none(), "one replica alone could never be drained");
    assert_eq!(budget["unhealthyPodEvictionPolicy"], "AlwaysAllow");
}

#[test]
fn only_probes_come_in_and_only_names_and_the_api_server_are_reached() {
    let objects = manifests(&[]);
    let policy = &of_kind(&objects, "NetworkPolicy")[0]["spec"];
    assert_eq!(policy["policyTypes"], json!(["Ingress", "Egress"]));
    assert_eq!(policy["ingress"], json!([{"ports": [{"protocol": "TCP", "port": "health"}]}]));
    let names = json!({"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]});
    let servers = json!({"ports": [{"protocol": "TCP", "port": 443}, {"protocol": "TCP", "port": 6443}]});
    assert_eq!(policy["egress"], json!([names, servers]));
}

/// Names that have to be the same in several objects.
#[test]
fn what_refers_to_each_other_fits() {
    let objects = manifests(&["--service-monitor"]);
    let deployment = of_kind(&objects, "Deployment")[0];
    let labels = deployment["spec"]["template"]["metadata"]["labels"].as_object().unwrap();
    let service = of_kind(&objects, "Service")[0];
    let selectors = [
        &deployment["spec"]["selector"]["matchLabels"],
        &of_kind(&objects, "PodDisruptionBudget")[0]["spec"]["selector"]["matchLabels"],
        &of_kind(&objects, "NetworkPolicy")[0]["spec"]["podSelector"]["matchLabels"],
        &service["spec"]["selector"],
    ];
    for selector in selectors {
        let selector = selector.as_object().unwrap();
        assert!(!selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value)));
    }
    let pod = &deployment["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    assert_eq!(container["ports"], json!([{"name": "health", "containerPort": 8081}]));
    for (probe, path) in [("livenessProbe", "/livez"), ("readinessProbe", "/readyz")] {
        assert_eq!(container[probe]["httpGet"], json!({"path": path, "port": "health"}));
    }
    assert_eq!(service["spec"]["ports"][0]["targetPort"], "health");
    let monitor = of_kind(&objects, "ServiceMonitor")[0];
    assert_eq!(monitor["spec"]["endpoints"][0]["port"], service["spec"]["ports"][0]["name"]);
    let scraped = monitor["spec"]["selector"]["matchLabels"].as_object().unwrap();
    assert!(scraped.iter().all(|(key, value)| service["metadata"]["labels"].get(key) == Some(value)));

    let account = &of_kind(&objects, "ServiceAccount")[0]["metadata"]["name"];
    assert_eq!(pod["serviceAccountName"], *account);
    let roles: BTreeSet<String> = objects
        .iter()
        .filter(|object| matches!(object["kind"].as_str(), Some("Role" | "ClusterRole")))
        .map(|role| format!("{} {}", role["kind"], role["metadata"]["name"]))
        .collect();
    let mut bound = BTreeSet::new();
    for binding in objects.iter().filter(|object| object.get("roleRef").is_some()) {
        assert_eq!(binding["subjects"][0]["name"], *account);
        bound.insert(format!("{} {}", binding["roleRef"]["kind"], binding["roleRef"]["name"]));
    }
    assert_eq!(bound, roles);
}

#[test]
fn providers_roles_are_added_up_by_the_label_that_package_gives_them() {
    let objects = manifests(&[]);
    let aggregating: Vec<_> = objects.iter().filter(|object| object.get("aggregationRule").is_some()).collect();
    let [role] = aggregating.as_slice() else { panic!("{aggregating:?}") };
    assert_eq!(
        role["aggregationRule"]["clusterRoleSelectors"],
        json!([{"matchLabels": {crate::provider::AGGREGATE: "true"}}])
    );
}
