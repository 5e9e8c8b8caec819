//! One instance of a component, and calls into it within a budget.

use std::time::{Duration, Instant as Wall};

use tokio::{
    sync::OwnedSemaphorePermit,
    task,
    time::{Instant, error::Elapsed, timeout_at},
};
use tracing::{
    Instrument, Span, debug_span,
    field::{self, Empty},
};
use wasmtime::{Store, StoreContextMut, UpdateDeadline};

use crate::{
    Budget, Call, Component, Outcome, TimeLimit,
    bindings::{
        Provider,
        capstan::provider::types::Failure,
        exports::capstan::provider::{
            describe::Descriptor,
            external::{Change, Creation, Observation},
        },
    },
    classify::{Interrupted, classify},
    limiter::Limiter,
    log::Journal,
    spending::microseconds,
    state::{Capabilities, State},
    ticker::Running,
    wasi::Wasi,
};

/// Bytes that one call may carry from the guest to the host: several times the largest object that a cluster stores.
const HOSTCALL: usize = 8 << 20;

/// What a disconnect has at most. Less than the lifecycle waits for it ([`DISCONNECT_PATIENCE`](capstan_engine::DISCONNECT_PATIENCE)), so that
/// one that does not end is found out here, where its cause has a name.
const DISCONNECT: Duration = Duration::from_secs(4);

/// A fresh instance, which is gone when dropped.
pub(crate) struct Instance {
    // Before the slot: the slot is free when the instance is gone, not sooner.
    store: Store<State>,
    provider: Provider,
    journal: Journal,
    component: Component,
    clock: Clock,
    longest_call: Duration,
    /// A call has begun and not ended with an answer. What the guest holds in memory is anything then.
    over: bool,
    _slot: OwnedSemaphorePermit,
}

/// Both limits of time.
#[derive(Debug, Clone, Copy)]
struct Clock {
    call: Duration,
    reconcile: Duration,
    end: Instant,
}

/// A call that is under way.
struct Begun {
    at: Instant,
    until: Instant,
    limit: TimeLimit,
    span: Span,
    _running: Running,
}

/// A call by its name in the contract; the arguments follow.
macro_rules! call {
    ($self:ident, $call:ident, $interface:ident.$function:ident($($argument:expr),*)) => {{
        let begun = $self.begin(Call::$call)?;
        let called = $self.provider.$interface().$function(&mut $self.store, $($argument),*);
        let ended = timeout_at(begun.until, called).instrument(begun.span.clone()).await;
        $self.end(Call::$call, &begun, ended)
    }};
}

impl Instance {
    /// Waits for a free slot and makes an instance, whose start functions run on the budget of `first`.
    pub(crate) async fn start(
        component: &Component,
        first: Call,
        budget: &Budget,
        journal: Journal,
        capabilities: Option<Capabilities>,
    ) -> Result<Self, Outcome> {
        let shared = component.shared();
        let clock = Clock { call: budget.call, reconcile: budget.reconcile, end: Instant::now() + budget.reconcile };
        let busy = Outcome::Busy { call: first, limit: TimeLimit::Reconcile(budget.reconcile) };
        let Ok(Some(slot)) = timeout_at(clock.end, shared.slot()).await else {
            return Err(busy);
        };
        let (until, limit) = clock.limit(first);
        let limiter = Limiter::new(budget.memory, shared.gauges());
        let state = State::new(Wasi::new(&journal), limiter, wall(until), capabilities);
        let mut store = Store::new(shared.engine(), state);
        store.limiter(|state| state.limiter());
        store.set_hostcall_fuel(HOSTCALL);
        store.epoch_deadline_callback(at_tick);
        store.set_epoch_deadline(1);
        let running = shared.tick();
        let started = timeout_at(until, component.pre().instantiate_async(&mut store));
        let started = started.instrument(debug_span!("guest start")).await;
        drop(running);
        let provider = match started {
            Ok(Ok(provider)) => provider,
            Ok(Err(error)) if error.is::<wasmtime::PoolConcurrencyLimitError>() => {
                return Err(Outcome::NotInstantiated { call: first, detail: format!("{error:#}") });
            }
            Ok(Err(error)) => return Err(classify(first, limit, &error, store.data_mut().limiter(), &journal)),
            Err(_) => {
                return Err(Outcome::DeadlineExceeded { call: first, limit, last_said: journal.last_said() });
            }
        };
        let (component, longest_call) = (component.clone(), Duration::ZERO);
        Ok(Self { store, provider, journal, component, clock, longest_call, over: false, _slot: slot })
    }

    /// Whether an earlier call did not end with an answer.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// How many requests to other systems may have changed something without anybody being told.
    pub(crate) fn unanswered(&self) -> u32 {
        self.store.data().unanswered()
    }

    pub(crate) async fn describe(&mut self) -> Result<Descriptor, Outcome> {
        call!(self, Describe, capstan_provider_describe.call_describe())
    }

    pub(crate) async fn connect(&mut self, managed: String) -> Result<Result<(), Failure>, Outcome> {
        call!(self, Connect, capstan_provider_external.call_connect(&managed))
    }

    pub(crate) async fn observe(&mut self, managed: String) -> Result<Result<Observation, Failure>, Outcome> {
        call!(self, Observe, capstan_provider_external.call_observe(&managed))
    }

    pub(crate) async fn create(&mut self, managed: String) -> Result<Result<Creation, Failure>, Outcome> {
        call!(self, Create, capstan_provider_external.call_create(&managed))
    }

    pub(crate) async fn update(&mut self, managed: String) -> Result<Result<Change, Failure>, Outcome> {
        call!(self, Update, capstan_provider_external.call_update(&managed))
    }

    pub(crate) async fn delete(&mut self, managed: String) -> Result<Result<(), Failure>, Outcome> {
        call!(self, Delete, capstan_provider_external.call_delete(&managed))
    }

    pub(crate) async fn disconnect(&mut self) -> Result<Result<(), Failure>, Outcome> {
        call!(self, Disconnect, capstan_provider_external.call_disconnect())
    }

    fn begin(&mut self, call: Call) -> Result<Begun, Outcome> {
        if self.over {
            return Err(Outcome::SessionOver { call });
        }
        // Until it ends: a caller that gives up in the middle leaves it so.
        self.over = true;
        let (until, limit) = self.clock.limit(call);
        self.store.data_mut().interrupt_at(wall(until));
        self.store.set_epoch_deadline(1);
        let name = format_args!("guest {call}");
        let span = debug_span!("guest call", otel.name = %name, otel.status_code = Empty, error.message = Empty);
        Ok(Begun { at: Instant::now(), until, limit, span, _running: self.component.shared().tick() })
    }

    fn end<T>(&mut self, call: Call, begun: &Begun, ended: Result<wasmtime::Result<T>, Elapsed>) -> Result<T, Outcome> {
        self.longest_call = self.longest_call.max(begun.at.elapsed());
        let outcome = match ended {
            Ok(Ok(answer)) => {
                self.over = false;
                return Ok(answer);
            }
            Ok(Err(error)) => {
                let limiter = self.store.data_mut().limiter();
                classify(call, begun.limit, &error, limiter, &self.journal)
            }
            Err(_) => {
                let last_said = self.journal.last_said();
                Outcome::DeadlineExceeded { call, limit: begun.limit, last_said }
            }
        };
        begun.span.record("otel.status_code", "ERROR").record("error.message", field::display(&outcome));
        Err(outcome)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let reconcile = self.clock.end - self.clock.reconcile;
        self.store.data().settle(microseconds(self.longest_call), microseconds(reconcile.elapsed()));
    }
}

impl Clock {
    /// Until when a call that begins now may last, and by which limit.
    fn limit(&self, call: Call) -> (Instant, TimeLimit) {
        let now = Instant::now();
        match call {
            // It tidies up, also where the others took all of the time.
            Call::Disconnect if self.call > DISCONNECT => (now + DISCONNECT, TimeLimit::Disconnect(DISCONNECT)),
            Call::Disconnect => (now + self.call, TimeLimit::Call(self.call)),
            _ if now + self.call < self.end => (now + self.call, TimeLimit::Call(self.call)),
            _ => (self.end, TimeLimit::Reconcile(self.reconcile)),
        }
    }
}

/// The same moment by the machine's clock.
fn wall(until: Instant) -> Wall {
    Wall::now() + until.saturating_duration_since(Instant::now())
}

/// At every tick a running guest steps back, so that it never holds a worker for longer, until its time is up.
#[expect(clippy::needless_pass_by_value, reason = "the signature is wasmtime's")]
fn at_tick(store: StoreContextMut<'_, State>) -> wasmtime::Result<UpdateDeadline> {
    if Wall::now() >= store.data().interrupt() {
        return Err(Interrupted.into());
    }
    Ok(UpdateDeadline::YieldCustom(1, Box::pin(task::yield_now())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(call: u64, reconcile: u64) -> Clock {
        let [call, reconcile] = [call, reconcile].map(Duration::from_secs);
        Clock { call, reconcile, end: Instant::now() + reconcile }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_ends_with_its_own_time_or_with_that_of_the_reconcile() {
        let (now, clock) = (Instant::now(), clock(10, 60));
        let limit = |call| clock.limit(call);
        assert_eq!(limit(Call::Observe), (now + clock.call, TimeLimit::Call(clock.call)));
        tokio::time::advance(Duration::from_secs(55)).await;
        assert_eq!(limit(Call::Update), (clock.end, TimeLimit::Reconcile(clock.reconcile)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_disconnect_is_ended_before_the_lifecycle_gives_it_up() {
        let (now, long, short) = (Instant::now(), clock(10, 1), clock(2, 1));
        assert_eq!(long.limit(Call::Disconnect), (now + DISCONNECT, TimeLimit::Disconnect(DISCONNECT)));
        assert_eq!(short.limit(Call::Disconnect), (now + short.call, TimeLimit::Call(short.call)));
        assert!(DISCONNECT < capstan_engine::DISCONNECT_PATIENCE);
    }
}
