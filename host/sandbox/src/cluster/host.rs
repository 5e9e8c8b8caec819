//! The cluster interface as the guest calls it. Each call counts, also one that is refused.

use super::Access;
use crate::{
    bindings::capstan::provider::{
        cluster::{Error, Host, ObjectRef, PatchKind, PatchOptions, Selection},
        types::Json,
    },
    state::Held,
};

impl Host for Held<'_, Access> {
    async fn get(&mut self, target: ObjectRef) -> wasmtime::Result<Result<Json, Error>> {
        let access = self.get()?.spend()?;
        Ok(access.read(target).await)
    }

    async fn list(&mut self, selection: Selection) -> wasmtime::Result<Result<Vec<Json>, Error>> {
        let access = self.get()?.spend()?;
        Ok(access.list(selection).await)
    }

    async fn create(&mut self, object: Json) -> wasmtime::Result<Result<Json, Error>> {
        let access = self.get()?.spend()?;
        Ok(access.create(&object).await)
    }

    async fn patch(
        &mut self,
        target: ObjectRef,
        kind: PatchKind,
        patch: Json,
        options: PatchOptions,
    ) -> wasmtime::Result<Result<Json, Error>> {
        let access = self.get()?.spend()?;
        Ok(access.patch(target, kind, &patch, &options).await)
    }

    async fn delete(&mut self, target: ObjectRef) -> wasmtime::Result<Result<(), Error>> {
        let access = self.get()?.spend()?;
        Ok(access.delete(target).await)
    }
}
