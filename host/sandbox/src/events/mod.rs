//! The events capability: Kubernetes events about the object being reconciled.

mod host;

use std::sync::Arc;

use capstan_events::{Event, EventKind, Recorder, Regarding};
use wasmtime::component::Linker;

use crate::{
    bindings::capstan::provider::events,
    counts::Counters,
    state::{HeldBy, State},
    text::cut,
};

/// Bytes of a note that the API server takes.
const NOTE: usize = 1024;

/// Takes the events of one session.
pub(crate) struct Sink {
    recorder: Recorder,
    counters: Arc<Counters>,
    controller: String,
    regarding: Regarding,
    left: u32,
    allowed: u32,
    dropped: bool,
}

impl Sink {
    /// At most `allowed` events, reported by the controller of this provider.
    pub(crate) fn new(
        recorder: Recorder,
        counters: Arc<Counters>,
        provider: &str,
        regarding: Regarding,
        allowed: u32,
    ) -> Self {
        let controller = format!("capstan.dev/{provider}");
        Self { recorder, counters, controller, regarding, left: allowed, allowed, dropped: false }
    }

    /// Events so far.
    pub(crate) fn used(&self) -> u32 {
        self.allowed - self.left
    }

    fn emit(&mut self, kind: EventKind, reason: &str, action: &str, note: &str) {
        if self.left == 0 {
            self.drop_event();
            return;
        }
        self.left -= 1;
        self.recorder.record(Event {
            controller: self.controller.clone(),
            regarding: self.regarding.clone(),
            kind,
            reason: word(reason, "ProviderEvent"),
            action: word(action, "Reconcile"),
            // The recorder cuts it too, but until then it waits in a queue.
            note: cut(note, NOTE).into_owned(),
        });
    }

    /// Said once in a reconcile.
    fn drop_event(&mut self) {
        self.counters.event_dropped();
        if !std::mem::replace(&mut self.dropped, true) {
            let allowed = self.allowed;
            tracing::warn!(
                object = %self.regarding.object,
                "the provider emits more than {allowed} events in one reconcile: what follows is dropped; limits.events of \
                 its grants says how many it may"
            );
        }
    }
}

/// Links `capstan:provider/events`.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    events::add_to_linker::<State, HeldBy<Sink>>(linker, |state| state.held("events", |held| &mut held.events))
}

/// The API server refuses an event without reason or action, and takes 128 bytes of each.
fn word(text: &str, default: &str) -> String {
    let word: String = text.chars().filter(char::is_ascii_alphanumeric).take(128).collect();
    if word.is_empty() { default.to_owned() } else { word }
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn reasons_become_words() {
        assert_eq!(word("CamelCase", "Default"), "CamelCase");
        assert_eq!(word("two words\n", "Default"), "twowords");
        assert_eq!(word("…", "Default"), "Default");
        assert_eq!(word(&"x".repeat(500), "Default").len(), 128);
    }
}
