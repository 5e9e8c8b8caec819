//! What the specs of all kinds have in common.

use capstan_sdk::Value;
use serde::Deserialize;

/// Where the API is, and with what credential it is spoken to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// The API's address; GitHub's own if it is left out.
    pub api_url: Option<String>,
    /// With what requests are authenticated.
    #[serde(default)]
    pub credentials: Credentials,
    /// Accepted for Krateo's sake. The host logs requests, and no token.
    pub verbose: Option<bool>,
}

/// A credential: one of the members.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    /// Krateo's schema has it, and neither provider supports it: a host of many has no environment to tell from.
    pub env: Option<Value>,
    /// A personal token.
    pub secret_ref: Option<SecretRef>,
    /// A GitHub App.
    pub app: Option<App>,
}

/// A value in a Secret.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretRef {
    /// Of the Secret.
    pub name: String,
    /// Of the Secret.
    pub namespace: String,
    /// Under its `data`.
    pub key: String,
}

/// A GitHub App where it is installed.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct App {
    /// The app's number.
    pub app_id: u64,
    /// The installation's number.
    pub installation_id: u64,
    /// The app's private key (PEM).
    pub private_key_ref: SecretRef,
}
