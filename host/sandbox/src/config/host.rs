//! The config interface as the guest calls it.

use super::Config;
use crate::{
    bindings::capstan::provider::{config::Host, types::Json},
    state::Held,
};

impl Host for Held<'_, Config> {
    fn get(&mut self) -> wasmtime::Result<Json> {
        Ok(Held::get(self)?.0.to_string())
    }
}
