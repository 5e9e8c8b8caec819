//! HTTPS: whom clients trust, and a listener that decrypts.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;

use crate::kubeconfig::kubeconfig;

/// What is offered in TLS, the preferred one first: clients with many watches want one connection for all of them.
const PROTOCOLS: [&str; 2] = ["h2", "http/1.1"];

/// For a handshake, which takes milliseconds with anybody who means it.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

/// Handshakes at the same time. More clients wait in the queue of the system.
const HANDSHAKES: usize = 64;

/// A key and a certificate for one address of a server, and the authority that vouches for that certificate and for no
/// other: its key is forgotten when it has signed. The server's key is in memory alone. Clones are the same identity.
#[derive(Clone, Debug)]
pub struct Identity {
    settings: Arc<ServerConfig>,
    /// A certificate in PEM.
    authority: String,
}

/// Why there is no [`Identity`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// A key or a certificate cannot be made.
    #[error("no certificate can be made")]
    Certificate(#[from] rcgen::Error),
    /// TLS refuses what was made.
    #[error("TLS cannot be set up")]
    Settings(#[from] rustls::Error),
}

impl Identity {
    /// Makes one for a server at an IP address, which clients may also call `localhost`.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub fn generate(ip: IpAddr) -> Result<Self, IdentityError> {
        let authority = CertifiedIssuer::self_signed(authority_parameters(), KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let certificate = server_parameters(ip)?.signed_by(&key, &authority)?;
        let mut settings = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::from(key))?;
        settings.alpn_protocols = PROTOCOLS.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(Self { settings: Arc::new(settings), authority: authority.pem() })
    }

    /// A kubeconfig (YAML) for the server with this identity, whose address this must be. It trusts this identity's
    /// authority alone.
    #[must_use]
    pub fn kubeconfig(&self, address: SocketAddr) -> String {
        kubeconfig(&format!("https://{address}"), Some(&self.authority))
    }
}

fn authority_parameters() -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = named("capstan dev: authority");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    parameters
}

fn server_parameters(ip: IpAddr) -> Result<CertificateParams, rcgen::Error> {
    let mut parameters = CertificateParams::new(["localhost".to_owned(), ip.to_string()])?;
    parameters.distinguished_name = named("capstan dev: API server");
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters.use_authority_key_identifier_extension = true;
    Ok(parameters)
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// Connections of another listener, decrypted. A client that is slow at its handshake holds up nobody.
pub(crate) struct TlsListener<L> {
    encrypted: L,
    acceptor: TlsAcceptor,
    /// Nothing is left of those that failed.
    handshakes: JoinSet<Option<(TlsStream<TcpStream>, SocketAddr)>>,
}

impl<L> TlsListener<L> {
    pub(crate) fn new(encrypted: L, identity: &Identity) -> Self {
        let acceptor = TlsAcceptor::from(Arc::clone(&identity.settings));
        Self { encrypted, acceptor, handshakes: JoinSet::new() }
    }

    fn begin(&mut self, stream: TcpStream, address: SocketAddr) {
        let handshake = self.acceptor.accept(stream);
        self.handshakes.spawn(async move {
            let done = timeout(HANDSHAKE_WITHIN, handshake).await.map_err(io::Error::from).flatten();
            let failed = |error: &io::Error| tracing::debug!(%address, %error, "a client does not speak TLS with us");
            done.inspect_err(failed).ok().map(|stream| (stream, address))
        });
    }
}

impl<L: Listener<Io = TcpStream, Addr = SocketAddr>> Listener for TlsListener<L> {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            tokio::select! {
                (stream, address) = self.encrypted.accept(), if self.handshakes.len() < HANDSHAKES => {
                    self.begin(stream, address);
                }
                Some(done) = self.handshakes.join_next() => {
                    if let Ok(Some(connection)) = done {
                        return connection;
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.encrypted.local_addr()
    }
}
