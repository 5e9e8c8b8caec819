//! The http interface as the guest calls it.

use crate::{
    bindings::capstan::provider::http::{Error, Host, Request, Response},
    state::{Capabilities, Held},
};

/// It works on all capabilities, since a request may carry credentials.
impl Host for Held<'_, Capabilities> {
    async fn fetch(&mut self, request: Request) -> wasmtime::Result<Result<Response, Error>> {
        let Capabilities { http, credentials, .. } = self.get()?;
        let credential = request.auth.as_ref().map(|handle| credentials.get(handle)).transpose()?;
        let secret = request.body_secret.as_ref().map(|handle| credentials.get(handle)).transpose()?;
        Ok(http.fetch(request, credential, secret).await?)
    }
}
