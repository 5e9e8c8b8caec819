//! From source to running provider: sources deliver artifacts, each provider's task loads the newest, installs its kinds and
//! runs a controller for each of them.

mod artifact;
mod claims;
mod error;
mod install;
mod load;
mod provider;
mod registry;
mod report;
mod slot;
mod source;

pub use artifact::{Artifact, ArtifactError, Origin};
pub use error::ProviderError;
pub use registry::{Panicked, Providers, Sources};
