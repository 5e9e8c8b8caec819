//! Events of one sort about several objects. The host takes 32 of one reconcile and drops the others, so beyond the first few
//! they are counted and told together.

use capstan_sdk::events::{self, Kind};

/// How many are told one by one. What deletes looks twice, and each look may tell so many and one more.
const SINGLE: usize = 12;
/// Bytes of one note in the one that tells the rest.
const SHOWN: usize = 400;

/// What is told under one reason.
pub(crate) struct Notices {
    kind: Kind,
    reason: &'static str,
    action: &'static str,
    told: usize,
    /// The first of those that were not told one by one.
    held: Option<String>,
    more: usize,
}

impl Notices {
    pub(crate) fn new(kind: Kind, reason: &'static str, action: &'static str) -> Self {
        Self { kind, reason, action, told: 0, held: None, more: 0 }
    }

    /// Tells of one object, now or with the rest.
    pub(crate) fn add(&mut self, note: String) {
        if self.told < SINGLE {
            self.told += 1;
            return self.emit(&note);
        }
        self.more += 1;
        self.held.get_or_insert(note);
    }

    /// Tells the rest.
    pub(crate) fn finish(self) {
        match (&self.held, self.more) {
            (None, _) => {}
            (Some(note), 1) => self.emit(note),
            (Some(note), more) => {
                let note = format!("the same of {more} more objects, the first of them: {}", cut(note));
                self.emit(&note);
            }
        }
    }

    fn emit(&self, note: &str) {
        match self.kind {
            Kind::Normal => events::normal(self.reason, self.action, note),
            Kind::Warning => events::warning(self.reason, self.action, note),
        }
    }
}

fn cut(note: &str) -> String {
    let mut end = note.len().min(SHOWN);
    while !note.is_char_boundary(end) {
        end -= 1;
    }
    if end == note.len() { note.to_owned() } else { format!("{} ...", &note[..end]) }
}
