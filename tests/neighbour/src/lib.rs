//! A small provider that lives beside others in end-to-end scenarios. Each `Note` keeps its text in a `ConfigMap` of its own
//! namespace for as long as it exists: the one that its external name says, else `note-<name>`.

use capstan_sdk::{
    Change, Creation, External, Kind, Managed, Observation, Result, Value,
    cluster::{self, ObjectRef},
    crd, debug, json,
};
use serde::Deserialize;

capstan_sdk::export! {
    name: "neighbour",
    version: env!("CARGO_PKG_VERSION"),
    needs: "grants.yaml",
    kinds: [Note],
}

/// The `spec` of a `Note`.
#[derive(Debug, Deserialize)]
pub struct NoteSpec {
    /// What the `ConfigMap` is to hold.
    pub text: String,
}

/// The `ConfigMap` of one `Note`.
#[derive(Debug)]
pub struct Note {
    config_map: ObjectRef,
    desired: Value,
}

fn written(config_map: &Value) -> Value {
    json!({"written": config_map["data"]["text"]})
}

impl External for Note {
    const KIND: Kind = crd!("crds/notes.yaml");
    // The ConfigMap's name follows from the Note.
    const RECOVERABLE: bool = true;
    type Spec = NoteSpec;

    fn connect(note: &Managed<NoteSpec>) -> Result<Self> {
        let name = note.external_name().map_or_else(|| format!("note-{}", note.name()), str::to_owned);
        Ok(Self {
            config_map: note.beside("v1", "ConfigMap", name),
            desired: json!({"data": {"text": note.spec.text}}),
        })
    }

    fn observe(&mut self, _: &Managed<NoteSpec>) -> Result<Observation> {
        let Some(actual) = cluster::find::<Value>(&self.config_map)? else {
            return Ok(Observation::missing());
        };
        Ok(Observation::compare(&self.desired, &actual).status(written(&actual)).ready())
    }

    fn create(&mut self, _: &Managed<NoteSpec>) -> Result<Creation> {
        let ObjectRef { api_version, kind, namespace, name } = &self.config_map;
        // An apply would hide that it is made twice. If it was made before and the answer was lost, it is found by observing.
        let stored = cluster::create(&json!({
            "apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": namespace},
            "data": self.desired["data"],
        }))?;
        debug!(target = self.config_map; "created");
        Ok(Creation::done().external_name(name).status(written(&stored)))
    }

    fn update(&mut self, _: &Managed<NoteSpec>) -> Result<Change> {
        let stored = cluster::apply(&self.config_map, self.desired.clone())?;
        debug!(target = self.config_map; "written");
        Ok(Change::done().status(written(&stored)))
    }

    fn delete(&mut self, _: &Managed<NoteSpec>) -> Result<()> {
        Ok(cluster::delete(&self.config_map)?)
    }
}
