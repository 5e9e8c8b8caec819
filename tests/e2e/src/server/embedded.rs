//! The embedded API server, on a thread of its own behind real HTTP.

use std::{net::SocketAddr, thread::JoinHandle};

use anyhow::{Context, Result};
use capstan_devcluster::{DevCluster, Options};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Runs until it is dropped.
#[derive(Debug)]
pub struct Embedded {
    address: SocketAddr,
    cancel: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Embedded {
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

    /// The text of a kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> String {
        DevCluster::kubeconfig(self.address)
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.cancel.cancel();
        if let Some(thread) = self.thread.take() {
            // What it had to say it has printed.
            let _ = thread.join();
        }
    }
}
