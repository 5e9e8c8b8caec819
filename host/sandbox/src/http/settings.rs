//! What the host decides about requests of all providers.

use http::Uri;
use ipnet::IpNet;

/// How the host reaches other systems.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkSettings {
    /// Certificates in PEM, one after the other, that are trusted beside those of the machine. Empty: none.
    pub ca_bundle: Vec<u8>,
    /// `http://host:port`. Everything goes through a tunnel (`CONNECT`) of this proxy. Names are resolved by it then, so
    /// that it has to keep requests from private addresses; addresses in URLs are still checked here. The environment
    /// is not asked for one.
    pub proxy: Option<Uri>,
    /// Ranges that belong to the cluster, of pods, services and nodes, as far as they are not private anyway. They
    /// are reached by who was granted private addresses.
    pub private_ranges: Vec<IpNet>,
}

/// The host cannot reach other systems with these settings.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// There is something in the bundle that is no certificate, or nothing at all.
    #[error("the CA bundle is of no use: {0}")]
    CaBundle(String),
    /// Not the address of a proxy.
    #[error("`{0}` is no proxy: write http://host:port")]
    Proxy(Uri),
}
