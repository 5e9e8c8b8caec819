//! What one object has written lately, and because of whom.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use capstan_api::ObjectRef;
use tokio::time::Instant;

use super::{Edition, ROUNDS, WINDOW, Write, Writer, place::Place};
use crate::{Read, Seen};

/// Places that are remembered for one object: more than a selector of the patch provider chooses.
const PLACES: usize = 128;

#[derive(Debug)]
pub(super) struct Trail {
    uid: String,
    generation: Option<i64>,
    /// What it last wrote to each place.
    wrote: HashMap<Place, LastWrite>,
    /// What it had seen of everything it read when it last wrote, its own writes included.
    pub(super) seen: HashMap<Read, Seen>,
    /// Whose writes were news to it then.
    pub(super) causes: Vec<Arc<Writer>>,
    /// When it wrote in turn with somebody.
    turns: VecDeque<Instant>,
    pub(super) is_caught: bool,
    /// When it last wrote.
    pub(super) last: Instant,
}

#[derive(Debug)]
pub(super) struct LastWrite {
    pub(super) content: u64,
    version: Box<str>,
}

impl Trail {
    pub(super) fn new(edition: Edition<'_>) -> Self {
        Self {
            uid: edition.uid.to_owned(),
            generation: edition.generation,
            wrote: HashMap::new(),
            seen: HashMap::new(),
            causes: Vec::new(),
            turns: VecDeque::new(),
            is_caught: false,
            last: Instant::now(),
        }
    }

    pub(super) fn is_of(&self, edition: Edition<'_>) -> bool {
        self.uid == edition.uid && self.generation == edition.generation
    }

    /// One more write in turn with somebody; whether it is a loop by now.
    pub(super) fn turn(&mut self) -> bool {
        let now = Instant::now();
        self.turns.push_back(now);
        while self.turns.len() > ROUNDS || self.turns.front().is_some_and(|first| now - *first > WINDOW) {
            self.turns.pop_front();
        }
        self.is_caught || self.turns.len() >= ROUNDS
    }

    /// Something came from elsewhere, or there was nothing to write.
    pub(super) fn release(&mut self) {
        self.turns.clear();
        self.is_caught = false;
    }

    pub(super) fn remember(&mut self, write: &Write) {
        let place = Place::of(&write.target);
        if self.wrote.len() < PLACES || self.wrote.contains_key(&place) {
            self.wrote.insert(place, LastWrite { content: write.content, version: write.version.clone() });
        }
    }

    pub(super) fn last_write(&self, target: &ObjectRef) -> Option<&LastWrite> {
        self.wrote.get(&Place::of(target))
    }

    /// Whether what it sees of an object is what it wrote itself.
    pub(super) fn has_written(&self, read: &Read, seen: &Seen) -> bool {
        match (read, seen) {
            (Read::Object(target), Seen::Version(seen)) => {
                self.last_write(target).is_some_and(|last| last.version == *seen)
            }
            _ => false,
        }
    }
}
