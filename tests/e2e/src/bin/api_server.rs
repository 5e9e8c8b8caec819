//! The embedded API server as a process of its own, for scenarios in which it crashes: `api_server ADDRESS DIRECTORY`.

use std::path::Path;

use anyhow::{Context, Result, bail};
use capstan_devcluster::{DevCluster, Options};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, directory] = arguments.as_slice() else { bail!("usage: api_server ADDRESS DIRECTORY") };
    let server = DevCluster::open(Options::default(), Path::new(directory))?;
    let listener = TcpListener::bind(address).await.with_context(|| format!("{address} cannot be had"))?;
    Ok(server.serve(listener, CancellationToken::new()).await?)
}
