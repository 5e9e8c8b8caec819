//! The credentials capability: secrets that a guest may use and never see.
//!
//! A guest holds a handle. What stands behind it is read from the cluster by the host ([`access`]), and turned into a header
//! ([`credential`]) or a member of the body ([`member`]) when a request is sent, to origins that the grant ties to that secret.

mod access;
mod claims;
mod credential;
mod exchange;
mod fingerprint;
mod host;
mod member;
mod scheme;
mod secret;
#[cfg(test)]
mod tests;

use wasmtime::component::Linker;

pub(crate) use self::{
    access::{Access, Vault},
    credential::Credential,
    exchange::Tokens,
    fingerprint::Fingerprint,
};
use crate::{
    bindings::capstan::provider::credentials,
    state::{HeldBy, State},
};

/// What the guest's handle stands for.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub type Handle = std::sync::Arc<Credential>;

/// Links `capstan:provider/credentials`.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    credentials::add_to_linker::<State, HeldBy<Access>>(linker, |state| {
        state.held("credentials", |held| &mut held.credentials)
    })
}
