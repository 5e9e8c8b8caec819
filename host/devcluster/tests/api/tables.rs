//! The columns of built-in kinds, which are those of `pkg/printers/internalversion` in Kubernetes.

use serde_json::{Value, json};

use crate::caller::Caller;

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

/// Each column as `name type` (wide ones in parentheses) and the cell of the only object.
async fn table_of(path: &str, object: Value) -> Vec<(String, Value)> {
    let caller = Caller::new();
    let created = caller.post(path, &object).await;
    assert_eq!(created.code, 201, "{}", created.text);
    let name = object["metadata"]["name"].as_str().unwrap();
    let table = caller.get_as(&format!("{path}/{name}"), TABLE).await.body;
    let cells = table["rows"][0]["cells"].as_array().unwrap();
    let columns = table["columnDefinitions"].as_array().unwrap();
    assert_eq!(cells.len(), columns.len());
    let named = columns.iter().zip(cells).map(|(column, cell)| {
        let title = format!("{} {}", column["name"].as_str().unwrap(), column["type"].as_str().unwrap());
        let title = if column["priority"] == 0 { title } else { format!("({title})") };
        // Times differ from run to run.
        let is_time = matches!(column["name"].as_str(), Some("Age" | "Created At"));
        let cell = if is_time { json!(cell.as_str().is_some_and(|text| !text.contains('<'))) } else { cell.clone() };
        (title, cell)
    });
    named.collect()
}

fn expected(columns: &[(&str, Value)]) -> Vec<(String, Value)> {
    columns.iter().map(|(title, cell)| ((*title).to_owned(), cell.clone())).collect()
}

#[tokio::test]
async fn roles_say_when_they_were_created() {
    for (path, name) in [("namespaces/default/roles", "r"), ("clusterroles", "c")] {
        let path = format!("/apis/rbac.authorization.k8s.io/v1/{path}");
        let table = table_of(&path, json!({"metadata": {"name": name}, "rules": []})).await;
        assert_eq!(table, expected(&[("Name string", json!(name)), ("Created At date", json!(true))]));
    }
}

#[tokio::test]
async fn cron_jobs_say_when_and_whether_they_start_jobs() {
    let pod = json!({"restartPolicy": "Never", "containers": [{"name": "one", "image": "one:1"}]});
    let spec = json!({"schedule": "0 * * * *", "jobTemplate": {"spec": {"template": {"spec": pod}}}});
    let path = "/apis/batch/v1/namespaces/default/cronjobs";
    let table = table_of(path, json!({"metadata": {"name": "nightly"}, "spec": spec})).await;
    let columns = [
        ("Name string", json!("nightly")),
        ("Schedule string", json!("0 * * * *")),
        ("Timezone string", json!("<none>")),
        ("Suspend boolean", json!("False")),
        ("Active integer", json!(0)),
        ("Last Schedule string", json!("<none>")),
        ("Age string", json!(true)),
        ("(Containers string)", json!("one")),
        ("(Images string)", json!("one:1")),
        ("(Selector string)", json!("<none>")),
    ];
    assert_eq!(table, expected(&columns));
}

#[tokio::test]
async fn ingresses_show_hosts_and_ports() {
    let path = "/apis/networking.k8s.io/v1/namespaces/default/ingresses";
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    let spec = json!({
        "defaultBackend": backend, "tls": [{"hosts": ["a.example"]}],
        "rules": [{"host": "a.example"}, {"host": "b.example"}],
    });
    let table = table_of(path, json!({"metadata": {"name": "web"}, "spec": spec})).await;
    let columns = [
        ("Name string", json!("web")),
        ("Class string", json!("<none>")),
        ("Hosts string", json!("a.example,b.example")),
        ("Address string", json!("")),
        ("Ports string", json!("80, 443")),
        ("Age string", json!(true)),
    ];
    assert_eq!(table, expected(&columns));
}

#[tokio::test]
async fn daemon_sets_name_their_nodes_and_claims_their_volumes() {
    let labels = json!({"app": "agent"});
    let pod = json!({"nodeSelector": {"disk": "ssd"}, "containers": [{"name": "agent", "image": "agent:1"}]});
    let spec = json!({"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}});
    let path = "/apis/apps/v1/namespaces/default/daemonsets";
    let table = table_of(path, json!({"metadata": {"name": "agent"}, "spec": spec})).await;
    assert!(table.contains(&("Node Selector string".to_owned(), json!("disk=ssd"))), "{table:?}");

    let spec = json!({
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
        "storageClassName": "fast", "volumeMode": "Filesystem",
    });
    let path = "/api/v1/namespaces/default/persistentvolumeclaims";
    let table = table_of(path, json!({"metadata": {"name": "data"}, "spec": spec})).await;
    let columns = [
        ("Name string", json!("data")),
        ("Status string", json!("Pending")),
        ("Volume string", json!("")),
        ("Capacity string", json!("")),
        ("Access Modes string", json!("")),
        ("StorageClass string", json!("fast")),
        ("VolumeAttributesClass string", json!("<unset>")),
        ("Age string", json!(true)),
        ("(VolumeMode string)", json!("Filesystem")),
    ];
    assert_eq!(table, expected(&columns));
}
