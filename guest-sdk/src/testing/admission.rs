//! What stands between a write and the store.

use std::{fmt, rc::Rc};

use serde_json::Value;

use super::Host;
use crate::cluster::Error;

/// Looks at an object that is about to be stored; may change or refuse it.
type Review = dyn Fn(&mut Value) -> Result<(), Error>;

/// A review, which `Debug` of the host's state leaves out.
#[derive(Clone)]
pub(super) struct Admission(Rc<Review>);

impl Admission {
    pub(super) fn review(&self, object: &mut Value) -> Result<(), Error> {
        (self.0)(object)
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Admission").finish_non_exhaustive()
    }
}

impl Host {
    /// Looks at every object that a provider writes, before it is stored and in dry runs too, and may change or refuse it: in
    /// the place of the defaulting, conversion and validation of a real API server. Takes the place of the one before.
    ///
    /// ```
    /// # use capstan_sdk::{cluster::{self, Error, ObjectRef, Patch}, json, testing::Host};
    /// let host = Host::new();
    /// let target = host.put(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "n"}}));
    /// host.admit(|object| match object["spec"]["replicas"].as_i64() {
    ///     None => Ok(object["spec"]["replicas"] = json!(1)),
    ///     Some(0..) => Ok(()),
    ///     Some(count) => Err(Error::Invalid(format!("spec.replicas: Invalid value: {count}"))),
    /// });
    /// let stored = host.run(|| cluster::patch(&target, Patch::merge(json!({"spec": {}})))).unwrap();
    /// assert_eq!(stored["spec"]["replicas"], 1);
    /// ```
    pub fn admit(&self, review: impl Fn(&mut Value) -> Result<(), Error> + 'static) {
        self.state.borrow_mut().store.admission = Some(Admission(Rc::new(review)));
    }
}
