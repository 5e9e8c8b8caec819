//! Things as GitHub shows them. Each is rendered in full once, and cut to what the schema of an answer documents.

mod account;
mod repository;
mod team;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::state::Id;

/// GitHub's other name of a thing.
pub(crate) fn node_id(kind: &str, id: Id) -> String {
    STANDARD.encode(format!("0{}:{kind}{id}", kind.len()))
}
