//! Secrets that a provider may use and never see.
//!
//! The host reads a value from a Kubernetes Secret and puts it into requests, for the origins that the administrator tied
//! to that secret. When the Secret changes, the object being reconciled is reconciled again. See
//! [`http`](crate::http) for an example.

mod credential;
mod error;
mod scheme;

pub use self::{
    credential::{Credential, SecretKey},
    error::Error,
    scheme::{Claims, Exchange, Scheme},
};
