//! The embedded API server, on a thread of its own behind real HTTP.

use std::{net::SocketAddr, path::Path, thread::JoinHandle};

use anyhow::{Context, Result};
use capstan_devcluster::{DevCluster, Options};
use kube::{Client, Config};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Runs until it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    cancel: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts on a free port of the loopback interface.
    pub fn start() -> Result<Self> {
        let cancel = CancellationToken::new();
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        let ends = cancel.clone();
        let serving = async move {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let _ = sender.send(listener.local_addr()?);
            DevCluster::new(Options::default()).serve(listener, ends).await
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let thread = std::thread::Builder::new().name("api-server".into()).spawn(move || {
            if let Err(error) = runtime.block_on(serving) {
                eprintln!("the API server stopped: {error}");
            }
        })?;
        let address = receiver.recv().context("the API server did not start")?;
        Ok(Self { address, cancel, thread: Some(thread) })
    }

    /// A client with every right.
    pub fn client(&self) -> Result<Client> {
        let url = format!("http://{}", self.address).parse().context("no URL")?;
        Ok(Client::try_from(Config::new(url))?)
    }

    /// Writes a kubeconfig for a host process.
    pub fn write_kubeconfig(&self, path: &Path) -> Result<()> {
        std::fs::write(path, DevCluster::kubeconfig(self.address)).context("the kubeconfig cannot be written")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.cancel.cancel();
        if let Some(thread) = self.thread.take() {
            // What it had to say it has printed.
            let _ = thread.join();
        }
    }
}
