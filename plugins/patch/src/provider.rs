//! The kinds as the host sees them: external resources that exist always, and are up to date or not.

use capstan_sdk::{Change, Creation, External, Kind, Managed, Observation, Result, crd, events};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::deletion;
use crate::look::{Look, look};
use crate::notices::Notices;
use crate::preview;
use crate::subresource::Subresources;
use crate::write::Write;

/// One `Patch`, which may name any object.
pub struct Patch(Session);

/// One `NamespacedPatch`, which names objects of its own namespace.
pub struct NamespacedPatch(Session);

/// Both kinds do the same, each in its scope.
macro_rules! external {
    ($kind:ident, $definition:literal) => {
        impl External for $kind {
            const KIND: Kind = crd!($definition);
            /// Nothing is ever created.
            const RECOVERABLE: bool = true;
            /// Read by [`Spec::of`](crate::spec::Spec::of) when it is needed, so that a broken one can be deleted.
            type Spec = Box<RawValue>;

            fn connect(_: &Managed<Box<RawValue>>) -> Result<Self> {
                Ok(Self(Session::default()))
            }

            fn observe(&mut self, object: &Managed<Box<RawValue>>) -> Result<Observation> {
                self.0.observe(object)
            }

            /// Not called: `observe` reports a missing resource only while the object is being deleted.
            fn create(&mut self, _: &Managed<Box<RawValue>>) -> Result<Creation> {
                Ok(Creation::done())
            }

            fn update(&mut self, object: &Managed<Box<RawValue>>) -> Result<Change> {
                self.0.update(object)
            }

            fn delete(&mut self, object: &Managed<Box<RawValue>>) -> Result<()> {
                deletion::delete(object)
            }
        }
    };
}
external!(Patch, "crds/patches.yaml");
external!(NamespacedPatch, "crds/namespacedpatches.yaml");

/// What the calls of one reconcile share.
#[derive(Default)]
struct Session {
    /// What the last observe found to be done.
    pending: Option<Look>,
}

impl Session {
    fn observe(&mut self, object: &Managed<Box<RawValue>>) -> Result<Observation> {
        if object.is_being_deleted() {
            return deletion::observe(object);
        }
        let look = look(object)?;
        let is_observing = preview::forbids_writes(object.annotation(preview::POLICY));
        // With something to write, what cannot be written is told by the update, so that it does not keep it from that.
        if look.writes.is_empty() || is_observing {
            look.failures.into_result()?;
            return Ok(observed(&look.writes, look.reverts, is_observing, &object.status));
        }
        let observation = observed(&look.writes, look.reverts.clone(), is_observing, &object.status);
        self.pending = Some(look);
        Ok(observation)
    }

    /// Tries every target, whatever becomes of the others.
    fn update(&mut self, object: &Managed<Box<RawValue>>) -> Result<Change> {
        // What observe found is on its way into the status already. A second call must not repeat a write that was
        // computed from an older version, and has to tell itself.
        let (look, reverts) = if let Some(look) = self.pending.take() {
            (look, None)
        } else {
            let mut look = look(object)?;
            let reverts = look.reverts.take();
            (look, reverts)
        };
        let Look { writes, mut failures, manner, .. } = look;
        let subresources = Subresources::default();
        let mut taken = Notices::new(events::Kind::Normal, "TookOver", "Update");
        for write in &writes {
            failures.add(write.carry_out(manner, &subresources, &mut taken));
        }
        taken.finish();
        failures.into_result()?;
        Ok(match reverts {
            Some(reverts) => Change::done().status(json!({"reverts": reverts})),
            None => Change::done(),
        })
    }
}

/// As many differences as the host takes. There may be one for each element of a hundred objects.
const MAX_DIFFERENCES: usize = 64;

fn observed(writes: &[Write], reverts: Option<Value>, is_observing: bool, status: &Value) -> Observation {
    let mut observation = if writes.is_empty() {
        Observation::up_to_date().ready()
    } else {
        let differences = writes.iter().flat_map(Write::differences).take(MAX_DIFFERENCES);
        // In Krateo's word for what is being written.
        Observation::differs(differences).not_ready("Creating", "the target does not have the value yet")
    };
    observation.status = preview::status(is_observing, writes.iter().flat_map(Write::preview), status);
    // Where nothing is written there is nothing to take back.
    if let Some(reverts) = reverts.filter(|_| !is_observing) {
        observation.status.get_or_insert_with(|| json!({}))["reverts"] = reverts;
    }
    observation
}
