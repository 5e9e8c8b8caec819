//! What the administrator configures, as `config.schema.yaml` describes it.

use serde::Deserialize;

use crate::events::Names;
use crate::kinds::repo::Adoption;

/// The configuration of the provider. All of it may be left out.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// Whether repositories that exist already are taken over without a word in the spec.
    pub adoption: Adoption,
    /// The API's address for objects that name none.
    pub base_url: Option<String>,
    /// How reasons of events are spelled.
    pub event_names: Names,
}
