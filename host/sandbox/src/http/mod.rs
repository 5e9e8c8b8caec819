//! The http capability: requests to other systems, within what is granted.
//!
//! The way of a request: [`request`] checks that it makes sense, the gate decides, [`limits`] says whether the origin wants
//! to hear from us at all, [`cache`] makes it conditional, [`connect`] opens a connection to an address that was
//! checked, and [`answer`] reads what comes back.

mod access;
mod address;
mod answer;
mod cache;
mod connect;
mod egress;
mod error;
mod host;
mod kept;
mod limits;
mod network;
mod packed;
mod request;
mod resolve;
mod settings;
mod simulated;
#[cfg(test)]
pub(crate) mod tests;
mod words;

use wasmtime::component::Linker;

#[cfg(feature = "fuzz")]
pub(crate) use self::address::{Place, place};
pub(crate) use self::{
    access::Access,
    egress::Egress,
    error::{Exhausted, Failed, Unreachable},
    limits::date,
    request::{BODY, Checked, is_own, target},
    words::words,
};
pub use self::{
    network::Network,
    resolve::{Resolve, SystemResolver},
    settings::{NetworkError, NetworkSettings},
    simulated::Respond,
};
use crate::{
    bindings::capstan::provider::http,
    state::{Capabilities, HeldBy, State},
};

/// Links `capstan:provider/http`.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    http::add_to_linker::<State, HeldBy<Capabilities>>(linker, |state| state.held("http", |held| held))
}
