//! What a provider author implements.

use serde::de::DeserializeOwned;

use crate::{Change, Creation, Kind, Managed, Observation, Result};

/// The lifecycle of one kind of objects, each of which stands for something outside: a repository, a DNS record, or a
/// field of another object.
///
/// ## Expected flow
///
/// For every reconcile the host makes a fresh instance of the provider and calls [`connect`](Self::connect), then
/// [`observe`](Self::observe), then at most one of [`create`](Self::create), [`update`](Self::update) and
/// [`delete`](Self::delete), then [`disconnect`](Self::disconnect). Between these calls `self` is kept; afterwards it is
/// gone, with everything else in memory.
///
/// ## What the host does, so that an implementation need not
///
/// Watching the objects and everything that was read through [`cluster`](crate::cluster), queueing, retrying, the
/// finalizer, conditions, events for each action, pausing, and the policies that forbid single actions.
///
/// ## What an implementation must take care of
///
/// Every call may be repeated after a crash, a conflict or a time-out, so each must be idempotent. `observe` changes
/// nothing. Problems are returned as [`Failure`](crate::Failure)s, which say whether trying again makes sense; a panic is
/// caught by the host, but counts as a defect of the provider.
pub trait External: Sized + 'static {
    /// The kind whose objects are managed, mostly [`crd!`](crate::crd).
    const KIND: Kind;

    /// Whether `observe` finds a resource whose create had an unknown outcome from the object alone (a fixed name, a
    /// tag, an idempotency key). If not, a crash in the middle of a create needs a person to look.
    const RECOVERABLE: bool = false;

    /// The object's `spec`. One that cannot be read as this type is a terminal failure with the reason `InvalidSpec`.
    type Spec: DeserializeOwned;

    /// Checks what the object refers to, and opens connections. A failure is reported as that of connecting, told apart
    /// from those of the external system.
    fn connect(object: &Managed<Self::Spec>) -> Result<Self>;

    /// Looks, and changes nothing. What does not exist is [`Observation::missing`], not a failure.
    fn observe(&mut self, object: &Managed<Self::Spec>) -> Result<Observation>;

    /// Makes what `observe` found missing.
    fn create(&mut self, object: &Managed<Self::Spec>) -> Result<Creation>;

    /// Mends what `observe` found out of date.
    fn update(&mut self, object: &Managed<Self::Spec>) -> Result<Change>;

    /// Asks for deletion; what is gone already is a success. The host observes again before it believes it.
    fn delete(&mut self, object: &Managed<Self::Spec>) -> Result<()>;

    /// Closes connections. Called also after a failed call. A failure is logged and leaves an event, and changes nothing else.
    fn disconnect(self) -> Result<()> {
        Ok(())
    }
}
