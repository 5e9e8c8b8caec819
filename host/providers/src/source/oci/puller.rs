//! One look at a registry, for whichever provider.

use std::sync::{Arc, OnceLock};

use capstan_api::OciSource;
use capstan_cluster::Cluster;
use capstan_oci::{Access, Client, Error, Reference, Repository};
use capstan_sandbox::Network;
use tokio::sync::Semaphore;

use super::{PullError, Pulls, following::Held, pull_secret};
use crate::MAX_COMPONENT_BYTES;

/// Components on their way at once. Each may be megabytes, and is kept in memory.
const UNDER_WAY: usize = 4;

/// Asks registries for all providers of a host. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Puller(Arc<Shared>);

struct Shared {
    cluster: Cluster,
    namespace: Arc<str>,
    network: Network,
    /// Made with the first look: most hosts take none.
    client: OnceLock<Client>,
    slots: Semaphore,
    pulls: Pulls,
}

impl Puller {
    /// `namespace`: where pull secrets are.
    pub(crate) fn new(cluster: Cluster, namespace: Arc<str>, network: Network, pulls: Pulls) -> Self {
        let slots = Semaphore::new(UNDER_WAY);
        Self(Arc::new(Shared { cluster, namespace, network, client: OnceLock::new(), slots, pulls }))
    }

    pub(crate) fn pulls(&self) -> &Pulls {
        &self.0.pulls
    }

    /// What a reference leads to now; `None` if that is what is held already. Bytes that are held are not pulled again.
    pub(super) async fn look(&self, source: &OciSource, held: Option<&Held>) -> Result<Option<Held>, PullError> {
        let reference: Reference = source.reference.parse().map_err(Error::from)?;
        let credentials = match &source.pull_secret {
            Some(secret) => {
                let Shared { cluster, namespace, .. } = &*self.0;
                Some(pull_secret::credentials(cluster, namespace, &secret.name, &reference).await?)
            }
            None => None,
        };
        let access = Access { credentials, plain_http: source.plain_http };
        let repository = Repository::to_pull(self.client()?, &reference, access)?;
        if let Some(held) = held
            && repository.current().await? == held.manifest.manifest
        {
            return Ok(None);
        }
        let manifest = repository.artifact().await?;
        let same = held.filter(|held| held.manifest.component == manifest.component);
        let component = if let Some(held) = same {
            held.component.clone()
        } else {
            // Nobody closes it, and whoever has a place gives it back in time.
            let _slot = self.0.slots.acquire().await;
            repository.component(&manifest, MAX_COMPONENT_BYTES).await?
        };
        Ok(Some(Held { manifest, component }))
    }

    fn client(&self) -> Result<&Client, PullError> {
        if let Some(client) = self.0.client.get() {
            return Ok(client);
        }
        let tls = self.0.network.tls().map_err(PullError::Network)?;
        Ok(self.0.client.get_or_init(|| Client::new(tls, self.0.network.settings().proxy.clone())))
    }
}
