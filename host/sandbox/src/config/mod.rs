//! The config capability: what the administrator configured, as the provider asked for it.

mod expansion;
mod host;
mod place;
mod schema;

use std::sync::Arc;

use serde_json::{Map, Value};
use wasmtime::component::Linker;

pub use self::schema::ConfigError;
pub(crate) use self::schema::{check, read_schema};
use crate::{
    bindings::capstan::provider::config,
    state::{HeldBy, State},
};

/// A provider's configuration as JSON text.
#[derive(Debug, Clone)]
pub(crate) struct Config(Arc<str>);

impl Config {
    /// `{}` if there is none.
    pub(crate) fn new(config: Option<&Map<String, Value>>) -> Self {
        let text = config.and_then(|config| serde_json::to_string(config).ok());
        Self(text.map_or_else(|| "{}".into(), Into::into))
    }
}

/// Links `capstan:provider/config`.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    config::add_to_linker::<State, HeldBy<Config>>(linker, |state| state.held("config", |held| &mut held.config))
}
