//! Servers that are processes of their own, to be killed and to be run out of space.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use capstan_devcluster::{DevCluster, Options};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use crate::caller::Caller;

const CONFIGMAPS: &str = "/api/v1/namespaces/default/configmaps";
const DIRECTORY: &str = "DEVCLUSTER_TEST_DIRECTORY";
const READY: &str = "serving on ";

/// For a process to start, and for writes, on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_mins(2);

/// Not a test but what the tests below run.
#[tokio::test]
#[ignore = "run by other tests, as a process of its own"]
async fn server() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let cluster = DevCluster::open(Options::default(), Path::new(&directory)).unwrap();
    println!("\n{READY}{}", listener.local_addr().unwrap());
    cluster.serve(listener, CancellationToken::new()).await.unwrap();
}

struct Server {
    process: Child,
    client: Client,
}

impl Server {
    /// Starts a server after a line of shell.
    async fn start(directory: &Path, before: &str) -> Self {
        let mut process = Command::new("sh")
            .args(["-c", &format!("{before}; exec \"$0\" \"$@\"")])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "killed::server", "--ignored", "--nocapture"])
            .env(DIRECTORY, directory)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let ready = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if let Some(address) = line.strip_prefix(READY) {
                    return address.parse().unwrap();
                }
            }
            panic!("the server has not started");
        };
        let address = tokio::time::timeout(PATIENCE, ready).await.unwrap();
        let kubeconfig = Kubeconfig::from_yaml(&DevCluster::kubeconfig(address)).unwrap();
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        Self { process, client: Client::try_from(config).unwrap() }
    }

    /// SIGKILL, and the end of the process.
    async fn kill(mut self) {
        self.process.kill().await.unwrap();
    }
}

async fn call(client: &Client, method: &str, path: &str, body: &Value) -> Result<Value, kube::Error> {
    let request = http::Request::builder().method(method).uri(path).header("content-type", "application/json");
    client.request(request.body(body.to_string().into_bytes()).unwrap()).await
}

fn metadata(object: &Value) -> (String, String) {
    let text = |field: &str| object["metadata"][field].as_str().unwrap().to_owned();
    (text("uid"), text("resourceVersion"))
}

/// What was acknowledged: the uid and version of an object, or `None` for one that was deleted. An object that is being
/// written is not in it, for it may be in the one state or the other.
type Acknowledged = Arc<Mutex<BTreeMap<String, Option<(String, String)>>>>;

/// Creates, updates and deletes until there is no answer any more.
async fn write(client: Client, prefix: String, acknowledged: Acknowledged) -> Result<(), kube::Error> {
    for index in 0.. {
        let name = format!("{prefix}-{index}");
        let path = format!("{CONFIGMAPS}/{name}");
        let mut body = json!({"metadata": {"name": name}, "data": {"k": "v".repeat(index % 3000)}});
        let created = call(&client, "POST", CONFIGMAPS, &body).await?;
        acknowledged.lock().unwrap().insert(name.clone(), Some(metadata(&created)));
        if index % 3 == 1 {
            acknowledged.lock().unwrap().remove(&name);
            body["data"]["k"] = "changed".into();
            let updated = call(&client, "PUT", &path, &body).await?;
            acknowledged.lock().unwrap().insert(name.clone(), Some(metadata(&updated)));
        }
        if index % 3 == 2 {
            acknowledged.lock().unwrap().remove(&name);
            call(&client, "DELETE", &path, &json!({})).await?;
            acknowledged.lock().unwrap().insert(name, None);
        }
    }
    Ok(())
}

#[tokio::test]
async fn acknowledged_writes_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let acknowledged = Acknowledged::default();
    for round in 0..3 {
        let server = Server::start(folder.path(), ":").await;
        let before = acknowledged.lock().unwrap().len();
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..4 {
            let prefix = format!("r{round}-w{writer}");
            writers.spawn(write(server.client.clone(), prefix, Arc::clone(&acknowledged)));
        }
        let enough = async {
            while acknowledged.lock().unwrap().len() < before + 100 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, enough).await.unwrap();
        server.kill().await;
        while let Some(ended) = writers.join_next().await {
            assert!(ended.unwrap().is_err(), "writers end with the server");
        }
    }

    let caller = Caller::with(&DevCluster::open(Options::default(), folder.path()).unwrap());
    let acknowledged = acknowledged.lock().unwrap().clone();
    let mut newest = 0;
    for (name, state) in &acknowledged {
        let found = caller.get(&format!("{CONFIGMAPS}/{name}")).await;
        let found = (found.code == 200).then(|| metadata(&found.body));
        assert_eq!(found, *state, "{name}");
        newest = newest.max(state.as_ref().map_or(0, |(_, revision)| revision.parse().unwrap()));
    }
    let next = caller.post(CONFIGMAPS, &json!({"metadata": {"name": "next"}})).await.body;
    assert!(metadata(&next).1.parse::<u64>().unwrap() > newest);
}

#[tokio::test]
async fn a_write_that_finds_no_space_is_answered_so_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // The journal may have 32 KiB; a signal that would end the process is ignored, as if the disk were full.
    let server = Server::start(folder.path(), "trap '' XFSZ; ulimit -f 64").await;
    let client = &server.client;
    let large = |name: &str| json!({"metadata": {"name": name}, "data": {"k": "v".repeat(9000)}});
    let list = async || call(client, "GET", CONFIGMAPS, &Value::Null).await.unwrap();
    let mut before = list().await;
    let mut index = 0;
    let refusal = loop {
        match call(client, "POST", CONFIGMAPS, &large(&format!("large-{index}"))).await {
            Ok(_) => before = list().await,
            Err(refusal) => break refusal,
        }
        index += 1;
    };
    let kube::Error::Api(status) = refusal else { panic!("{refusal}") };
    assert_eq!((status.code, status.reason.as_str()), (500, "InternalError"));
    assert!(status.message.starts_with("Internal error occurred: cannot write to the journal: "), "{}", status.message);
    assert!((1..4).contains(&index), "{index}");
    assert!(list().await == before, "a refused write left something");

    // Several changes at once, of objects and of what is served.
    let crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let mut crd = crate::caller::widgets();
    crd["metadata"]["annotations"] = json!({"large": "v".repeat(9000)});
    assert!(call(client, "POST", crds, &crd).await.is_err());
    assert!(call(client, "GET", "/apis/demo.example", &Value::Null).await.is_err());
    assert_eq!(call(client, "GET", crds, &Value::Null).await.unwrap()["items"], json!([]));

    // What fits is written: nothing is left of the failed writes, in memory or in the file.
    let small = call(client, "POST", CONFIGMAPS, &json!({"metadata": {"name": "small"}})).await.unwrap();
    let next = before["metadata"]["resourceVersion"].as_str().unwrap().parse::<u64>().unwrap() + 1;
    assert_eq!(metadata(&small).1, next.to_string());
    let left = list().await;
    server.kill().await;
    let caller = Caller::with(&DevCluster::open(Options::default(), folder.path()).unwrap());
    assert!(caller.get(CONFIGMAPS).await.body == left, "memory and file differ");
}
