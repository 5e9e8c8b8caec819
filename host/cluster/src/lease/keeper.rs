//! The task that takes, hands over and gives up the leases of providers, for one membership.

use std::{
    collections::BTreeMap,
    iter,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use jiff::Timestamp;
use rand::{SeedableRng, rngs::StdRng};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Identity, LeaseError, Timing,
    record::{Record, provider_lease},
    requests::{Requests, selection},
    roster::{Roster, Stake, Step},
    term::{Command, Counts, Term},
};
use crate::{Change, Cluster, Fence, Object, Subscription, Watches};

/// Writes to one Lease that others write too.
const TRIES: u32 = 3;

pub(super) struct Keeper {
    pub(super) requests: Arc<Requests>,
    pub(super) cluster: Cluster,
    pub(super) identity: Identity,
    pub(super) timing: Timing,
    /// Of the membership.
    pub(super) fence: Fence,
    pub(super) seed: u64,
    pub(super) counts: Arc<Counts>,
    pub(super) replicas: watch::Sender<Vec<String>>,
    /// To be given to those who hold a lease.
    pub(super) commands: mpsc::WeakSender<Command>,
}

/// A keeper at work. One task owns all of it.
struct Active {
    keeper: Keeper,
    roster: Roster,
    random: StdRng,
    /// Whether all Leases have been seen.
    synced: bool,
    /// When the watch last brought something. It brings our own renewals back, so it is never silent for long.
    heard: Instant,
    wanted: BTreeMap<String, oneshot::Sender<Term>>,
    held: BTreeMap<String, Held>,
    handing_over: Option<String>,
    leaving: bool,
    /// Nothing is asked of the API server before.
    not_before: Option<Instant>,
    said: Option<LeaseError>,
}

/// A provider that runs here.
struct Held {
    /// As we wrote it.
    lease: Object,
    fence: Fence,
    wanted_elsewhere: CancellationToken,
}

impl Keeper {
    /// Until it is stopped, or the membership is lost. What is held then ends with the membership.
    pub(super) async fn run(
        self,
        mut commands: mpsc::Receiver<Command>,
        leaving: CancellationToken,
        stop: CancellationToken,
    ) {
        let now = Instant::now();
        let watches = Watches::new(self.cluster.clone(), CancellationToken::new());
        let mut changes = watches.subscribe(selection(self.requests.namespace()));
        let fence = self.fence.clone();
        let mut active = Active {
            roster: Roster::new(&self.identity, self.timing.duration(), now),
            random: StdRng::seed_from_u64(self.seed),
            keeper: self,
            synced: false,
            heard: now,
            wanted: BTreeMap::new(),
            held: BTreeMap::new(),
            handing_over: None,
            leaving: false,
            not_before: None,
            said: None,
        };
        tokio::select! {
            biased;
            () = fence.closed() => {}
            () = active.work(&mut changes, &mut commands, &leaving, &stop) => {}
        }
        for held in active.held.values() {
            held.fence.close();
        }
        active.keeper.counts.tell(iter::empty());
        watches.close().await;
    }
}

impl Active {
    async fn work(
        &mut self,
        changes: &mut Subscription,
        commands: &mut mpsc::Receiver<Command>,
        leaving: &CancellationToken,
        stop: &CancellationToken,
    ) {
        while !stop.is_cancelled() {
            let due = self.next_due(Instant::now());
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = leaving.cancelled(), if !self.leaving => self.leaving = true,
                Some(command) = commands.recv() => self.obey(command).await,
                change = changes.next() => match change {
                    Some(change) => self.hear(change),
                    None => break,
                },
                () = sleep_until(due) => {}
            }
            self.settle(stop).await;
            // Whatever came of it: a Lease that cannot be had, or was lost, is what somebody wants to see.
            self.tell();
        }
    }

    fn next_due(&self, now: Instant) -> Instant {
        if !self.synced {
            return now + self.patience_with_watch();
        }
        let silence = self.heard + self.patience_with_watch();
        let change = self.roster.next_change(&self.stake(), now).unwrap_or(silence);
        let due = silence.min(change).max(now);
        // After trouble nothing is done earlier, whatever is due.
        self.not_before.filter(|time| *time > now).unwrap_or(due)
    }

    /// A watch that is silent for longer is not believed in.
    fn patience_with_watch(&self) -> Duration {
        self.keeper.timing.renew_deadline() / 2
    }

    fn hear(&mut self, change: Change) {
        let now = Instant::now();
        self.heard = now;
        match change {
            Change::Synced => self.synced = true,
            Change::Applied { new, .. } => self.learn(&new),
            Change::Deleted(object) => self.roster.remove(&object, now),
        }
    }

    fn learn(&mut self, object: &Object) {
        if let Err(error) = self.roster.apply(object, Instant::now()) {
            tracing::warn!(lease = %object.key(), %error, "a lease cannot be read");
        }
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Want { provider, reply } => {
                self.wanted.insert(provider, reply);
            }
            Command::Release { provider, reply } => {
                let released = self.release(&provider).await;
                // Whoever asked may be gone.
                let _ = reply.send(released);
            }
        }
    }

    fn stake(&self) -> Stake {
        Stake {
            wanted: self.wanted.keys().filter(|provider| !self.held.contains_key(*provider)).cloned().collect(),
            held: self.held.keys().cloned().collect(),
            is_handing_over: self.handing_over.is_some(),
            is_leaving: self.leaving,
        }
    }

    /// Does what is to be done, one thing after the other.
    async fn settle(&mut self, stop: &CancellationToken) {
        let now = Instant::now();
        self.let_go(now);
        if !self.synced || self.not_before.is_some_and(|time| now < time) {
            return;
        }
        self.not_before = None;
        if now >= self.heard + self.patience_with_watch()
            && let Err(error) = self.look().await
        {
            return self.pause(error);
        }
        while !stop.is_cancelled() {
            self.wanted.retain(|_, reply| !reply.is_closed());
            let now = Instant::now();
            self.let_go(now);
            let Some(next) = self.roster.next_step(&self.stake(), now) else { break };
            if let Err(error) = self.step(next).await {
                return self.pause(error);
            }
        }
        self.said = None;
        let now = Instant::now();
        self.roster.tidy(now);
        let replicas: Vec<String> = self.roster.replicas(self.leaving, now).into_iter().map(str::to_owned).collect();
        self.keeper.replicas.send_if_modified(|known| {
            let changed = *known != replicas;
            *known = replicas;
            changed
        });
    }

    /// Ends what was taken from us.
    fn let_go(&mut self, now: Instant) {
        let taken = |(provider, held): &(&String, &Held)| {
            held.fence.is_open() && self.roster.is_taken_away(provider, &held.lease)
        };
        let lost: Vec<String> = self.held.iter().filter(taken).map(|(provider, _)| provider.clone()).collect();
        for provider in lost {
            let holder = self.roster.holder(&provider, now);
            tracing::error!(provider, ?holder, "the lease of the provider was taken away: its reconciles are ended");
            if let Some(held) = self.held.get(&provider) {
                held.fence.close();
            }
        }
    }

    fn pause(&mut self, error: LeaseError) {
        if self.said.as_ref() != Some(&error) {
            tracing::warn!(member = %self.keeper.identity, %error, "the leases of providers cannot be settled yet");
            self.said = Some(error);
        }
        self.not_before = Some(Instant::now() + self.keeper.timing.pause(&mut self.random));
    }

    /// The watch is silent: what has become of the Leases?
    async fn look(&mut self) -> Result<(), LeaseError> {
        let selection = selection(self.keeper.requests.namespace());
        let all = timeout(self.keeper.timing.request(), self.keeper.cluster.list(&selection)).await;
        let all = all.map_err(|_| crate::Error::unavailable("the leases are not listed in time"))??;
        self.heard = Instant::now();
        Ok(self.roster.replace(&all, Instant::now())?)
    }

    async fn step(&mut self, step: Step) -> Result<(), LeaseError> {
        match step {
            Step::Evict { identity, lease } => self.evict(&identity, &lease).await,
            Step::Take { provider, lease } => self.take(provider, lease).await,
            Step::Ask { provider, lease } => {
                tracing::info!(provider, holder = lease.holder(), "the provider is to move here: its holder is asked");
                let asked = self.keeper.requests.update(&lease.wanted(&self.keeper.identity)).await;
                self.written(&lease, asked).await.map(drop)
            }
            Step::GiveBack { provider } => self.release(&provider).await,
            Step::HandOver { provider } => {
                if let Some(held) = self.held.get(&provider) {
                    tracing::info!(provider, "another replica is to have the provider: it is handed over");
                    held.wanted_elsewhere.cancel();
                }
                self.handing_over = Some(provider);
                Ok(())
            }
        }
    }

    async fn evict(&mut self, identity: &str, lease: &Record) -> Result<(), LeaseError> {
        match self.keeper.requests.delete(lease.name(), lease.resource_version()).await {
            Ok(()) => {
                tracing::warn!(member = identity, "a replica did not renew its lease: its providers are free");
                self.roster.remove_named(lease.name(), Instant::now());
                Ok(())
            }
            // It lives.
            Err(LeaseError::Contended) => self.refresh(lease).await,
            Err(error) => Err(error),
        }
    }

    async fn take(&mut self, provider: String, lease: Option<Record>) -> Result<(), LeaseError> {
        let Keeper { requests, identity, timing, .. } = &self.keeper;
        let known = lease.unwrap_or_else(|| Record::of_new_provider(requests.namespace(), &provider));
        let body = known.held_by(identity, timing, Timestamp::now());
        let written = if known.resource_version().is_empty() {
            requests.create(&body).await
        } else {
            requests.update(&body).await
        };
        let Some(lease) = self.written(&known, written).await? else { return Ok(()) };
        let (Some(reply), Some(commands)) = (self.wanted.remove(&provider), self.keeper.commands.upgrade()) else {
            return Ok(());
        };
        let (fence, wanted_elsewhere) = (self.keeper.fence.child(), CancellationToken::new());
        let held = Held { lease, fence: fence.clone(), wanted_elsewhere: wanted_elsewhere.clone() };
        let term = Term { provider: provider.clone(), fence, wanted_elsewhere, commands, released: false };
        // Whoever wanted it may be gone: then it is given back.
        if reply.send(term).is_ok() {
            tracing::info!(provider, "the lease of the provider is ours");
            self.held.insert(provider, held);
            self.count();
        }
        Ok(())
    }

    /// What became of a write: the Lease, or nothing if another was faster.
    async fn written(
        &mut self,
        known: &Record,
        answer: Result<Object, LeaseError>,
    ) -> Result<Option<Object>, LeaseError> {
        match answer {
            Ok(object) => {
                self.learn(&object);
                Ok(Some(object))
            }
            Err(LeaseError::Contended | LeaseError::Deleted) => self.refresh(known).await.map(|()| None),
            Err(error) => Err(error),
        }
    }

    async fn refresh(&mut self, known: &Record) -> Result<(), LeaseError> {
        match self.keeper.requests.get(known.name()).await? {
            Some(object) => self.learn(&object),
            None => self.roster.remove_named(known.name(), Instant::now()),
        }
        Ok(())
    }

    /// Gives up what is ours.
    async fn release(&mut self, provider: &str) -> Result<(), LeaseError> {
        if let Some(held) = self.held.remove(provider) {
            held.fence.close();
            self.count();
        }
        if self.handing_over.as_deref() == Some(provider) {
            self.handing_over = None;
        }
        for _ in 0..TRIES {
            let ours = |lease: &&Record| lease.holder() == Some(self.keeper.identity.as_str());
            let Some(lease) = self.roster.lease(provider).filter(ours).cloned() else { return Ok(()) };
            let answer = self.keeper.requests.update(&lease.released(Timestamp::now())).await;
            if self.written(&lease, answer).await?.is_some() {
                tracing::info!(provider, "the lease of the provider is given up");
                return Ok(());
            }
        }
        Err(LeaseError::Contended)
    }

    fn count(&self) {
        self.tell();
        self.keeper.counts.transitions.fetch_add(1, Relaxed);
    }

    fn tell(&self) {
        let wanted = self.wanted.iter().filter(|(_, reply)| !reply.is_closed()).map(|(provider, _)| (provider, false));
        // One that was taken away stays among those that are held until it is released.
        let held = self.held.iter().map(|(provider, held)| (provider, held.fence.is_open()));
        self.keeper.counts.tell(wanted.chain(held).map(|(provider, held)| (provider_lease(provider), held)));
    }
}
