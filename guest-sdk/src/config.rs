//! What the administrator configured for this provider.
//!
//! The host checks it against the schema given to [`export!`](crate::export) before the provider is loaded, so a type
//! that fits the schema can always be read.
//!
//! ```no_run
//! use serde::Deserialize;
//!
//! #[derive(Deserialize, Default)]
//! #[serde(default, rename_all = "camelCase")]
//! struct Config {
//!     api_url: Option<String>,
//! }
//!
//! # fn run() -> capstan_sdk::Result<()> {
//! let config: Config = capstan_sdk::config::get()?;
//! # Ok(())
//! # }
//! ```

use serde::de::DeserializeOwned;

use crate::host;

/// The configuration does not fit the type it was read as. The message says where: a configuration holds no secrets.
#[derive(Debug, thiserror::Error)]
#[error("the configuration of the provider is not what it needs: {0}")]
pub struct Error(serde_json::Error);

/// The configuration; an empty object if there is none.
pub fn get<T: DeserializeOwned>() -> Result<T, Error> {
    serde_json::from_str(&host::config()).map_err(Error)
}
