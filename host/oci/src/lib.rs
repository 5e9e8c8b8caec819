//! Components in registries: pulled by digest or by tag, and pushed, as the Wasm OCI artifact layout has them.
//!
//! A registry is not trusted with anything but its own content. Whatever it answers is bounded in size and time, is checked against
//! the digests that lead to it, and cannot lead to plain HTTP. What is common to all requests is in `session`, what is asked
//! of a registry in `repository`, and what an artifact has to look like in `manifest`.
//!
//! It is not the crate `oci-client` (0.18) because that reads manifests and tokens without a bound, follows redirects to wherever
//! they lead, also to plain HTTP, goes through proxies of the environment, and panics at a token that no header can hold. One
//! registry of one provider must not bring down a host that runs a hundred.

mod answer;
mod authorization;
mod connect;
mod credentials;
mod digest;
mod error;
mod manifest;
mod reference;
mod repository;
mod session;

pub use connect::Client;
pub use credentials::{Credentials, CredentialsError, DockerConfig};
pub use digest::{Digest, InvalidDigest};
pub use error::{Error, Retry};
pub use manifest::{Artifact, CONFIG_TYPE, Config, LAYER_TYPE};
pub use reference::{InvalidReference, Reference};
pub use repository::{Access, Repository};
