//! Where components come from. Each source is a task that says what it finds, and says it again when it changes.

pub(crate) mod config_map;
pub(crate) mod directory;
pub(crate) mod oci;

use capstan_api::Source;

pub use directory::Directory;

use crate::artifact::{Artifact, ArtifactError, Origin};

/// Where a source found something.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// The `ConfigMap` of this name, for its label.
    Labelled(String),
    /// The `ConfigMap` of this name, since a `Provider` names it.
    Named(String),
    /// The file of this name.
    File(String),
}

/// What is told all at once at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listing {
    /// Labelled `ConfigMap`s.
    ConfigMaps,
    /// Files.
    Files,
}

/// One thing a source has to say.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// All that there is is told from here on, also what was told before: a source that panicked is begun anew, and knows nothing of
    /// that. Those of one place that a `Provider` names do not say so: they say that it is there, or not.
    Begun(Listing),
    /// All that there was at the start has been told.
    Listed(Listing),
    /// New, or changed.
    Found(Place, Box<Found>),
    /// Not there, or no longer.
    Gone(Place),
}

/// What stands at a place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    /// Whose it is to be, as the label or the file's name says.
    pub(crate) provider: Option<String>,
    pub(crate) origin: Origin,
    /// Or why it is of no use.
    pub(crate) artifact: Result<Artifact, ArtifactError>,
}

impl Listing {
    /// As in the log and in metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ConfigMaps => "labelled",
            Self::Files => "files",
        }
    }

    /// Whether what stands at a place is told in it.
    pub(crate) fn has(self, place: &Place) -> bool {
        matches!((self, place), (Self::ConfigMaps, Place::Labelled(_)) | (Self::Files, Place::File(_)))
    }
}

impl Place {
    /// As a `Provider` names it.
    pub(crate) fn source(&self) -> Source {
        match self {
            Self::Labelled(name) | Self::Named(name) => Source::ConfigMap { name: name.clone() },
            Self::File(name) => Source::File { name: name.clone() },
        }
    }
}
