//! A cluster in a directory, opened again.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use capstan_devcluster::{DevCluster, OpenError, Options};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::caller::{Caller, WIDGETS, widget, widgets};

const CONFIGMAPS: &str = "/api/v1/namespaces/default/configmaps";
const CRD: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.demo.example";

fn open(path: &Path) -> Caller {
    Caller::with(&DevCluster::open(Options::default(), path).unwrap())
}

fn refused(path: &Path) -> OpenError {
    DevCluster::open(Options::default(), path).unwrap_err()
}

/// A directory that a cluster was in which is gone.
async fn left_by(fill: impl AsyncFnOnce(&Caller)) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fill(&open(folder.path())).await;
    folder
}

async fn configmap(caller: &Caller, name: &str, metadata: Value) -> Value {
    let mut body = json!({"metadata": metadata});
    body["metadata"]["name"] = name.into();
    let created = caller.post(CONFIGMAPS, &body).await;
    assert_eq!(created.code, 201, "{}", created.text);
    created.body
}

fn revision(list: &Value) -> u64 {
    list["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn everything_is_as_it_was_left() {
    let paths = [
        "/api/v1/namespaces?limit=500",
        CONFIGMAPS,
        WIDGETS,
        CRD,
        "/api/v1/namespaces/default/configmaps/applied?fieldManager=x",
        "/apis",
        "/apis/demo.example/v1",
        "/openapi/v3/apis/demo.example/v1",
    ];
    let mut before = Vec::new();
    let folder = left_by(async |caller| {
        caller.add_widgets().await;
        caller.post(WIDGETS, &widget("a", json!({"size": 1}))).await;
        caller.merge(&format!("{WIDGETS}/a"), &json!({"spec": {"size": 2}})).await;
        caller.merge(&format!("{WIDGETS}/a/status"), &json!({"status": {"replicas": 3}})).await;
        let applied =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}, "data": {"k": "v"}});
        caller.apply(&format!("{CONFIGMAPS}/applied?fieldManager=x"), &applied.to_string()).await;
        configmap(caller, "gone", json!({})).await;
        caller.delete(&format!("{CONFIGMAPS}/gone"), &Value::Null).await;
        for path in paths {
            before.push(caller.get(path).await.text);
        }
    })
    .await;
    let caller = open(folder.path());
    for (path, before) in paths.iter().zip(&before) {
        assert_eq!(caller.get(path).await.text, *before, "{path}");
    }
    let a = caller.get(&format!("{WIDGETS}/a")).await.body;
    assert_eq!((&a["metadata"]["generation"], &a["status"]["replicas"]), (&json!(2), &json!(3)));
}

#[tokio::test]
async fn revisions_go_on_after_the_last_one_even_if_that_was_a_removal() {
    let mut newest = 0;
    let folder = left_by(async |caller| {
        configmap(caller, "a", json!({})).await;
        caller.delete(&format!("{CONFIGMAPS}/a"), &Value::Null).await;
        newest = revision(&caller.get(CONFIGMAPS).await.body);
    })
    .await;
    let caller = open(folder.path());
    assert_eq!(revision(&caller.get(CONFIGMAPS).await.body), newest);
    assert_eq!(revision(&configmap(&caller, "a", json!({})).await), newest + 1);
}

#[tokio::test]
async fn watches_and_lists_go_back_to_the_last_revision_and_no_further() {
    let mut newest = 0;
    let folder = left_by(async |caller| {
        configmap(caller, "a", json!({})).await;
        caller.delete(&format!("{CONFIGMAPS}/a"), &Value::Null).await;
        newest = revision(&caller.get(CONFIGMAPS).await.body);
    })
    .await;
    let caller = open(folder.path());
    configmap(&caller, "b", json!({})).await;
    for collection in [CONFIGMAPS, "/api/v1/namespaces/default/secrets"] {
        // A list first: a watch makes a collection that nothing was ever stored in.
        let list = async |revision| {
            caller.get(&format!("{collection}?resourceVersion={revision}&resourceVersionMatch=Exact")).await
        };
        assert_eq!(list(newest - 1).await.code, 410, "{collection}");
        assert_eq!(list(newest).await.body["items"], json!([]), "{collection}");
        let watch = async |revision| {
            let path = format!("{collection}?watch=true&timeoutSeconds=0&resourceVersion={revision}");
            let text = caller.get(&path).await.text;
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
        };
        let expired = watch(newest - 1).await;
        assert_eq!((expired.len(), &expired[0]["object"]["code"]), (1, &json!(410)), "{collection}");
        let expected: &[Value] = if collection == CONFIGMAPS { &[json!("b")] } else { &[] };
        let seen: Vec<Value> =
            watch(newest).await.iter().map(|event| event["object"]["metadata"]["name"].clone()).collect();
        assert_eq!(seen, expected);
    }
}

#[tokio::test]
async fn owners_take_their_dependents_with_them() {
    let folder = left_by(async |caller| {
        let owner = configmap(caller, "owner", json!({})).await;
        let uid = &owner["metadata"]["uid"];
        let reference = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid, "blockOwnerDeletion": true,
        });
        let held = json!({"ownerReferences": [reference], "finalizers": ["demo.example/hold"]});
        configmap(caller, "child", held).await;
        caller.delete(&format!("{CONFIGMAPS}/owner"), &json!({"propagationPolicy": "Foreground"})).await;
    })
    .await;
    let caller = open(folder.path());
    assert_eq!(caller.get(&format!("{CONFIGMAPS}/owner")).await.code, 200);
    caller.merge(&format!("{CONFIGMAPS}/child"), &json!({"metadata": {"finalizers": null}})).await;
    for name in ["child", "owner"] {
        assert_eq!(caller.get(&format!("{CONFIGMAPS}/{name}")).await.code, 404, "{name}");
    }
}

#[tokio::test]
async fn namespaces_and_kinds_that_were_ending_end() {
    let folder = left_by(async |caller| {
        caller.add_widgets().await;
        let mut held = widget("held", json!({"size": 1}));
        held["metadata"]["finalizers"] = json!(["demo.example/hold"]);
        caller.post(WIDGETS, &held).await;
        caller.delete("/api/v1/namespaces/golden", &Value::Null).await;
        caller.delete(CRD, &Value::Null).await;
    })
    .await;
    let caller = open(folder.path());
    assert_eq!(caller.get("/api/v1/namespaces/golden").await.body["status"]["phase"], "Terminating");
    assert_eq!(caller.post(WIDGETS, &widget("late", json!({"size": 1}))).await.code, 403);
    caller.merge(&format!("{WIDGETS}/held"), &json!({"metadata": {"finalizers": null}})).await;
    for path in ["/api/v1/namespaces/golden", CRD, WIDGETS] {
        assert_eq!(caller.get(path).await.code, 404, "{path}");
    }
}

#[tokio::test]
async fn objects_are_read_by_the_schema_of_today() {
    let mut crd = widgets();
    let folder = left_by(async |caller| {
        caller.add_widgets().await;
        caller.post(WIDGETS, &widget("a", json!({"size": 1}))).await;
        let current = caller.get(CRD).await.body;
        crd["metadata"]["resourceVersion"] = current["metadata"]["resourceVersion"].clone();
        for version in crd["spec"]["versions"].as_array_mut().unwrap() {
            let added = json!({"type": "string", "default": "new"});
            version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["added"] = added;
        }
        let updated = caller.put(CRD, &crd).await;
        assert_eq!(updated.code, 200, "{}", updated.text);
    })
    .await;
    let caller = open(folder.path());
    assert_eq!(caller.get(&format!("{WIDGETS}/a")).await.body["spec"]["added"], "new");
}

#[tokio::test]
async fn a_kind_with_the_name_of_another_one_stays_refused() {
    let other = |plural: &str| {
        let mut crd = widgets();
        crd["metadata"]["name"] = format!("{plural}.demo.example").into();
        crd["spec"]["names"]["plural"] = plural.into();
        crd["spec"]["names"]["shortNames"] = json!([]);
        crd
    };
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let folder = left_by(async |caller| {
        caller.add_widgets().await;
        // It sorts before the one that was there first.
        assert_eq!(caller.post(path, &other("aaa")).await.code, 201);
    })
    .await;
    let caller = open(folder.path());
    assert_eq!(caller.get(WIDGETS).await.code, 200);
    assert_eq!(caller.get("/apis/demo.example/v1/namespaces/golden/aaa").await.code, 404);
}

#[tokio::test(start_paused = true)]
async fn events_expire_all_the_same() {
    let events = "/api/v1/namespaces/default/events";
    let event = |name: &str| json!({"metadata": {"name": name}, "involvedObject": {"kind": "Node", "name": "n"}});
    let folder = left_by(async |caller| {
        assert_eq!(caller.post(events, &event("old")).await.code, 201);
    })
    .await;
    let caller = open(folder.path());
    assert_eq!(caller.get(&format!("{events}/old")).await.code, 200);
    tokio::time::advance(Duration::from_mins(61)).await;
    caller.post(events, &event("new")).await;
    assert_eq!(caller.get(&format!("{events}/old")).await.code, 404);
}

#[tokio::test]
async fn a_default_namespace_that_was_deleted_is_made_again() {
    let folder = left_by(async |caller| {
        assert_eq!(caller.delete("/api/v1/namespaces/kube-node-lease", &Value::Null).await.code, 200);
        assert_eq!(caller.get("/api/v1/namespaces/kube-node-lease").await.code, 404);
    })
    .await;
    assert_eq!(open(folder.path()).get("/api/v1/namespaces/kube-node-lease").await.code, 200);
}

#[tokio::test]
async fn the_directory_is_private_and_one_clusters_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new").join("data");
    let cluster = DevCluster::open(Options::default(), &path).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&path.join("journal"))), (0o700, 0o600));
    let error = refused(&path);
    assert!(matches!(&error, OpenError::InUse(at) if *at == path), "{error:?}");
    drop(cluster);
    open(&path);
}

#[tokio::test]
async fn what_cannot_be_read_is_named_and_left_as_it_is() {
    let folder = left_by(async |caller| {
        configmap(caller, "a", json!({})).await;
    })
    .await;
    let journal = folder.path().join("journal");
    let whole = fs::read(&journal).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let newer = String::from_utf8(whole.clone()).unwrap().replacen("format 1", "format 2", 1);
    for (content, advice) in [
        (flipped, "truncate --size="),
        (newer.into_bytes(), "use the newer version"),
        (b"something else".to_vec(), "move that file away"),
    ] {
        fs::write(&journal, &content).unwrap();
        let message = refused(folder.path()).to_string();
        assert!(message.contains(journal.to_str().unwrap()) && message.contains(advice), "{message}");
        assert_eq!(fs::read(&journal).unwrap(), content);
    }
    fs::write(&journal, &whole[..whole.len() - 7]).unwrap();
    assert_eq!(open(folder.path()).get(&format!("{CONFIGMAPS}/a")).await.code, 404);
}

#[test]
fn a_path_that_cannot_be_a_directory_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let message = refused(&file.path().join("data")).to_string();
    assert!(message.contains(file.path().to_str().unwrap()), "{message}");
}
