//! Where providers come from. Each source is a task that says what it finds, and says it again when it changes.

pub(crate) mod config_map;
pub(crate) mod directory;

use crate::artifact::{Artifact, ArtifactError, Origin};

/// One thing a source has to say about one provider name.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) name: String,
    pub(crate) content: Content,
}

#[derive(Debug)]
pub(crate) enum Content {
    /// New, or changed.
    Arrived(Artifact),
    /// There, and of no use. What ran before goes on running.
    Broken { origin: Origin, error: ArtifactError },
    /// No longer there.
    Gone(Origin),
}
