//! The same over a real socket.

use std::time::Duration;

use capstan_devcluster::{DevCluster, Options};
use futures::StreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{PostParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, ResourceExt};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_served_cluster_is_reached_with_its_kubeconfig_and_stops_when_asked() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let cancel = CancellationToken::new();
    let server = tokio::spawn({
        let cancel = cancel.clone();
        async move { DevCluster::new(Options::default()).serve(listener, cancel).await }
    });

    let kubeconfig = Kubeconfig::from_yaml(&DevCluster::kubeconfig(address)).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    let api: Api<ConfigMap> = Api::default_namespaced(Client::try_from(config).unwrap());
    let mut watch = api.watch(&WatchParams::default(), "0").await.unwrap().boxed();
    let body = serde_json::json!({"metadata": {"name": "c"}});
    api.create(&PostParams::default(), &serde_json::from_value(body).unwrap()).await.unwrap();
    match tokio::time::timeout(Duration::from_secs(5), watch.next()).await.unwrap().unwrap().unwrap() {
        WatchEvent::Added(object) => assert_eq!(object.name_any(), "c"),
        other => panic!("{other:?}"),
    }

    cancel.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(5), watch.next()).await.unwrap();
    assert!(ended.is_none_or(|event| event.is_err()), "the watch ends with the server");
    tokio::time::timeout(Duration::from_secs(5), server).await.unwrap().unwrap().unwrap();
}
