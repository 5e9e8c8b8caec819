//! TLS in front of a server that speaks none.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context, Result};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivatePkcs8KeyDer},
};

/// Listens on the loopback interface until it is dropped, with a certificate for `localhost` that nobody trusts yet.
#[derive(Debug)]
pub struct TlsFront {
    port: u16,
    certificate: String,
    accepting: AbortHandle,
}

impl TlsFront {
    /// Sends what it decrypts on to `upstream`. Must be called on a tokio runtime.
    ///
    /// # Errors
    /// If no port can be listened on, or no certificate made.
    pub async fn start(upstream: SocketAddr) -> Result<Self> {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()])?;
        let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key.into())?;
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port")?;
        let port = listener.local_addr()?.port();
        let accepting = tokio::spawn(accept(listener, TlsAcceptor::from(Arc::new(config)), upstream)).abort_handle();
        Ok(Self { port, certificate: cert.pem(), accepting })
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// The certificate in PEM, for whoever is to trust it.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Connections end with the task that accepts them.
async fn accept(listener: TcpListener, acceptor: TlsAcceptor, upstream: SocketAddr) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => {
                let acceptor = acceptor.clone();
                // How a connection ends is the other side's business.
                connections.spawn(async move {
                    let mut decrypted = acceptor.accept(stream).await?;
                    let mut onward = TcpStream::connect(upstream).await?;
                    copy_bidirectional(&mut decrypted, &mut onward).await
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}
