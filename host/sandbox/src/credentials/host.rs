//! The credentials interface as the guest calls it.

use wasmtime::component::Resource;

use super::{Access, Handle};
use crate::{
    bindings::capstan::provider::credentials::{Error, Host, HostCredential, Scheme, SecretKey},
    state::Held,
};

impl Host for Held<'_, Access> {
    async fn open(&mut self, secret: SecretKey, scheme: Scheme) -> wasmtime::Result<Result<Resource<Handle>, Error>> {
        let access = self.get()?.spend()?;
        match access.vault.open(secret, scheme).await {
            Ok(credential) => Ok(Ok(access.hold(credential)?)),
            Err(error) => Ok(Err(error)),
        }
    }
}

impl HostCredential for Held<'_, Access> {
    async fn fingerprint(&mut self, credential: Resource<Handle>) -> wasmtime::Result<String> {
        Ok(self.get()?.get(&credential)?.fingerprint().to_string())
    }

    async fn version(&mut self, credential: Resource<Handle>) -> wasmtime::Result<String> {
        Ok(self.get()?.get(&credential)?.version().to_owned())
    }

    async fn drop(&mut self, credential: Resource<Handle>) -> wasmtime::Result<()> {
        Ok(self.get()?.give_back(credential)?)
    }
}
