//! Telling people what became of a delivery: in the log, and as an event on the `ConfigMap` it came from.

use capstan_events::{Event, EventKind, Recorder, Regarding};

use crate::{Origin, ProviderError, RightsMissing};

const CONTROLLER: &str = "capstan.dev/providers";
const ACTION: &str = "LoadProvider";

#[derive(Clone)]
pub(crate) struct Reporter(pub(crate) Recorder);

impl Reporter {
    pub(crate) fn loaded(&self, name: &str, origin: &Origin, note: &str) {
        tracing::info!(provider = name, %origin, "{note}");
        self.event(origin, EventKind::Normal, "Loaded", note);
    }

    pub(crate) fn failed(&self, name: &str, origin: &Origin, error: &ProviderError) {
        tracing::warn!(provider = name, %origin, reason = error.reason(), %error, "provider not loaded");
        self.event(origin, EventKind::Warning, error.reason(), &error.to_string());
    }

    /// It runs, and some of what it was granted will fail.
    pub(crate) fn lacking(&self, name: &str, origin: &Origin, missing: &RightsMissing) {
        tracing::warn!(provider = name, %origin, reason = missing.reason(), "{missing}");
        self.event(origin, EventKind::Warning, missing.reason(), &missing.to_string());
    }

    fn event(&self, origin: &Origin, kind: EventKind, reason: &str, note: &str) {
        let Origin::ConfigMap { object, uid } = origin else {
            return;
        };
        self.0.record(Event {
            controller: CONTROLLER.to_owned(),
            regarding: Regarding { object: object.clone(), uid: uid.clone(), resource_version: String::new() },
            kind,
            reason: reason.to_owned(),
            action: ACTION.to_owned(),
            note: note.to_owned(),
        });
    }
}
