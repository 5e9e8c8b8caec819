//! Serves a cluster, in memory or in a directory:
//! `cargo run -p capstan-devcluster --example serve -- 127.0.0.1:8080 kubeconfig [DIRECTORY]`.

use std::path::Path;

use capstan_devcluster::{DevCluster, Options};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let file = arguments.next().unwrap_or_else(|| "kubeconfig".to_owned());
    let cluster = match arguments.next() {
        Some(directory) => DevCluster::open(Options::default(), Path::new(&directory))?,
        None => DevCluster::new(Options::default()),
    };
    let listener = TcpListener::bind(address).await?;
    tokio::fs::write(&file, DevCluster::kubeconfig(listener.local_addr()?)).await?;
    println!("listening on {}; kubectl --kubeconfig {file}", listener.local_addr()?);
    let cancel = CancellationToken::new();
    let interrupted = async {
        let result = tokio::signal::ctrl_c().await;
        cancel.cancel();
        result
    };
    tokio::try_join!(cluster.serve(listener, cancel.clone()), interrupted)?;
    Ok(())
}
