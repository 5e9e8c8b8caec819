//! The events interface as the guest calls it.

use capstan_events::EventKind;

use super::Sink;
use crate::{bindings::capstan::provider::events, state::Held};

impl events::Host for Held<'_, Sink> {
    fn emit(&mut self, kind: events::Kind, reason: String, action: String, note: String) -> wasmtime::Result<()> {
        let kind = match kind {
            events::Kind::Normal => EventKind::Normal,
            events::Kind::Warning => EventKind::Warning,
        };
        self.get()?.emit(kind, &reason, &action, &note);
        Ok(())
    }
}
