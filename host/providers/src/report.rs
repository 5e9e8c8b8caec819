//! Telling people what became of a delivery: in the log, and as events on the `Provider` and on the `ConfigMap` it came from.

use capstan_api::provider_ref;
use capstan_events::{Event, EventKind, Recorder, Regarding};

use crate::{Origin, ProviderError, RightsMissing};

const CONTROLLER: &str = "capstan.dev/providers";
const ACTION: &str = "LoadProvider";

#[derive(Clone)]
pub(crate) struct Reporter(pub(crate) Recorder);

/// Whose news these are.
#[derive(Clone, Copy)]
pub(crate) struct About<'a> {
    /// The provider's name.
    pub(crate) name: &'a str,
    /// `metadata.uid` of its object; none where there is no object.
    pub(crate) uid: Option<&'a str>,
    /// Where it comes from, if that is known.
    pub(crate) origin: Option<&'a Origin>,
}

impl Reporter {
    pub(crate) fn loaded(&self, about: About<'_>, note: &str) {
        tracing::info!(provider = about.name, origin = about.origin(), "{note}");
        self.event(about, EventKind::Normal, "Loaded", note);
    }

    pub(crate) fn failed(&self, about: About<'_>, error: &ProviderError) {
        let (provider, origin, reason) = (about.name, about.origin(), error.reason());
        tracing::warn!(provider, origin, reason, %error, "provider not loaded");
        self.event(about, EventKind::Warning, error.reason(), &error.to_string());
    }

    /// It runs, and some of what it was granted will fail.
    pub(crate) fn lacking(&self, about: About<'_>, missing: &RightsMissing) {
        tracing::warn!(provider = about.name, origin = about.origin(), reason = missing.reason(), "{missing}");
        self.event(about, EventKind::Warning, missing.reason(), &missing.to_string());
    }

    /// It runs, and not well.
    pub(crate) fn warned(&self, about: About<'_>, reason: &str, note: &str) {
        tracing::warn!(provider = about.name, reason, "{note}");
        self.event(about, EventKind::Warning, reason, note);
    }

    /// A turn of its life that is nobody's fault.
    pub(crate) fn said(&self, about: About<'_>, reason: &str, note: &str) {
        tracing::info!(provider = about.name, reason, "{note}");
        self.event(About { origin: None, ..about }, EventKind::Normal, reason, note);
    }

    fn event(&self, about: About<'_>, kind: EventKind, reason: &str, note: &str) {
        let provider = about.uid.map(|uid| (provider_ref(about.name), uid));
        let config_map = match about.origin {
            Some(Origin::ConfigMap { object, uid }) => Some((object.clone(), uid.as_str())),
            _ => None,
        };
        for (object, uid) in provider.into_iter().chain(config_map) {
            self.0.record(Event {
                controller: CONTROLLER.to_owned(),
                regarding: Regarding { object, uid: uid.to_owned(), resource_version: String::new() },
                kind,
                reason: reason.to_owned(),
                action: ACTION.to_owned(),
                note: note.to_owned(),
            });
        }
    }
}

impl About<'_> {
    fn origin(&self) -> String {
        self.origin.map(ToString::to_string).unwrap_or_default()
    }
}
