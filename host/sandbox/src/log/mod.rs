//! The log capability: what a guest writes becomes lines of the host's log, as many as it may.

mod host;
mod journal;

use wasmtime::component::Linker;

pub(crate) use self::journal::{Journal, Origin, Stream};
use crate::{
    bindings::capstan::provider::log,
    state::{HeldBy, State},
};

/// Links `capstan:provider/log`.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    log::add_to_linker::<State, HeldBy<Journal>>(linker, |state| state.held("log", |held| &mut held.log))
}
