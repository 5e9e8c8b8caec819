//! The sandbox: one for the process.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use wasmtime::{Engine, component::Linker};

use crate::{
    Compilations, Component, DirectoryError, LoadError, Settings, Usage,
    bindings::ProviderPre,
    cluster,
    code::{Code, background},
    component::Compiled,
    config, credentials, engine, events, http,
    inspect::{self, Shape},
    load_error::said,
    log,
    state::State,
    ticker::{Running, Ticker},
    usage::Gauges,
    wasi,
};

/// Loads components, and bounds what all of them use together. Cheap to clone; everything ends with the last clone and the
/// last component.
#[derive(Clone)]
pub struct Sandbox(Arc<Shared>);

/// What all components share.
pub(crate) struct Shared {
    engine: Engine,
    linker: Linker<State>,
    ticker: Ticker,
    slots: Arc<Semaphore>,
    compiling: Arc<Semaphore>,
    code: Code,
    compiled: Mutex<HashMap<String, Weak<Compiled>>>,
    gauges: Arc<Gauges>,
    settings: Settings,
    pooled: bool,
}

/// A component whose outside is as it has to be.
struct Checked {
    digest: String,
    bytes: Bytes,
    shape: Shape,
}

enum Looked {
    /// In use already, or its code was kept.
    Ready(Component),
    /// To be compiled.
    Checked(Checked),
}

/// The sandbox cannot be made on this machine.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// wasmtime refuses, most likely since it does not know the processor or the operating system.
    #[error("the WebAssembly engine does not start: {0}")]
    Engine(String),
    /// No place for compiled code.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// No thread to interrupt guests with.
    #[error("no thread for interrupting guests")]
    Thread(#[from] io::Error),
}

impl From<wasmtime::Error> for StartError {
    fn from(error: wasmtime::Error) -> Self {
        Self::Engine(format!("{error:#}"))
    }
}

impl Sandbox {
    /// Makes the engine, links what guests import, and starts the thread that interrupts them.
    pub fn new(settings: Settings) -> Result<Self, StartError> {
        let (engine, pooled) = engine::engine(&settings)?;
        let mut linker = Linker::new(&engine);
        wasi::add_to_linker(&mut linker)?;
        cluster::add_to_linker(&mut linker)?;
        http::add_to_linker(&mut linker)?;
        credentials::add_to_linker(&mut linker)?;
        config::add_to_linker(&mut linker)?;
        events::add_to_linker(&mut linker)?;
        log::add_to_linker(&mut linker)?;
        // A semaphore takes a little less than a word holds; so many instances fit no machine anyway.
        let slots = usize::try_from(settings.concurrency.get()).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Ok(Self(Arc::new(Shared {
            ticker: Ticker::start(engine.weak())?,
            code: Code::new(&engine, settings.code.as_ref())?,
            engine,
            linker,
            slots: Arc::new(Semaphore::new(slots)),
            // One at a time: the compiler itself uses all processors.
            compiling: Arc::new(Semaphore::new(1)),
            compiled: Mutex::default(),
            gauges: Arc::default(),
            settings,
            pooled,
        })))
    }

    /// Checks a component and compiles it, or takes the code that was kept of it. The same bytes are compiled once, as long as
    /// somebody holds the result.
    ///
    /// Takes from milliseconds to seconds, in the background. Components are compiled one after the other; what need not be
    /// compiled waits for none of them.
    pub async fn load(&self, bytes: Bytes) -> Result<Component, LoadError> {
        if let Looked::Ready(component) = self.0.look(bytes.clone()).await? {
            return Ok(component);
        }
        let turn = Arc::new(Arc::clone(&self.0.compiling).acquire_owned().await.map_err(closed)?);
        // Somebody else may have compiled it meanwhile.
        let checked = match self.0.look(bytes).await? {
            Looked::Ready(component) => return Ok(component),
            Looked::Checked(checked) => checked,
        };
        let shared = Arc::clone(&self.0);
        let (engine, bytes) = (&shared.engine, checked.bytes.clone());
        let code = shared.code.make(engine, &checked.digest, bytes, Arc::clone(&turn)).await?;
        let linked = background(move || shared.link(&code, checked)).await;
        // Whoever waits for it finds what was made.
        drop(turn);
        linked
    }

    /// What all guests use at this moment.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.0.gauges.read()
    }

    /// How often code was compiled so far, and how often it was there already.
    #[must_use]
    pub fn compilations(&self) -> Compilations {
        self.0.code.compilations()
    }

    /// Whether instances come from a pool. If not, address space is short and each reconcile takes a little longer.
    #[must_use]
    pub fn pooled(&self) -> bool {
        self.0.pooled
    }
}

/// Semaphores are closed by nobody.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
fn closed(error: AcquireError) -> LoadError {
    LoadError::Host(error.to_string())
}

impl Shared {
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn gauges(&self) -> Arc<Gauges> {
        Arc::clone(&self.gauges)
    }

    /// Interrupts guests that run too long, until the answer is dropped.
    pub(crate) fn tick(&self) -> Running {
        self.ticker.run()
    }

    /// The right to have an instance. Waits as long as it takes.
    pub(crate) async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.slots).acquire_owned().await.ok()
    }

    /// Does what needs no compiler.
    async fn look(self: &Arc<Self>, bytes: Bytes) -> Result<Looked, LoadError> {
        let shared = Arc::clone(self);
        let look = move || {
            let digest = format!("sha256:{:x}", Sha256::digest(&bytes));
            if let Some(known) = shared.compiled().get(&digest).and_then(Weak::upgrade) {
                return Ok(Looked::Ready(Component::new(known)));
            }
            let shape = inspect::inspect(&bytes, shared.settings.component_size)?;
            let found = shared.code.find(&shared.engine, &digest);
            let checked = Checked { digest, bytes, shape };
            match found {
                Some(code) => shared.link(&code, checked).map(Looked::Ready),
                None => Ok(Looked::Checked(checked)),
            }
        };
        background(look).await
    }

    fn link(self: &Arc<Self>, code: &wasmtime::component::Component, checked: Checked) -> Result<Component, LoadError> {
        let Checked { digest, bytes, shape } = checked;
        let contract = |error: wasmtime::Error| LoadError::Contract(said(&error));
        let pre = self.linker.instantiate_pre(code).map_err(contract)?;
        let pre = ProviderPre::new(pre).map_err(contract)?;
        let compiled = Arc::new(Compiled { shared: Arc::clone(self), pre, digest, size: bytes.len(), shape });
        let mut known = self.compiled();
        known.retain(|_, compiled| compiled.strong_count() > 0);
        known.insert(compiled.digest.clone(), Arc::downgrade(&compiled));
        Ok(Component::new(compiled))
    }

    fn compiled(&self) -> MutexGuard<'_, HashMap<String, Weak<Compiled>>> {
        // A map of independent entries is whole after a panic.
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::component::hostile;

    #[tokio::test]
    async fn the_same_bytes_are_compiled_once_as_long_as_somebody_holds_them() {
        let sandbox = Sandbox::new(Settings::default()).unwrap();
        let load = || sandbox.load(hostile().into());
        let (first, second) = tokio::join!(load(), load());
        let (first, second) = (first.unwrap(), second.unwrap());
        assert!(std::ptr::eq(first.pre(), second.pre()));
        assert_eq!(first.digest().len(), "sha256:".len() + 64);
        drop((first, second));
        assert_eq!(sandbox.0.compiled().values().filter_map(Weak::upgrade).count(), 0);
    }
}
