//! Requests to the origins that the administrator granted, sent by the host.
//!
//! ```no_run
//! use capstan_sdk::{credentials::{Credential, SecretKey}, http::{Request, segment}, json};
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! struct Repo {
//!     private: bool,
//! }
//!
//! # fn run(owner: &str, name: &str) -> capstan_sdk::Result<()> {
//! let token = Credential::bearer(&SecretKey::new("github-token", "token"))?;
//! let url = format!("https://api.github.com/repos/{}/{}", segment(owner), segment(name));
//! let answer = Request::get(&url).auth(&token).send()?;
//! let found: Option<Repo> = match answer.status {
//!     404 => None,
//!     _ => Some(answer.success()?.json()?),
//! };
//! Request::patch(&url).auth(&token).json(&json!({"private": true})).send()?.success()?;
//! # Ok(())
//! # }
//! ```
//!
//! A redirect is an answer like any other and is not followed. A `GET` is made conditional by the host if it kept an
//! earlier answer with an `ETag` ([`Response::from_cache`]). What an origin says about limits is kept by the host: a
//! [`Error::RateLimited`] becomes a [`Failure`](crate::Failure) that waits as long as it must.

mod error;
mod request;
mod response;

pub use self::{
    error::Error,
    request::{Request, segment},
    response::Response,
};
