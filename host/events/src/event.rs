//! What happened to which object.

use capstan_api::{ObjectRef, api_version};
use serde_json::{Value, json};

use crate::note;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Event {
    /// Who says so: `reportingController`, e.g. `capstan.dev/patch`.
    pub controller: String,
    /// The object it is about.
    pub regarding: Regarding,
    /// How bad it is.
    pub kind: EventKind,
    /// Why, as one CamelCase word.
    pub reason: String,
    /// What was done or tried, as one CamelCase word.
    pub action: String,
    /// For people; cut at 1,024 bytes.
    pub note: String,
}

/// The object an event is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Regarding {
    /// Its kind and name.
    pub object: ObjectRef,
    /// Its `metadata.uid`.
    pub uid: String,
    /// Its `metadata.resourceVersion`.
    pub resource_version: String,
}

/// How bad an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// As it should be.
    Normal,
    /// Somebody should look.
    Warning,
}

impl EventKind {
    fn text(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

impl Event {
    /// Where it is stored: with its object, or in `default` for one without a namespace, as client-go does.
    pub(crate) fn namespace(&self) -> &str {
        self.regarding.object.key.namespace.as_deref().unwrap_or("default")
    }

    /// As the API server takes it.
    pub(crate) fn body(&self, name: &str, instance: &str, time: &str) -> Value {
        let ObjectRef { kind, key } = &self.regarding.object;
        let mut regarding = json!({
            "apiVersion": api_version(kind),
            "kind": kind.kind,
            "name": key.name,
            "uid": self.regarding.uid,
            "resourceVersion": self.regarding.resource_version,
        });
        if let Some(namespace) = &key.namespace {
            regarding["namespace"] = json!(namespace);
        }
        json!({
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": self.namespace()},
            "eventTime": time,
            "reportingController": self.controller,
            "reportingInstance": instance,
            "regarding": regarding,
            "type": self.kind.text(),
            "reason": self.reason,
            "action": self.action,
            "note": note::cut(&self.note),
        })
    }
}
