//! The cluster capability: objects, within what is granted, with every read written down.

mod access;
pub(crate) mod body;
mod error;
mod host;
mod manager;
pub(crate) mod names;
#[cfg(test)]
mod tests;

use wasmtime::component::Linker;

pub(crate) use self::{
    access::{Access, RequestsExhausted},
    manager::field_manager,
};
use crate::{
    bindings::capstan::provider::cluster,
    state::{HeldBy, State},
};

/// Links `capstan:provider/cluster`.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    cluster::add_to_linker::<State, HeldBy<Access>>(linker, |state| state.held("cluster", |held| &mut held.cluster))
}
