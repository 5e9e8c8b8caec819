//! From source to running provider: a `Provider` says what is wanted, sources deliver components (and have a `Provider` made for
//! each), and each provider's task loads the newest, installs its kinds, runs a controller for each of them and says so in the
//! status of its object.

mod arrivals;
mod artifact;
mod breaker;
mod claims;
mod controllers;
mod departure;
mod drop_in;
mod error;
#[cfg(test)]
mod fake;
mod fenced;
mod install;
mod load;
mod metrics;
mod provider;
mod registry;
mod report;
mod reviewer;
mod running;
mod slot;
mod source;
mod status;
mod supervise;
mod tally;
mod terms;
mod usage;
mod wanted;

pub mod rights;

pub use arrivals::Arrivals;
pub use artifact::{Artifact, ArtifactError, MAX_COMPONENT_BYTES, Origin, check_name, unpack};
pub use error::{Holder, ProviderError, RightsMissing};
pub use install::{INSTALLED_FOR, Misfits};
pub use load::{check_kinds, check_limits, describe};
pub use registry::{Panicked, Providers, Sources};
pub use source::{
    Directory,
    config_map::{GRANTS, PACKED, labelled},
    oci::PullError,
};
