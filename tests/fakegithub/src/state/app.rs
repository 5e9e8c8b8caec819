//! Apps, where they are installed, and tokens.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Actor, Id};

/// A GitHub App.
pub(crate) struct App {
    pub(crate) id: Id,
    pub(crate) slug: String,
    pub(crate) owner: Id,
    pub(crate) created: Timestamp,
    /// The DER of the RSA public key (PKCS #1) that its tokens are signed for.
    pub(crate) public_key: Vec<u8>,
}

/// An app in an organisation or at a user's.
pub(crate) struct Installation {
    pub(crate) id: Id,
    pub(crate) app: Id,
    pub(crate) account: Id,
    pub(crate) created: Timestamp,
    /// What it may do: `administration: write` and the like.
    pub(crate) permissions: BTreeMap<String, String>,
}

/// A token that can be shown in a request.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) actor: Actor,
    pub(crate) expires: Option<Timestamp>,
    /// What it may do, if that is less than the installation may.
    pub(crate) permissions: Option<BTreeMap<String, String>>,
}
