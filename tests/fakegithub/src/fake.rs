//! The public face of a running fake.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::clock::Clock;
use crate::fault::Fault;
use crate::pipeline::Shared;
use crate::record::{Exchange, Side, Violation};
use crate::seed::Seed;
use crate::server;
use crate::settings::Settings;
use crate::state::World;

/// A running fake. It ends, with its connections, when this is dropped.
pub struct Fake {
    shared: Arc<Shared>,
    address: SocketAddr,
    _ends: DropGuard,
}

impl Fake {
    /// Starts a fake on a free port of the loopback address. Its time begins now.
    ///
    /// # Errors
    /// No port can be listened on.
    pub async fn start(settings: Settings) -> io::Result<Self> {
        Self::listen(settings, SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Starts a fake on an address.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn listen(settings: Settings, address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let base = format!("http://{address}{}", settings.prefix);
        let clock = Clock::starting_at(Timestamp::now());
        let shared = Arc::new(Shared::new(World::new(settings, base), clock));
        let cancel = CancellationToken::new();
        tokio::spawn(server::serve(Arc::clone(&shared), listener, cancel.clone()));
        Ok(Self { shared, address, _ends: cancel.drop_guard() })
    }

    /// The base URL of the API, with the prefix and without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        self.shared.world().base.clone()
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The fake's clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// Looks at and changes what the fake knows, as somebody at GitHub's pages would.
    #[must_use]
    pub fn seed(&self) -> Seed<'_> {
        Seed::new(&self.shared)
    }

    /// Changes settings.
    pub fn set(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.shared.world().settings);
    }

    /// Lets requests fail from now on. The first fault that meets a request counts.
    pub fn fail(&self, fault: Fault) {
        self.shared.faults.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    /// Ends all failures.
    pub fn heal(&self) {
        self.shared.faults.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Ends the failures of requests below this path, as they were begun by [`Fault::below`].
    pub fn heal_below(&self, path: &str) {
        self.shared.faults.lock().unwrap_or_else(PoisonError::into_inner).retain(|fault| !fault.is_below(path));
    }

    /// The requests so far, oldest first.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.record().exchanges.iter().cloned().collect()
    }

    /// What was not as GitHub's description has it, oldest first.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        self.shared.record().violations.iter().cloned().collect()
    }

    /// The violations of one side.
    #[must_use]
    pub fn violations_of(&self, side: Side) -> Vec<Violation> {
        self.violations().into_iter().filter(|violation| violation.side == side).collect()
    }

    /// Forgets the requests so far, and no violation.
    pub fn forget(&self) {
        self.shared.record().exchanges.clear();
    }

    /// Forgets the violations so far, which were wanted.
    pub fn forgive(&self) {
        self.shared.record().violations.clear();
    }
}
