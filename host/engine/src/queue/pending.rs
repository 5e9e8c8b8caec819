//! Keys in the order in which they are handed out.

use std::{collections::BTreeMap, sync::Arc};

use capstan_api::ObjectKey;
use tokio::time::Instant;

use super::Priority;

/// The due by priority and ticket, the waiting by time and ticket. Tickets are drawn in sequence, which makes both FIFO;
/// with its ticket a key can be taken out from the middle.
#[derive(Debug, Default)]
pub(super) struct Pending {
    tickets: u64,
    due: [BTreeMap<u64, Arc<ObjectKey>>; Priority::COUNT],
    waiting: BTreeMap<(Instant, u64), Arc<ObjectKey>>,
}

impl Pending {
    pub(super) fn push(&mut self, key: Arc<ObjectKey>, priority: Priority) -> u64 {
        let ticket = self.draw();
        self.due[priority.index()].insert(ticket, key);
        ticket
    }

    pub(super) fn wait(&mut self, key: Arc<ObjectKey>, until: Instant) -> u64 {
        let ticket = self.draw();
        self.waiting.insert((until, ticket), key);
        ticket
    }

    pub(super) fn remove_due(&mut self, priority: Priority, ticket: u64) {
        self.due[priority.index()].remove(&ticket);
    }

    pub(super) fn remove_waiting(&mut self, until: Instant, ticket: u64) {
        self.waiting.remove(&(until, ticket));
    }

    pub(super) fn pop(&mut self) -> Option<Arc<ObjectKey>> {
        Priority::DESCENDING.iter().find_map(|priority| Some(self.due[priority.index()].pop_first()?.1))
    }

    /// With the time it has waited for.
    pub(super) fn pop_waiting(&mut self, now: Instant) -> Option<(Arc<ObjectKey>, Instant)> {
        let first = self.waiting.first_entry()?;
        let until = first.key().0;
        (until <= now).then(|| (first.remove(), until))
    }

    pub(super) fn first_waiting(&self) -> Option<Instant> {
        self.waiting.first_key_value().map(|((until, _), _)| *until)
    }

    pub(super) fn has_due(&self) -> bool {
        self.due.iter().any(|keys| !keys.is_empty())
    }

    pub(super) fn due(&self) -> usize {
        self.due.iter().map(BTreeMap::len).sum()
    }

    fn draw(&mut self) -> u64 {
        self.tickets += 1;
        self.tickets
    }
}
