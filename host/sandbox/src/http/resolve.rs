//! From names to addresses.

use std::{io, net::IpAddr};

use async_trait::async_trait;

/// Finds the addresses of a host. What it finds is checked by who asked; nothing connects by name.
#[async_trait]
pub trait Resolve: Send + Sync + 'static {
    /// All addresses of a name, in the order in which they should be tried.
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// As the machine does it.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|found| found.ip()).collect())
    }
}
