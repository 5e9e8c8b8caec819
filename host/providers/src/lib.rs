//! From source to running provider: sources deliver artifacts, each provider's task loads the newest, installs its kinds and
//! runs a controller for each of them.

mod artifact;
mod claims;
mod error;
mod fenced;
mod install;
mod load;
mod provider;
mod registry;
mod report;
mod reviewer;
mod slot;
mod source;
mod terms;

pub mod rights;

pub use artifact::{Artifact, ArtifactError, MAX_COMPONENT_BYTES, Origin, check_name, unpack};
pub use error::{ProviderError, RightsMissing};
pub use install::INSTALLED_FOR;
pub use load::{check_kinds, describe};
pub use registry::{Panicked, Providers, Sources};
pub use source::config_map::{GRANTS, PACKED};
