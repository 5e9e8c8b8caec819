//! The object of a provider is deleted: its objects first, then it.

use capstan_api::{KindName, ProviderCondition, api_version};
use capstan_cluster::Cluster;

use super::Provider;
use crate::{departure, wanted::Facts};

impl Provider {
    /// In whose name the objects of a deleted provider are let go: as it ran last, or as it was to run. Never as the host if that
    /// cannot be read. The same one for as long as that lasts, so that its kinds are looked up once.
    pub(super) fn departing(&mut self, facts: &Facts) -> Result<Cluster, capstan_cluster::Error> {
        let account = match (&self.running, &facts.spec) {
            (Some(running), _) => running.loaded.grants.service_account.as_ref(),
            (None, Ok(spec)) => spec.service_account.as_ref(),
            (None, Err(error)) => {
                let said = format!("nor in whose name to look for them, until the Provider can be read: {error}");
                return Err(capstan_cluster::Error::Invalid(said));
            }
        };
        let kept = self.departing.take().filter(|kept| kept.account() == account);
        let acting = kept.unwrap_or_else(|| {
            let own = &self.surroundings.shared.cluster;
            account.map_or_else(|| own.clone(), |account| own.acting_as(account))
        });
        Ok(self.departing.insert(acting).clone())
    }

    /// Lets the object of a deleted provider go once nothing is left of its kinds. False: something is, and the status says what.
    pub(super) async fn depart(&mut self, facts: &Facts) -> bool {
        let cluster = self.surroundings.shared.cluster.clone();
        let gone = async {
            let acting = self.departing(facts)?;
            let left = departure::left(&acting, &self.kinds()).await?;
            if facts.abandon {
                self.stop().await;
                let freed = departure::abandon(&acting, &left).await?;
                // Some may have come up meanwhile.
                if freed > 0 && departure::abandon(&acting, &left).await? > 0 {
                    return Ok(Some(departure::in_words(&self.name, &left)));
                }
            } else if !left.is_empty() {
                return Ok(Some(departure::in_words(&self.name, &left)));
            }
            self.stop().await;
            departure::release(&cluster, &self.name, &facts.uid).await?;
            Ok(None)
        };
        let gone: Result<Option<String>, capstan_cluster::Error> = gone.await;
        let (reason, message) = match gone {
            Ok(None) => return true,
            Ok(Some(message)) => ("ObjectsRemain", message),
            Err(error) => ("ObjectsUnknown", format!("what is left of its objects cannot be found out: {error}")),
        };
        if self.say(ProviderCondition::Deleting, true, reason, &message, facts) {
            self.tell(reason, &message, facts);
        }
        false
    }

    /// Those that it manages, or managed last.
    pub(super) fn kinds(&self) -> Vec<KindName> {
        let mut kinds = self.board.as_ref().map(|board| board.kinds().to_vec()).unwrap_or_default();
        for kind in self.running.iter().flat_map(|running| running.loaded.kinds()) {
            let name = KindName { api_version: api_version(kind), kind: kind.kind.clone() };
            if !kinds.contains(&name) {
                kinds.push(name);
            }
        }
        kinds
    }
}
