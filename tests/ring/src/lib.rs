//! One operator of the ring bench. Its object is `ring` in the namespace `ring-<own number>`; the object of the next operator is to
//! have its `spec.nonce`, or a greater one.

use capstan_sdk::{
    Change, Creation, External, Kind, Managed, Observation, Result, Value,
    cluster::{self, ObjectRef, Patch},
    crd, json,
};
use serde::Deserialize;

capstan_sdk::export! {
    name: "ring",
    version: env!("CARGO_PKG_VERSION"),
    needs: "grants.yaml",
    kinds: [Link],
}

/// The `spec` of a link.
#[derive(Debug, Deserialize)]
pub struct LinkSpec {
    /// What is handed on.
    pub nonce: u64,
    /// To the operator with this number.
    pub next: u32,
}

/// The next operator's object.
#[derive(Debug)]
pub struct Link {
    next: ObjectRef,
}

impl External for Link {
    const KIND: Kind = crd!("crds/links.yaml");
    const RECOVERABLE: bool = true; // there is nothing to be created
    type Spec = LinkSpec;

    fn connect(link: &Managed<LinkSpec>) -> Result<Self> {
        let LinkSpec { next, .. } = link.spec;
        let target = ObjectRef::new("ring.capstan.dev/v1", format!("OperatorLink{next:04}"), link.name());
        Ok(Self { next: target.in_namespace(format!("ring-{next}")) })
    }

    fn observe(&mut self, link: &Managed<LinkSpec>) -> Result<Observation> {
        // The next object may not be made yet: it wakes this one when it is.
        let Some(next) = cluster::find::<Value>(&self.next)? else { return Ok(Observation::up_to_date()) };
        // Around the ring the last one comes behind the first: it must not bring back what was before.
        let is_there = next["spec"]["nonce"].as_u64().is_some_and(|nonce| nonce >= link.spec.nonce);
        if is_there {
            return Ok(Observation::up_to_date().ready());
        }
        let desired = json!({"spec": {"nonce": link.spec.nonce}});
        Ok(Observation::compare(&desired, &next).ready())
    }

    fn create(&mut self, _: &Managed<LinkSpec>) -> Result<Creation> {
        Ok(Creation::done())
    }

    fn update(&mut self, link: &Managed<LinkSpec>) -> Result<Change> {
        cluster::patch(&self.next, Patch::merge(json!({"spec": {"nonce": link.spec.nonce}})))?;
        Ok(Change::done())
    }

    fn delete(&mut self, _: &Managed<LinkSpec>) -> Result<()> {
        Ok(())
    }
}
