//! A value held by the host.

use std::{fmt, rc::Rc};

use super::{Claims, Error, Exchange, Scheme};
use crate::host;

/// Where a value stands: a key of a Secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SecretKey {
    /// None: the namespace of the object being reconciled.
    pub namespace: Option<String>,
    /// Of the Secret.
    pub name: String,
    /// Under its `data`.
    pub key: String,
}

impl SecretKey {
    /// In the namespace of the object being reconciled, until [`in_namespace`](Self::in_namespace) says otherwise.
    pub fn new(name: impl Into<String>, key: impl Into<String>) -> Self {
        Self { namespace: None, name: name.into(), key: key.into() }
    }

    /// The same in a namespace.
    #[must_use]
    pub fn in_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }
}

/// A value held by the host, and how it is put into requests. Clones are the same; it is given back with the last one.
#[derive(Clone)]
pub struct Credential(Rc<host::CredentialHandle>);

impl Credential {
    /// Asks the host for a value. It may have to read the Secret first.
    pub fn open(secret: &SecretKey, scheme: Scheme) -> Result<Self, Error> {
        Ok(Self(Rc::new(host::open_credential(secret, scheme)?)))
    }

    /// `Authorization: Bearer <value>`
    pub fn bearer(secret: &SecretKey) -> Result<Self, Error> {
        Self::open(secret, Scheme::Bearer)
    }

    /// `Authorization: Basic ...`, with the value as password.
    pub fn basic(secret: &SecretKey, user: impl Into<String>) -> Result<Self, Error> {
        Self::open(secret, Scheme::Basic(user.into()))
    }

    /// The header of this name holds the value as it is.
    pub fn header(secret: &SecretKey, name: impl Into<String>) -> Result<Self, Error> {
        Self::open(secret, Scheme::Header(name.into()))
    }

    /// `Authorization: Bearer <token that the host signed>`; the secret is a private RSA key in PEM.
    pub fn signed(secret: &SecretKey, claims: Claims) -> Result<Self, Error> {
        Self::open(secret, Scheme::Signed(claims))
    }

    /// `Authorization: Bearer <token that the host got for one it signed>`; the secret is a private RSA key in PEM.
    pub fn signed_exchange(secret: &SecretKey, exchange: Exchange) -> Result<Self, Error> {
        Self::open(secret, Scheme::SignedExchange(exchange))
    }

    /// A text in the JSON body, at this JSON pointer, as in `/config/secret`; for
    /// [`Request::body_secret`](crate::http::Request::body_secret). The administrator has to grant that very member.
    pub fn body_member(secret: &SecretKey, pointer: impl Into<String>) -> Result<Self, Error> {
        Self::open(secret, Scheme::BodyMember(pointer.into()))
    }

    /// Equal for equal values and schemes, and useless outside the host's process: for telling rotation.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        host::fingerprint(&self.0)
    }

    /// Which version of the Secret the value is of: another one after every write to the Secret, the same in every process
    /// of the host. Kept in the status, it tells when to send the value again to whoever does not show what it has.
    #[must_use]
    pub fn version(&self) -> String {
        host::version(&self.0)
    }

    pub(crate) fn handle(&self) -> &host::CredentialHandle {
        &self.0
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_tuple("Credential").field(&self.fingerprint()).finish()
    }
}
