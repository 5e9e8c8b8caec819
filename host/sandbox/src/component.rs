//! A component that is ready to run.

use std::{fmt, sync::Arc};

use tokio::task::spawn_blocking;

use crate::{
    Budget, Call, Descriptor, Outcome,
    bindings::ProviderPre,
    inspect::Shape,
    instance::Instance,
    log::{Journal, Origin},
    sandbox::Shared,
    state::State,
};

/// Compiled and linked. Cheap to clone; the code goes with the last clone.
#[derive(Clone)]
pub struct Component(Arc<Compiled>);

pub(crate) struct Compiled {
    pub(crate) shared: Arc<Shared>,
    pub(crate) pre: ProviderPre<State>,
    pub(crate) digest: String,
    pub(crate) size: usize,
    pub(crate) shape: Shape,
}

impl Component {
    pub(crate) fn new(compiled: Arc<Compiled>) -> Self {
        Self(compiled)
    }

    /// `sha256:` and the hash of the bytes it was loaded from.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.0.digest
    }

    /// Bytes it was loaded from.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.size
    }

    /// Interfaces it imports, with their versions.
    #[must_use]
    pub fn imports(&self) -> &[String] {
        &self.0.shape.imports
    }

    /// Interfaces it exports, with their versions.
    #[must_use]
    pub fn exports(&self) -> &[String] {
        &self.0.shape.exports
    }

    /// Asks it what it is: a second at most, and every import of the contract traps.
    pub async fn describe(&self) -> Result<Descriptor, Outcome> {
        let budget = Budget::describing();
        let origin = Origin { provider: self.digest().into(), object: None, reconcile_id: 0 };
        let journal = Journal::new(origin, &budget, Arc::default());
        let mut instance = Instance::start(self, Call::Describe, &budget, journal, None).await?;
        let raw = instance.describe().await?;
        drop(instance);
        // What a stranger says of itself takes a while to be read.
        let checked = spawn_blocking(move || Descriptor::checked(raw)).await;
        let checked =
            checked.map_err(|error| Outcome::NotInstantiated { call: Call::Describe, detail: error.to_string() })?;
        checked.map_err(|detail| Outcome::MalformedAnswer { call: Call::Describe, detail })
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }

    pub(crate) fn pre(&self) -> &ProviderPre<State> {
        &self.0.pre
    }
}

impl fmt::Debug for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Component").field("digest", &self.0.digest).field("size", &self.0.size).finish_non_exhaustive()
    }
}
