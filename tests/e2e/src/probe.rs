//! What a kubelet, Prometheus or a person at the machine asks a host.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// A host answers probes at once, and closes the connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// The code and the body of the answer to a GET.
///
/// # Errors
/// If there is no answer.
pub async fn probe(address: SocketAddr, path: &str) -> Result<(u16, String)> {
    let asked = async {
        let mut connection = TcpStream::connect(address).await?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await?;
        anyhow::Ok(answer)
    };
    let answer = timeout(PATIENCE, asked).await.context("no answer to a probe")??;
    let (head, body) = answer.split_once("\r\n\r\n").context("half an answer to a probe")?;
    let code = head.split(' ').nth(1).context("no status line")?.parse()?;
    Ok((code, body.to_owned()))
}
