//! What the store of one instance holds.

use std::{sync::Arc, time::Instant};

use wasmtime::component::HasData;

use crate::{
    cluster, config, credentials, events, http,
    limiter::Limiter,
    log::Journal,
    spending::{Session, Spending},
    wasi::Wasi,
};

/// Host side of one instance.
pub(crate) struct State {
    wasi: Wasi,
    limiter: Limiter,
    /// When the guest is interrupted if it is running then. The machine's clock and not tokio's: it is the time that a
    /// loop burns, which no paused clock knows of.
    interrupt: Instant,
    capabilities: Option<Capabilities>,
}

/// What a session may use. `describe` has none of it.
pub(crate) struct Capabilities {
    pub(crate) cluster: cluster::Access,
    pub(crate) http: http::Access,
    pub(crate) credentials: credentials::Access,
    pub(crate) config: config::Config,
    pub(crate) events: events::Sink,
    pub(crate) log: Journal,
    /// Told at the end what the session used.
    pub(crate) spending: Arc<Spending>,
}

impl State {
    pub(crate) fn new(wasi: Wasi, limiter: Limiter, interrupt: Instant, capabilities: Option<Capabilities>) -> Self {
        Self { wasi, limiter, interrupt, capabilities }
    }

    pub(crate) fn wasi(&mut self) -> &mut Wasi {
        &mut self.wasi
    }

    pub(crate) fn limiter(&mut self) -> &mut Limiter {
        &mut self.limiter
    }

    pub(crate) fn interrupt(&self) -> Instant {
        self.interrupt
    }

    pub(crate) fn interrupt_at(&mut self, at: Instant) {
        self.interrupt = at;
    }

    /// How many requests to other systems may have changed something without anybody being told.
    pub(crate) fn unanswered(&self) -> u32 {
        self.capabilities.as_ref().map_or(0, |held| held.http.unanswered())
    }

    /// Tells what the session used: of time as it is given in microseconds, and of everything else.
    pub(crate) fn settle(&self, longest_call: u64, reconcile: u64) {
        let Some(held) = &self.capabilities else { return };
        let (http_requests, http_bytes) = held.http.used();
        let (lines, log_bytes) = held.log.used();
        let used: Session = [
            longest_call,
            reconcile,
            self.limiter.used() as u64,
            held.cluster.used().into(),
            http_requests.into(),
            http_bytes,
            held.events.used().into(),
            lines.into(),
            log_bytes,
        ];
        held.spending.add(used);
    }

    /// One of the capabilities, for the functions of the interface named.
    pub(crate) fn held<T>(&mut self, interface: &'static str, of: fn(&mut Capabilities) -> &mut T) -> Held<'_, T> {
        Held { interface, held: self.capabilities.as_mut().map(of) }
    }
}

/// A capability, if there is one.
pub(crate) struct Held<'a, T> {
    interface: &'static str,
    held: Option<&'a mut T>,
}

impl<T> Held<'_, T> {
    /// Traps the guest where there is none.
    pub(crate) fn get(&mut self) -> wasmtime::Result<&mut T> {
        self.held.as_deref_mut().ok_or_else(|| ImportUnavailable(self.interface).into())
    }
}

/// Says to generated code which part of the state an interface works on.
pub(crate) struct HeldBy<T>(std::marker::PhantomData<T>);

impl<T: 'static> HasData for HeldBy<T> {
    type Data<'a> = Held<'a, T>;
}

/// Ends a call into the guest: the interface is not there for it.
#[derive(Debug, thiserror::Error)]
#[error("{0} is not available here")]
pub(crate) struct ImportUnavailable(pub(crate) &'static str);
