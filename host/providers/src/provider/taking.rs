//! A build is brought into service, in the place of the one before if there is one.

use std::sync::Arc;

use capstan_api::{ProviderCondition, ServiceAccount};
use capstan_engine::Shared;
use capstan_sandbox::{Budgets, Granted, Guest, Services};
use tokio::time::Instant;

use super::{Provider, Surroundings};
use crate::{
    ProviderError, departure,
    install::install,
    load::Loaded,
    running::{Pace, Running},
    wanted::{Ready, Wanted},
};

impl Provider {
    /// Brings a build into service. If that fails, what ran before still runs.
    pub(super) async fn take(&mut self, wanted: &Wanted) -> Result<(), ProviderError> {
        // Its objects are to be let go as they are.
        if wanted.facts.deleting && wanted.facts.abandon {
            return Ok(());
        }
        let Some(ready) = wanted.ready()? else {
            return Ok(());
        };
        let Ok(spec) = &wanted.facts.spec else { return Ok(()) };
        let pace = Pace::of(spec);
        if let Some(running) = &mut self.running
            && !self.unsettled
            && running.loaded.component.digest() == ready.digest
            && running.loaded.grants == ready.grants
        {
            running.set_pace(pace, &mut self.controllers).await;
            self.came_with(wanted);
            return Ok(());
        }
        let begun = Instant::now();
        let Surroundings { shared, claims, reporter, reviewer, .. } = self.surroundings.clone();
        let loaded = self.load(ready).await?;
        claims.claim(&self.name, loaded.kinds())?;
        // The objects, and whatever the guest asks for, are the account's business; definitions and the Provider are the host's.
        let acting = self.acting_as(loaded.grants.service_account.as_ref());
        let rights = reviewer.rights(&loaded).await;
        reviewer.check(&self.name, &acting.cluster, &rights).await?;
        departure::drops_nothing_held(&acting.cluster, self.kinds(), loaded.kinds()).await?;
        if !wanted.facts.held && !wanted.facts.deleting {
            let held = departure::hold(&shared.cluster, &self.name, &wanted.facts.uid).await;
            held.map_err(ProviderError::Object)?;
        }
        install(&shared.cluster, &acting.cluster, &shared.watches, &self.name, &loaded).await?;
        let logic = self.guest(&loaded, &acting);
        let note = format!(
            "Provider {} {} ({}) manages {}; ready after {:.1?}",
            self.name,
            loaded.descriptor.version,
            short(loaded.component.digest()),
            loaded.kinds().map(|kind| kind.kind.as_str()).collect::<Vec<_>>().join(", "),
            begun.elapsed(),
        );
        match &mut self.running {
            Some(running) if running.fits(&loaded) => {
                running.replace(loaded.clone(), logic);
                running.set_pace(pace, &mut self.controllers).await;
            }
            _ => {
                self.stop_controllers().await;
                let tally = Arc::clone(&self.tally);
                let controllers = &mut self.controllers;
                let running = Running::start(&self.name, &acting, loaded.clone(), pace, logic, tally, controllers);
                self.surroundings.metrics.enter(&self.name, running.slot());
                self.running = Some(running);
            }
        }
        // Those of a former build are free only now that nothing of it runs.
        self.keep_kinds();
        self.unsettled = false;
        reporter.loaded(self.about(wanted), &note);
        let missing = reviewer.lacking(&self.name, &acting.cluster, &rights).await;
        if let Some(missing) = &missing {
            reporter.lacking(self.about(wanted), missing);
        }
        if let Some(board) = &mut self.board {
            board.loaded(&loaded, missing.as_ref().map_or(&[], |missing| missing.missing.as_slice()));
        }
        self.came_with(wanted);
        self.say(ProviderCondition::Loaded, true, "Loaded", &note, &wanted.facts);
        Ok(())
    }

    /// The build in service is what is wanted; another artifact may hold the same component.
    fn came_with(&mut self, wanted: &Wanted) {
        if let Some(board) = &mut self.board {
            board.came_with(wanted.manifest());
        }
    }

    async fn load(&mut self, ready: Ready) -> Result<Loaded, ProviderError> {
        let known = self.tried.take().filter(|(component, _)| component.digest() == ready.digest);
        let (component, descriptor) = if let Some(known) = known {
            known
        } else {
            let described = crate::describe(ready.component, &self.surroundings.sandbox).await;
            described.inspect_err(|error| {
                if let ProviderError::Describe(outcome) = error {
                    self.tally.described(outcome);
                }
            })?
        };
        self.tried = Some((component.clone(), descriptor.clone()));
        Loaded::checked(component, descriptor, ready.grants).await
    }

    /// What the host does on behalf of the provider goes by this.
    fn acting_as(&self, account: Option<&ServiceAccount>) -> Shared {
        let shared = &self.surroundings.shared;
        account.map_or_else(|| shared.clone(), |account| shared.acting_as(account))
    }

    fn guest(&self, loaded: &Loaded, acting: &Shared) -> Guest {
        let Shared { cluster, watches, recorder, .. } = acting;
        let services = Services {
            cluster: cluster.clone(),
            watches: watches.clone(),
            recorder: recorder.clone(),
            network: self.surroundings.network.clone(),
        };
        let granted = Granted::new(&loaded.descriptor, &loaded.grants).protecting(&self.surroundings.namespace);
        let budgets = Budgets::new(&loaded.grants.limits);
        let guest = Guest::new(loaded.component.clone(), &self.name, granted, budgets, services);
        guest.configured(loaded.grants.config.as_ref())
    }
}

/// Enough of a digest to tell two builds apart.
fn short(digest: &str) -> &str {
    let digest = digest.strip_prefix("sha256:").unwrap_or(digest);
    digest.get(..12).unwrap_or(digest)
}
