//! What a replica knows of the others, and what follows from it. No I/O, and no clock but the times it is given.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::time::Instant;

use super::{Identity, record::Record, rendezvous};
use crate::{Error, Object};

/// All members and providers, as far as this replica has heard.
pub(super) struct Roster {
    me: String,
    /// Where a record does not say how long it lasts.
    duration: Duration,
    /// When everything was known for the first time.
    since: Instant,
    /// By identity.
    members: BTreeMap<String, Sighting>,
    /// By provider.
    seats: BTreeMap<String, Seat>,
}

/// Another member.
#[derive(Debug)]
struct Sighting {
    /// `None` once its Lease is gone.
    lease: Option<(Object, Record)>,
    /// When its record was seen to change for the last time.
    seen: Instant,
    duration: Duration,
}

/// The Lease of a provider.
#[derive(Debug)]
struct Seat {
    object: Object,
    record: Record,
    /// When its holder was seen to change for the last time.
    since: Instant,
    /// When it was seen to vanish.
    vanished: Option<Instant>,
}

/// Whose a provider is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Holder {
    /// Nobody's, since then.
    Nobody(Instant),
    /// Ours.
    Us,
    /// Another's.
    Other(String),
}

/// The next thing to be done.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// This member has not renewed for as long as its Lease lasts: the Lease is to be deleted, if it is still this one.
    Evict { identity: String, lease: Record },
    /// Nobody has this provider, and we are to have it. `None`: its Lease has yet to be made.
    Take { provider: String, lease: Option<Record> },
    /// Another has this provider, and is to hand it over to us.
    Ask { provider: String, lease: Record },
    /// Ours by its record, and nobody here wants it.
    GiveBack { provider: String },
    /// Ours, and another is to have it, who waits for it.
    HandOver { provider: String },
}

/// What this replica has to do with providers.
#[derive(Debug, Default)]
pub(super) struct Stake {
    /// Those that it would run, and does not.
    pub(super) wanted: BTreeSet<String>,
    /// Those that it runs.
    pub(super) held: BTreeSet<String>,
    /// One of them is being given up.
    pub(super) is_handing_over: bool,
    /// It is about to stop.
    pub(super) is_leaving: bool,
}

impl Roster {
    pub(super) fn new(me: &Identity, duration: Duration, now: Instant) -> Self {
        let me = me.as_str().to_owned();
        Self { me, duration, since: now, members: BTreeMap::new(), seats: BTreeMap::new() }
    }

    /// A Lease was seen in this state. One that is not newer than what is known is no news.
    pub(super) fn apply(&mut self, object: &Object, now: Instant) -> Result<(), Error> {
        let record = Record::of(object)?;
        if record.is_of_member() {
            self.apply_member(object, record, now);
        } else if let Some(provider) = record.provider().map(str::to_owned) {
            self.apply_provider(&provider, object, record, now);
        }
        Ok(())
    }

    fn apply_member(&mut self, object: &Object, record: Record, now: Instant) {
        let Some(identity) = record.holder().filter(|holder| *holder != self.me).map(str::to_owned) else { return };
        let duration = record.duration().unwrap_or(self.duration);
        let mut seen = now;
        if let Some(known) = self.members.get(&identity)
            && let Some((old, old_record)) = &known.lease
        {
            if !object.is_newer_than(old) {
                return;
            }
            if old_record.spec() == record.spec() {
                seen = known.seen;
            }
        }
        self.members.insert(identity, Sighting { lease: Some((object.clone(), record)), seen, duration });
    }

    fn apply_provider(&mut self, provider: &str, object: &Object, record: Record, now: Instant) {
        let known = self.seats.get(provider);
        let mut since = now;
        if let Some(known) = known {
            let same = known.object.uid() == object.uid();
            if same && (known.vanished.is_some() || !object.is_newer_than(&known.object)) {
                return;
            }
            if known.record.holder() == record.holder() {
                since = known.since;
            }
        }
        // A holder of whom nothing is known may be at work all the same.
        if let Some(holder) = record.holder().filter(|holder| *holder != self.me)
            && !self.members.contains_key(holder)
        {
            let duration = record.duration().unwrap_or(self.duration);
            self.members.insert(holder.to_owned(), Sighting { lease: None, seen: now, duration });
        }
        self.seats.insert(provider.to_owned(), Seat { object: object.clone(), record, since, vanished: None });
    }

    /// A Lease is gone.
    pub(super) fn remove(&mut self, object: &Object, now: Instant) {
        for sighting in self.members.values_mut() {
            if sighting.lease.as_ref().is_some_and(|(known, _)| known.uid() == object.uid()) {
                sighting.lease = None;
            }
        }
        for seat in self.seats.values_mut() {
            if seat.object.uid() == object.uid() {
                seat.vanished.get_or_insert(now);
            }
        }
    }

    /// The Lease of this name is gone.
    pub(super) fn remove_named(&mut self, name: &str, now: Instant) {
        let members = self.members.values().filter_map(|sighting| sighting.lease.as_ref().map(|(object, _)| object));
        let known = members.chain(self.seats.values().map(|seat| &seat.object));
        let gone: Vec<Object> = known.filter(|object| object.key().name == name).cloned().collect();
        for object in gone {
            self.remove(&object, now);
        }
    }

    /// These are all Leases that there are.
    pub(super) fn replace(&mut self, all: &[Object], now: Instant) -> Result<(), Error> {
        let known = self.members.values().filter_map(|sighting| sighting.lease.as_ref().map(|(object, _)| object));
        let known: Vec<Object> = known.chain(self.seats.values().map(|seat| &seat.object)).cloned().collect();
        for object in known {
            if !all.iter().any(|other| other.uid() == object.uid()) {
                self.remove(&object, now);
            }
        }
        all.iter().try_for_each(|object| self.apply(object, now))
    }

    /// The members that can be given work, this one among them unless it is leaving.
    pub(super) fn replicas(&self, leaving: bool, now: Instant) -> Vec<&str> {
        let others = self.members.iter().filter(|(_, member)| {
            member.lease.as_ref().is_some_and(|(_, record)| !record.is_leaving()) && now < member.expiry()
        });
        let me = (!leaving).then_some(self.me.as_str());
        others.map(|(identity, _)| identity.as_str()).chain(me).collect()
    }

    /// Whose a provider is.
    pub(super) fn holder(&self, provider: &str, now: Instant) -> Holder {
        let Some(seat) = self.seats.get(provider) else { return Holder::Nobody(self.since) };
        let Some(holder) = seat.record.holder() else { return Holder::Nobody(seat.since) };
        if let Some(vanished) = seat.vanished {
            // Its holder may not know yet.
            let until = vanished + seat.record.duration().unwrap_or(self.duration);
            return if now < until { Holder::Other(holder.to_owned()) } else { Holder::Nobody(until) };
        }
        if holder == self.me {
            return Holder::Us;
        }
        match self.members.get(holder) {
            Some(member) if member.lease.is_some() || now < member.expiry() => Holder::Other(holder.to_owned()),
            Some(member) => Holder::Nobody(member.expiry().max(seat.since)),
            // Never: whoever holds something is entered.
            None => Holder::Other(holder.to_owned()),
        }
    }

    /// Whether a provider that we took is ours no more: its Lease was written by another after us, or deleted.
    pub(super) fn is_taken_away(&self, provider: &str, taken: &Object) -> bool {
        self.seats.get(provider).is_some_and(|seat| {
            let newer = seat.object.uid() != taken.uid() || seat.object.is_newer_than(taken);
            seat.vanished.is_some() && seat.object.uid() == taken.uid()
                || newer && seat.record.holder() != Some(self.me.as_str())
        })
    }

    /// The Lease of a provider as it was seen last.
    pub(super) fn lease(&self, provider: &str) -> Option<&Record> {
        self.seats.get(provider).filter(|seat| seat.vanished.is_none()).map(|seat| &seat.record)
    }

    /// What is to be done first; `None` if nothing is.
    pub(super) fn next_step(&self, stake: &Stake, now: Instant) -> Option<Step> {
        self.eviction(now)
            .or_else(|| stake.wanted.iter().find_map(|provider| self.take(provider, stake, now)))
            .or_else(|| self.give_back(stake, now))
            .or_else(|| self.hand_over(stake, now))
            .or_else(|| self.ask(stake, now))
    }

    fn eviction(&self, now: Instant) -> Option<Step> {
        self.members.iter().find_map(|(identity, member)| {
            let (_, record) = member.lease.as_ref().filter(|_| now >= member.expiry())?;
            Some(Step::Evict { identity: identity.clone(), lease: record.clone() })
        })
    }

    fn take(&self, provider: &str, stake: &Stake, now: Instant) -> Option<Step> {
        let due = match self.holder(provider, now) {
            // Taken with an answer that did not arrive.
            Holder::Us => now,
            Holder::Nobody(since) => self.turn(provider, since, stake.is_leaving, now)?,
            Holder::Other(_) => return None,
        };
        let lease = self.lease(provider).cloned();
        (now >= due).then(|| Step::Take { provider: provider.to_owned(), lease })
    }

    /// When it is our turn to take a provider that nobody has: each replica leaves those before it the time that a lease lasts.
    fn turn(&self, provider: &str, since: Instant, leaving: bool, now: Instant) -> Option<Instant> {
        let order = rendezvous::order(provider, self.replicas(leaving, now));
        let before = order.iter().position(|replica| *replica == self.me)?;
        Some(since + self.duration * u32::try_from(before).unwrap_or(u32::MAX))
    }

    fn give_back(&self, stake: &Stake, now: Instant) -> Option<Step> {
        let known = |provider: &&String| !stake.wanted.contains(*provider) && !stake.held.contains(*provider);
        let provider = self.seats.keys().filter(known).find(|provider| self.holder(provider, now) == Holder::Us)?;
        Some(Step::GiveBack { provider: provider.clone() })
    }

    /// One after the other, so that never more than one provider of a replica stands still.
    fn hand_over(&self, stake: &Stake, now: Instant) -> Option<Step> {
        if stake.is_handing_over {
            return None;
        }
        let is_awaited = |provider: &&String| {
            let asker = self.lease(provider).and_then(Record::wanted_by);
            asker.is_some_and(|asker| asker != self.me && self.owner(provider, stake.is_leaving, now) == Some(asker))
        };
        stake.held.iter().find(is_awaited).map(|provider| Step::HandOver { provider: provider.clone() })
    }

    /// One after the other as well: the next one when the last one has come.
    fn ask(&self, stake: &Stake, now: Instant) -> Option<Step> {
        let of_another = |provider: &&String| matches!(self.holder(provider, now), Holder::Other(_));
        let mut open =
            stake.wanted.iter().filter(of_another).filter_map(|provider| Some((provider, self.lease(provider)?)));
        if open.clone().any(|(_, lease)| lease.wanted_by() == Some(self.me.as_str())) {
            return None;
        }
        let is_ours = |provider: &str| self.owner(provider, stake.is_leaving, now) == Some(self.me.as_str());
        let (provider, lease) = open.find(|(provider, _)| is_ours(provider))?;
        Some(Step::Ask { provider: provider.clone(), lease: lease.clone() })
    }

    /// Who is to have a provider.
    pub(super) fn owner(&self, provider: &str, leaving: bool, now: Instant) -> Option<&str> {
        rendezvous::order(provider, self.replicas(leaving, now)).first().copied()
    }

    /// When something changes by time alone.
    pub(super) fn next_change(&self, stake: &Stake, now: Instant) -> Option<Instant> {
        let expiries = self.members.values().map(Sighting::expiry);
        let vanished = self
            .seats
            .values()
            .filter_map(|seat| Some(seat.vanished? + seat.record.duration().unwrap_or(self.duration)));
        let turns = stake.wanted.iter().filter_map(|provider| match self.holder(provider, now) {
            Holder::Nobody(since) => self.turn(provider, since, stake.is_leaving, now),
            _ => None,
        });
        expiries.chain(vanished).chain(turns).filter(|time| *time > now).min()
    }

    /// Forgets what is of no consequence any more.
    pub(super) fn tidy(&mut self, now: Instant) {
        let Self { members, seats, duration, .. } = self;
        seats.retain(|_, seat| {
            let over = |vanished: Instant| now >= vanished + seat.record.duration().unwrap_or(*duration);
            seat.vanished.is_none_or(|vanished| seat.record.holder().is_some() && !over(vanished))
        });
        members.retain(|identity, member| {
            let holds = seats.values().any(|seat| seat.record.holder() == Some(identity));
            member.lease.is_some() || holds || now < member.expiry()
        });
    }
}

impl Sighting {
    fn expiry(&self) -> Instant {
        self.seen + self.duration
    }
}
