//! The hostile guest with all that it is let loose on, as in the tests of the sandbox.

use std::sync::LazyLock;

use anyhow::{Context, Result};
use capstan_engine::{ExternalSystem, Failure};
use capstan_hostile::Behaviour;
use capstan_sandbox::{Budget, Component, Descriptor, Granted, Guest};
use tokio::runtime::{Builder, Runtime};

use crate::support::{
    scene::{Scene, context, managed},
    server::Server,
};

/// Where the other system answers: what it works is not to be taken for work of the host. `None` if there is no thread for it.
static OUTSIDE: LazyLock<Option<Runtime>> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(1).enable_all().build().ok());

/// A scene whose other system answers on a thread of its own.
pub(crate) async fn scene() -> Result<Scene> {
    let outside = OUTSIDE.as_ref().context("no thread for the other system")?;
    Ok(Scene::with(outside.spawn(Server::start()).await?))
}

/// The guest on its scene.
pub(crate) fn guest(component: &Component, descriptor: &Descriptor, scene: &Scene, budget: Budget) -> Guest {
    let granted = Granted::new(descriptor, &scene.grants);
    let guest = Guest::new(component.clone(), "hostile", granted, budget, scene.services.clone());
    guest.configured(scene.grants.config.as_ref())
}

/// A session with every call of the contract, until one of them fails.
pub(crate) async fn session(guest: &Guest, behaviour: Behaviour) -> Result<(), Failure> {
    let managed = managed(behaviour);
    let mut session = guest.connect(&context(), &managed).await?;
    let calls = async {
        session.observe(&managed).await?;
        session.create(&managed).await?;
        session.update(&managed).await?;
        session.delete(&managed).await
    };
    let called = calls.await;
    called.and(session.disconnect().await)
}
