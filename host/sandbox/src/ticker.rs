//! Moves the engine's epoch while guests run, so that one that loops is interrupted.
//!
//! An OS thread and not a task: tasks wait behind the very guests that are to be interrupted. It sleeps for good while
//! nothing runs.

use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use wasmtime::EngineWeak;

/// How exactly a budget is kept. Each tick costs a running guest a yield, so shorter is not better.
pub(crate) const TICK: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    running: usize,
    parked: bool,
    stopped: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Counters and flags are whole after a panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticker {
    pub(crate) fn start(engine: EngineWeak) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new().name("capstan-ticker".into()).spawn(move || tick(&of_thread, &engine))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Ticks at least until the answer is dropped.
    pub(crate) fn run(&self) -> Running {
        let mut state = self.shared.lock();
        state.running += 1;
        if state.parked {
            self.shared.changed.notify_all();
        }
        drop(state);
        Running(Arc::clone(&self.shared))
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // It waits for nothing but us, and a panic in it has been printed already.
            let _ = thread.join();
        }
    }
}

#[derive(Debug)]
pub(crate) struct Running(Arc<Shared>);

impl Drop for Running {
    fn drop(&mut self) {
        // The thread looks for itself, at its next tick: calls that follow each other closely do not wake it each time.
        self.0.lock().running -= 1;
    }
}

fn tick(shared: &Shared, engine: &EngineWeak) {
    let mut state = shared.lock();
    loop {
        while state.running == 0 && !state.stopped {
            state.parked = true;
            shared.changed.notify_all();
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.parked = false;
        let began = Instant::now();
        let mut done = 0;
        while state.running > 0 && !state.stopped {
            // By the clock and not by counting sleeps, which are always a little too long.
            let next = began + TICK * (done + 1);
            let wait = next.saturating_duration_since(Instant::now());
            (state, _) = shared.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner);
            let Some(engine) = engine.upgrade() else { return };
            while began + TICK * (done + 1) <= Instant::now() {
                engine.increment_epoch();
                done += 1;
            }
        }
        if state.stopped {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits until the thread is in the state asked for; false if that takes longer than a slow machine explains.
    fn parks(ticker: &Ticker) -> bool {
        let state = ticker.shared.lock();
        let far = Duration::from_secs(20);
        let (state, _) = ticker.shared.changed.wait_timeout_while(state, far, |state| !state.parked).unwrap();
        state.parked
    }

    #[test]
    fn ticks_while_something_runs_and_parks_afterwards() {
        let engine = wasmtime::Engine::default();
        let ticker = Ticker::start(engine.weak()).unwrap();
        assert!(parks(&ticker));
        let first = ticker.run();
        let second = ticker.run();
        drop(first);
        assert_eq!(ticker.shared.lock().running, 1);
        drop(second);
        assert!(parks(&ticker));
    }

    #[test]
    fn ends_with_its_owner_while_something_runs() {
        let engine = wasmtime::Engine::default();
        let ticker = Ticker::start(engine.weak()).unwrap();
        let running = ticker.run();
        drop(ticker);
        drop(running);
    }
}
