//! Other systems that are played in this process, for tests of providers.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

/// Plays all other systems. What a provider may send has been decided before; addresses are not looked at.
#[async_trait]
pub trait Respond: Send + Sync + 'static {
    /// The answer to a request, as its system would give it. An error is a system that cannot be reached, in words.
    async fn respond(&self, request: Request<Bytes>) -> Result<Response<Bytes>, String>;
}
