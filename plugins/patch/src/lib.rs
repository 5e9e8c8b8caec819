//! Patches one object's field from another's.
//!
//! A `Patch` names a field of one or more source objects, a field of one or more target objects, and optionally a transform.
//! Whenever one of the objects or the `Patch` changes, the target field is given the (transformed) value of the source field.
//!
//! This crate is the provider's component for WebAssembly, and the library it is made of, which runs natively in tests:
//!
//! * [`spec`]: what a `Patch` says, checked;
//! * [`field_path`]: reading and writing a field;
//! * [`transform`]: the new value, by a [`template`] or a [`jq`] expression;
//! * [`merge`]: how it meets the old one;
//! * [`plan`]: what has to be done, and [`change`]: the write that does it;
//! * [`revert`]: what it was before;
//! * [`provider`]: all of it under the host.

mod asked;
mod deletion;
mod failures;
mod go_base64;
mod go_float;
mod look;
mod naming;
mod notices;
mod objects;
mod owners;
mod preview;
mod subresource;
mod unkept;
mod write;

pub mod change;
pub mod field_path;
pub mod jq;
pub mod merge;
pub mod plan;
pub mod provider;
pub mod revert;
pub mod spec;
pub mod template;
pub mod transform;

capstan_sdk::export! {
    name: "patch",
    version: env!("CARGO_PKG_VERSION"),
    needs: "needs.yaml",
    kinds: [provider::Patch, provider::NamespacedPatch],
}
