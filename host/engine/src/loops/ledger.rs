//! Who wrote what lately, and what follows from it.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use capstan_api::ObjectRef;
use tokio::time::Instant;

use super::{Edition, Loop, Write, Writer, place::Place, trail::Trail};
use crate::{
    Read, Seen,
    reads::{Round, is_newer},
};

/// Nothing is remembered for longer after a write: more than the longest back-off and a reconcile together.
const KEPT: Duration = Duration::from_mins(3);
/// Writers that are remembered of one object.
const WRITERS: usize = 8;
/// Names in one message.
const NAMED: usize = 4;

#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// The last write of each writer.
    targets: HashMap<Place, Vec<Entry>>,
    trails: HashMap<Arc<Writer>, Trail>,
    swept: Option<Instant>,
}

#[derive(Debug)]
struct Entry {
    writer: Arc<Writer>,
    version: Box<str>,
    at: Instant,
}

/// Where the news came from that led to a write.
struct News {
    /// Something was written by nobody of this host.
    foreign: bool,
    /// Who of this host wrote what is new.
    writers: Vec<Arc<Writer>>,
    /// What they wrote.
    objects: Vec<String>,
}

impl Ledger {
    /// False if nothing was changed: the version is one that was there before.
    pub(super) fn wrote(&mut self, writer: &Arc<Writer>, target: &ObjectRef, version: &str) -> bool {
        self.sweep();
        let entry = Entry { writer: Arc::clone(writer), version: version.into(), at: Instant::now() };
        let entries = self.targets.entry(Place::of(target)).or_default();
        if entries.iter().any(|known| known.version == entry.version) {
            return false;
        }
        entries.retain(|old| old.writer != *writer);
        if entries.len() == WRITERS {
            entries.remove(0);
        }
        entries.push(entry);
        true
    }

    pub(super) fn judge(&mut self, writer: &Arc<Writer>, edition: Edition<'_>, round: &Round) -> Option<Loop> {
        let trail = self.trails.remove(writer.as_ref()).filter(|trail| trail.is_of(edition));
        let mut trail = trail.unwrap_or_else(|| Trail::new(edition));
        let news = self.news(writer, &trail, round);
        let last = |write: &Write| trail.last_write(&write.target);
        let again = !round.writes.is_empty() && round.writes.iter().all(|write| last(write).is_some());
        let same = |write: &Write| last(write).is_some_and(|last| last.content == write.content);
        let message = if again && round.writes.iter().all(same) {
            Some(self.tug_of_war(writer, round))
        } else if again && !news.foreign {
            self.circle(writer, &trail, &news, round)
        } else {
            None
        };
        let found = if let Some(message) = message {
            let was_caught = trail.is_caught;
            trail.is_caught = trail.turn();
            trail.is_caught.then_some(Loop { message, is_new: !was_caught })
        } else {
            if news.foreign || !news.writers.is_empty() {
                trail.release();
            }
            None
        };
        for write in &round.writes {
            trail.remember(write);
        }
        trail.causes = if news.foreign { Vec::new() } else { news.writers };
        trail.seen.clone_from(&round.after);
        trail.last = Instant::now();
        self.trails.insert(Arc::clone(writer), trail);
        found
    }

    pub(super) fn settled(&mut self, writer: &Writer) {
        if let Some(trail) = self.trails.get_mut(writer).filter(|trail| trail.is_caught) {
            trail.release();
        }
    }

    pub(super) fn caught(&self) -> usize {
        self.trails.values().filter(|trail| trail.is_caught).count()
    }

    /// What `writer` read that is new since it last wrote, the object itself included: others may have written it.
    fn news(&self, writer: &Arc<Writer>, trail: &Trail, round: &Round) -> News {
        let mut news = News { foreign: false, writers: Vec::new(), objects: Vec::new() };
        let own = Read::Object(writer.object.clone());
        let own_place = Place::of(&writer.object);
        for (read, seen) in &round.before {
            let known = trail.seen.get(read);
            // A list does not say what is new in it: what nobody wrote is taken for nothing new.
            let is_list = matches!(read, Read::List { .. });
            if !is_list && known == Some(seen) {
                continue;
            }
            // Its own write is news where it knows the object by another version of the kind.
            let itself = trail.has_written(read, seen).then_some(writer);
            let mut found = self.writers_of(read, known, trail.last, writer).chain(itself).peekable();
            let is_own = matches!(read, Read::Object(target) if Place::of(target) == own_place);
            news.foreign |= !is_list && found.peek().is_none() && !is_own;
            news.add(found, read);
        }
        let found: Vec<_> = self.writers_of(&own, self.own_version(writer).as_ref(), trail.last, writer).collect();
        news.add(found.into_iter(), &own);
        news
    }

    /// The version of a managed object that its own reconciles wrote last.
    fn own_version(&self, writer: &Arc<Writer>) -> Option<Seen> {
        let entries = self.targets.get(&Place::of(&writer.object))?;
        let own = entries.iter().find(|entry| entry.writer == *writer)?;
        Some(Seen::Version(own.version.clone()))
    }

    /// Who else of this host wrote something since a reader knew it.
    fn writers_of(
        &self,
        read: &Read,
        known: Option<&Seen>,
        since: Instant,
        reader: &Arc<Writer>,
    ) -> impl Iterator<Item = &Arc<Writer>> {
        let is_new = move |entry: &&Entry| match known {
            Some(Seen::Version(known)) => is_newer(&entry.version, known),
            _ => entry.at >= since,
        };
        let (one, all) = match read {
            Read::Object(target) => (self.targets.get(&Place::of(target)), None),
            Read::List { kind, namespace, .. } => {
                let within = move |place: &Place| place.is_within(kind, namespace.as_deref());
                (None, Some(self.targets.iter().filter(move |(place, _)| within(place)).flat_map(|(_, all)| all)))
            }
        };
        let entries = one.into_iter().flatten().chain(all.into_iter().flatten());
        entries.filter(is_new).map(|entry| &entry.writer).filter(move |writer| *writer != reader)
    }

    fn tug_of_war(&self, writer: &Arc<Writer>, round: &Round) -> String {
        let mut others: Vec<String> = Vec::new();
        for write in &round.writes {
            let entries = self.targets.get(&Place::of(&write.target)).into_iter().flatten();
            others.extend(entries.filter(|entry| entry.writer != *writer).map(|entry| entry.writer.to_string()));
        }
        let who = if others.is_empty() { "somebody who is not of this host".to_owned() } else { names(others) };
        format!(
            "{who} undoes each time what this object writes into {}: let only one of them write there. Until then it is \
             repeated less and less often",
            written(round)
        )
    }

    /// `None` if something that is new does not come from the object's own writes.
    fn circle(&self, writer: &Arc<Writer>, trail: &Trail, news: &News, round: &Round) -> Option<String> {
        let mut path = Vec::new();
        for cause in &news.writers {
            path.extend(self.leads_back(cause, writer, trail)?);
        }
        if path.is_empty() && news.writers.is_empty() {
            return None;
        }
        let through = if path.is_empty() {
            "nobody else".to_owned()
        } else {
            names(path.iter().map(ToString::to_string).collect())
        };
        Some(format!(
            "what this object writes into {} comes back to it changed in {}, through {through}: none of them would ever \
             settle. Take one of them out of the circle. Until then it is repeated less and less often",
            written(round),
            names(news.objects.clone())
        ))
    }

    /// The writers between `from` and the one in question, if what they wrote followed from its writes.
    fn leads_back(&self, from: &Arc<Writer>, to: &Arc<Writer>, own: &Trail) -> Option<Vec<Arc<Writer>>> {
        if from == to {
            return Some(Vec::new());
        }
        let mut open = VecDeque::from([vec![Arc::clone(from)]]);
        let mut met = HashSet::from([Arc::clone(from)]);
        while let Some(path) = open.pop_front() {
            let last = path.last()?;
            let causes = if last == to {
                &own.causes
            } else {
                // One that wrote for no cause known: this way leads nowhere, another may.
                let Some(trail) = self.trails.get(last) else { continue };
                &trail.causes
            };
            for cause in causes {
                if cause == to {
                    return Some(path);
                }
                if met.insert(Arc::clone(cause)) {
                    open.push_back(path.iter().chain([cause]).cloned().collect());
                }
            }
        }
        None
    }

    /// Drops what is old, now and then.
    fn sweep(&mut self) {
        let now = Instant::now();
        if self.swept.is_some_and(|last| now - last < KEPT) {
            return;
        }
        self.swept = Some(now);
        self.targets.retain(|_, entries| {
            entries.retain(|entry| now - entry.at < KEPT);
            !entries.is_empty()
        });
        self.trails.retain(|_, trail| now - trail.last < KEPT);
    }
}

impl News {
    fn add<'a>(&mut self, found: impl Iterator<Item = &'a Arc<Writer>>, read: &Read) {
        for writer in found {
            self.objects.push(named(read));
            if !self.writers.contains(writer) {
                self.writers.push(Arc::clone(writer));
            }
        }
    }
}

fn named(read: &Read) -> String {
    match read {
        Read::Object(target) => target.to_string(),
        Read::List { kind, .. } => format!("the list of {}", kind.kind),
    }
}

fn written(round: &Round) -> String {
    names(round.writes.iter().map(|write| write.target.to_string()).collect())
}

/// In a fixed order, so that the same loop is told in the same words.
fn names(mut names: Vec<String>) -> String {
    names.sort();
    names.dedup();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let text = names.join(", ");
    if more > 0 { format!("{text} and {more} more") } else { text }
}
