//! Where fields below `status` are written.

use std::cell::RefCell;
use std::collections::BTreeSet;

use capstan_sdk::cluster::{self, Error, ObjectRef, Patch};
use serde_json::Value;

/// Sends patches of one reconcile, to the status subresource where the kind has one. Many have: there a write to the object
/// itself leaves `status` as it is. A kind that has none answers that nothing is found; there `status` is a field like others.
#[derive(Debug, Default)]
pub(crate) struct Subresources {
    /// `apiVersion` and kind of those that turned out to have none.
    missing: RefCell<BTreeSet<(String, String)>>,
}

impl Subresources {
    /// Patches an object that was read as `object`.
    pub(crate) fn patch(
        &self,
        target: &ObjectRef,
        object: &Value,
        patch: Patch,
        subresource: Option<&'static str>,
    ) -> Result<Value, Error> {
        let kind = (target.api_version.clone(), target.kind.clone());
        if let Some(name) = subresource.filter(|_| !self.missing.borrow().contains(&kind)) {
            let answer = cluster::patch(target, patch.clone().subresource(name));
            // The object itself may have gone.
            if !matches!(answer, Err(Error::NotFound(_))) || !is_there(target, object)? {
                return answer;
            }
            self.missing.borrow_mut().insert(kind);
        }
        cluster::patch(target, patch)
    }
}

/// Whether the object of a name is still the one that was read.
pub(crate) fn is_there(target: &ObjectRef, object: &Value) -> Result<bool, Error> {
    let now: Option<Value> = cluster::find(target)?;
    Ok(now.is_some_and(|now| now.pointer("/metadata/uid") == object.pointer("/metadata/uid")))
}
