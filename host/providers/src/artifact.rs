//! A provider as it was delivered: bytes and grants, not yet looked into.

use std::{fmt, io::Read, sync::Arc};

use bytes::Bytes;
use capstan_api::ObjectRef;

use crate::PullError;

/// The largest component that is taken, unpacked. The sandbox refuses larger ones as well; here the bound keeps a small
/// compressed delivery from filling the memory.
pub const MAX_COMPONENT_BYTES: u64 = 32 << 20;

/// What a source found under a provider's name.
#[derive(Debug, Clone, Eq)]
pub struct Artifact {
    /// The component.
    pub component: Bytes,
    /// The grants file; empty if there is none.
    pub grants: Arc<str>,
    /// Where it came from.
    pub origin: Origin,
}

impl PartialEq for Artifact {
    /// The same delivery is compared over and over: its bytes, which are megabytes, are not looked at.
    fn eq(&self, other: &Self) -> bool {
        let same = self.component.as_ptr() == other.component.as_ptr() && self.component.len() == other.component.len();
        self.origin == other.origin && self.grants == other.grants && (same || self.component == other.component)
    }
}

/// Where a provider came from. Two deliveries of one name from different origins are a conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file of the providers directory.
    File(String),
    /// A `ConfigMap` of the host's namespace.
    ConfigMap {
        /// Its name.
        object: ObjectRef,
        /// `metadata.uid`, for events.
        uid: String,
    },
    /// An artifact in a registry.
    Registry {
        /// Where it was looked for, as the `Provider` has it.
        reference: String,
        /// Of the manifest that was found there.
        manifest: Option<String>,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(name) => write!(f, "file {name}"),
            Self::ConfigMap { object, .. } => write!(f, "{object}"),
            Self::Registry { reference, .. } => write!(f, "artifact {reference}"),
        }
    }
}

/// A delivery that cannot be a provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArtifactError {
    /// The name is used for field managers, events and metrics, and must fit all of them.
    #[error(
        "`{0}` is no provider name: use at most 40 lower-case letters, digits and hyphens, beginning and ending with a \
         letter or digit"
    )]
    Name(String),
    /// Neither key is there.
    #[error(
        "the ConfigMap has neither `provider.wasm` nor `provider.wasm.gz` under binaryData: put the component there"
    )]
    NoComponent,
    /// Both keys are there.
    #[error("the ConfigMap has both `provider.wasm` and `provider.wasm.gz`: keep one")]
    TwoComponents,
    /// The bytes are not what the key says.
    #[error("`{key}` cannot be read: {message}")]
    Unreadable {
        /// Which key or file.
        key: String,
        /// What went wrong.
        message: String,
    },
    /// Too large, unpacked.
    #[error(
        "the component is larger than {MAX_COMPONENT_BYTES} bytes: build it with `--profile guest` settings (size, LTO, strip)"
    )]
    TooLarge,
    /// It does not come from its registry.
    #[error(transparent)]
    Pull(#[from] PullError),
}

impl ArtifactError {
    /// For events and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Name(_) => "NameInvalid",
            Self::NoComponent | Self::TwoComponents | Self::Unreadable { .. } => "SourceInvalid",
            Self::TooLarge => "ComponentTooLarge",
            Self::Pull(error) => error.reason(),
        }
    }
}

/// The component in a gzip file.
///
/// # Errors
/// [`ArtifactError::Unreadable`], with this `key`, if it is none; [`ArtifactError::TooLarge`] beyond
/// [`MAX_COMPONENT_BYTES`], of which no more is ever kept.
pub fn unpack(key: &str, packed: &[u8]) -> Result<Vec<u8>, ArtifactError> {
    let mut component = Vec::new();
    // One byte more than allowed tells "exactly as large" from "too large".
    flate2::read::GzDecoder::new(packed)
        .take(MAX_COMPONENT_BYTES + 1)
        .read_to_end(&mut component)
        .map_err(|error| ArtifactError::Unreadable { key: key.to_owned(), message: error.to_string() })?;
    if component.len() as u64 > MAX_COMPONENT_BYTES {
        return Err(ArtifactError::TooLarge);
    }
    Ok(component)
}

/// Refuses names that would not fit where they are used.
pub fn check_name(name: &str) -> Result<(), ArtifactError> {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let fine =
        (1..=40).contains(&name.len()) && name.bytes().all(inner) && !name.starts_with('-') && !name.ends_with('-');
    if fine { Ok(()) } else { Err(ArtifactError::Name(name.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dns_labels() {
        for name in ["patch", "a", "my-provider-2"] {
            assert_eq!(check_name(name), Ok(()));
        }
        for name in ["", "-a", "a-", "A", "a.b", "a/b", &"x".repeat(41)] {
            assert_eq!(check_name(name), Err(ArtifactError::Name(name.to_owned())));
        }
    }
}
