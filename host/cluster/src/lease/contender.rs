//! One process that wants a lease, or has it.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use rand::{SeedableRng, rngs::StdRng};
use serde_json::Value;
use tokio::time::Instant;

use super::{Identity, Lease, LeaseError, Timing, record::Record, requests::Requests};

/// Takes, renews and gives up. One request after the other, each with a timeout of its own.
pub(super) struct Contender {
    pub(super) requests: Arc<Requests>,
    identity: Identity,
    timing: Timing,
    random: StdRng,
    /// The newest state known.
    record: Record,
    last_change: Option<LastChange>,
}

/// What a record said, and since when we know.
struct LastChange {
    spec: Value,
    seen: Instant,
}

/// How a try to take the lease ended.
pub(super) enum Attempt {
    /// It is ours.
    Ours {
        /// When the request was sent. The API server cannot have had it earlier, and nobody can have seen it earlier.
        sent: Instant,
    },
    /// Somebody else has it, for the time being.
    Theirs {
        holder: String,
        /// It can be taken then, if nothing changes.
        until: Instant,
    },
    /// Somebody else was faster. Who it is shows the next look.
    Contended,
}

/// How a try to renew it ended.
pub(super) enum Renewal {
    /// It is still ours.
    Renewed {
        /// When the request was sent.
        sent: Instant,
    },
    /// Somebody else has it, or took it away.
    Lost { holder: String },
}

impl Contender {
    pub(super) fn new(lease: &Lease) -> Self {
        Self {
            requests: Arc::clone(&lease.requests),
            identity: lease.identity.clone(),
            timing: lease.timing,
            random: StdRng::seed_from_u64(lease.seed),
            record: Record::missing(lease.requests.key()),
            last_change: None,
        }
    }

    pub(super) fn timing(&self) -> &Timing {
        &self.timing
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The wait until the next try.
    pub(super) fn pause(&mut self) -> Duration {
        self.timing.pause(&mut self.random)
    }

    /// Takes the lease if nobody has it.
    pub(super) async fn acquire(&mut self) -> Result<Attempt, LeaseError> {
        let found = self.requests.get().await?;
        let missing = found.is_none();
        self.record = found.unwrap_or_else(|| Record::missing(self.requests.key()));
        let until = self.expiry();
        if let Some(holder) = self.record.holder().filter(|_| !self.record.is_held_by(&self.identity))
            && Instant::now() < until
        {
            return Ok(Attempt::Theirs { holder: holder.to_owned(), until });
        }
        let written = if missing { self.create().await } else { self.update().await };
        match written {
            Ok(sent) => Ok(Attempt::Ours { sent }),
            Err(LeaseError::Contended | LeaseError::Deleted) => Ok(Attempt::Contended),
            Err(error) => Err(error),
        }
    }

    /// Renews what is ours. An error says nothing about whose it is: it may have been written and the answer lost.
    pub(super) async fn renew(&mut self) -> Result<Renewal, LeaseError> {
        match self.update().await {
            Ok(sent) => return Ok(Renewal::Renewed { sent }),
            Err(LeaseError::Contended | LeaseError::Deleted) => {}
            Err(error) => return Err(error),
        }
        // Whoever wrote it may have put a label on it, or have been ourselves, with an answer that did not arrive.
        let sent = match self.requests.get().await? {
            Some(record) if record.is_held_by(&self.identity) => {
                self.record = record;
                self.update().await?
            }
            Some(record) => {
                return Ok(Renewal::Lost { holder: record.holder().unwrap_or("nobody").to_owned() });
            }
            None => {
                self.record = self.record.again(self.requests.key());
                self.create().await?
            }
        };
        Ok(Renewal::Renewed { sent })
    }

    /// Gives up what is ours, so that the next one need not wait.
    pub(super) async fn release(&mut self) -> Result<(), LeaseError> {
        loop {
            match self.requests.update(&self.record.released(Timestamp::now())).await {
                Ok(_) | Err(LeaseError::Deleted) => return Ok(()),
                Err(LeaseError::Contended) => {}
                Err(error) => return Err(error),
            }
            match self.requests.get().await? {
                Some(record) if record.is_held_by(&self.identity) => self.record = record,
                _ => return Ok(()),
            }
        }
    }

    /// When the record can be taken from its holder: by our clock, from when we saw it change.
    fn expiry(&mut self) -> Instant {
        let spec = self.record.spec();
        let change = match self.last_change.take() {
            Some(change) if change.spec == *spec => change,
            _ => LastChange { spec: spec.clone(), seen: Instant::now() },
        };
        let until = change.seen + self.record.duration().unwrap_or(self.timing.duration());
        self.last_change = Some(change);
        until
    }

    /// Gives the time before it was sent.
    async fn create(&mut self) -> Result<Instant, LeaseError> {
        let (sent, body) = self.ours();
        self.record = self.requests.create(&body).await?;
        Ok(sent)
    }

    /// Gives the time before it was sent.
    async fn update(&mut self) -> Result<Instant, LeaseError> {
        let (sent, body) = self.ours();
        self.record = self.requests.update(&body).await?;
        Ok(sent)
    }

    fn ours(&self) -> (Instant, Value) {
        (Instant::now(), self.record.held_by(&self.identity, &self.timing, Timestamp::now()))
    }
}
