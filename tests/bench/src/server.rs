//! An API server for processes of their own, which must not carry its memory and work.

use anyhow::{Context, Result};
use capstan_devcluster::{DevCluster, Options};
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Few, so that a watch that was away for a while has to list anew.
pub(crate) const HISTORY: usize = 100;

/// Serves on the loopback interface until it is dropped.
pub(crate) struct Server {
    url: String,
    client: Client,
    _serving: DropGuard,
}

impl Server {
    pub(crate) async fn start() -> Result<Self> {
        let server = DevCluster::new(Options { history: HISTORY, watch_buffer: 1 << 16, ..Options::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port")?;
        let url = format!("http://{}", listener.local_addr()?);
        // Without a socket: what the bench itself asks for is to cost little.
        let client = Client::new(server.router(), "default");
        let cancel = CancellationToken::new();
        let ends = cancel.clone();
        tokio::spawn(async move { server.serve(listener, ends).await });
        Ok(Self { url, client, _serving: cancel.drop_guard() })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) async fn create(&self, resource: &ApiResource, object: Value) -> Result<()> {
        let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str).map(str::to_owned);
        let api: Api<DynamicObject> = match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), &namespace, resource),
            None => Api::all_with(self.client.clone(), resource),
        };
        api.create(&PostParams::default(), &serde_json::from_value(object)?).await?;
        Ok(())
    }

    /// Sets an annotation of an object in the namespace `default`.
    pub(crate) async fn annotate(&self, resource: &ApiResource, name: &str, key: &str, value: &str) -> Result<()> {
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), "default", resource);
        let patch = json!({"metadata": {"annotations": {key: value}}});
        api.patch_metadata(name, &PatchParams::default(), &Patch::Merge(patch)).await?;
        Ok(())
    }

    /// How many bytes the first object takes in an answer.
    pub(crate) async fn size(&self, resource: &ApiResource, name: &str) -> Result<usize> {
        let path = format!("/api/v1/namespaces/default/{}/{name}", resource.plural);
        let request = http::Request::get(path).body(Vec::new())?;
        Ok(self.client.request_text(request).await?.len())
    }
}
