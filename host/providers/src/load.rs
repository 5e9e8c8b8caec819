//! From bytes to something that can be run, with nothing run yet but `describe`.

use capstan_api::{Grants, GroupVersionKind};
use capstan_sandbox::{Component, Descriptor, Sandbox};

use crate::{Artifact, ProviderError};

pub(crate) struct Loaded {
    pub(crate) component: Component,
    pub(crate) descriptor: Descriptor,
    pub(crate) grants: Grants,
}

impl Loaded {
    pub(crate) async fn from(artifact: &Artifact, sandbox: &Sandbox) -> Result<Self, ProviderError> {
        // The cheap check first.
        let grants = Grants::parse(&artifact.grants)?;
        let component = sandbox.load(artifact.component.clone()).await?;
        let descriptor = component.describe().await.map_err(ProviderError::Describe)?;
        Ok(Self { component, descriptor, grants })
    }

    pub(crate) fn kinds(&self) -> impl Iterator<Item = &GroupVersionKind> + Clone {
        self.descriptor.kinds.iter().map(|managed| &managed.kind)
    }
}
