//! A small provider that lives beside others in end-to-end scenarios. Each `Note` keeps its text in a `ConfigMap`,
//! `note-<name>` in its own namespace, for as long as it exists.

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

impl Note {
    fn write(&self) -> Result<Value> {
        let stored = cluster::apply(&self.config_map, self.desired.clone())?;
        debug!(target = self.config_map; "written");
        Ok(json!({"written": stored["data"]["text"]}))
    }
}

impl External for Note {
    const KIND: Kind = crd!("crds/notes.yaml");
    // The ConfigMap's name follows from the Note's.
    const RECOVERABLE: bool = true;
    type Spec = NoteSpec;

    fn connect(note: &Managed<NoteSpec>) -> Result<Self> {
        Ok(Self {
            config_map: note.beside("v1", "ConfigMap", format!("note-{}", note.name())),
            desired: json!({"data": {"text": note.spec.text}}),
        })
    }

    fn observe(&mut self, _: &Managed<NoteSpec>) -> Result<Observation> {
        let Some(actual) = cluster::find::<Value>(&self.config_map)? else {
            return Ok(Observation::missing());
        };
        let written = json!({"written": actual["data"]["text"]});
        Ok(Observation::compare(&self.desired, &actual).status(written).ready())
    }

    fn create(&mut self, _: &Managed<NoteSpec>) -> Result<Creation> {
        Ok(Creation::done().external_name(&self.config_map.name).status(self.write()?))
    }

    fn update(&mut self, _: &Managed<NoteSpec>) -> Result<Change> {
        Ok(Change::done().status(self.write()?))
    }

    fn delete(&mut self, _: &Managed<NoteSpec>) -> Result<()> {
        Ok(cluster::delete(&self.config_map)?)
    }
}
