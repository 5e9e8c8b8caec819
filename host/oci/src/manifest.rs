//! The Wasm OCI artifact layout: a manifest with a config that says "WebAssembly", and one layer that is the component.
//!
//! As the CNCF's working group for WebAssembly wrote it down, so that what others push is pulled and the other way round.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Digest, Error, Reference};

/// The media type of an artifact's config.
pub const CONFIG_TYPE: &str = "application/vnd.wasm.config.v0+json";
/// The media type of a component.
pub const LAYER_TYPE: &str = "application/wasm";
pub(crate) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

/// Asked for as well, so that a registry says what is there instead of that it has nothing.
pub(crate) const ACCEPTED: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
                                   application/vnd.docker.distribution.manifest.v2+json, \
                                   application/vnd.docker.distribution.manifest.list.v2+json";

/// Longer words of others are cut.
const SHOWN: usize = 120;

/// A component in a registry, known by its manifest and not fetched yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Of the manifest.
    pub manifest: Digest,
    /// Of the component: the sha256 of its bytes.
    pub component: Digest,
    /// Of the component, in bytes, as the manifest says.
    pub size: u64,
}

/// What an artifact's config says about its component.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// RFC 3339. Part of the digest: the same component with another time is another artifact.
    pub created: String,
    /// Interfaces that the component exports.
    pub exports: Vec<String>,
    /// Interfaces that it imports.
    pub imports: Vec<String>,
    /// What stands beside the layer for people: `org.opencontainers.image.title` and the like.
    pub annotations: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    /// A text, since another algorithm is no error of the document.
    #[serde(default)]
    digest: String,
    #[serde(default)]
    size: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    media_type: Option<String>,
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    schema_version: u32,
    media_type: &'a str,
    config: Descriptor,
    layers: [Descriptor; 1],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    created: &'a str,
    architecture: &'a str,
    os: &'a str,
    layer_digests: [&'a Digest; 1],
    component: Interfaces<'a>,
}

#[derive(Serialize)]
struct Interfaces<'a> {
    exports: &'a [String],
    imports: &'a [String],
}

impl Artifact {
    /// Reads a manifest. What is no component in this layout is refused with what was found instead.
    pub fn read(reference: &Reference, text: &[u8]) -> Result<Self, Error> {
        let other = |found: String| Error::NotWasm { reference: reference.to_string(), found };
        let Found { media_type, config, layers } = serde_json::from_slice(text)
            .map_err(|error| other(format!("its manifest cannot be read: {}", shown(&error.to_string()))))?;
        let Some(config) = config else {
            return Err(other(match media_type {
                Some(found) => format!("a manifest of the type `{}`", shown(&found)),
                None => "a manifest without a config".to_owned(),
            }));
        };
        if config.media_type != CONFIG_TYPE {
            return Err(other(format!("its config is of the type `{}`, not {CONFIG_TYPE}", shown(&config.media_type))));
        }
        let [layer] = layers.as_slice() else {
            return Err(other(format!("it has {} layers, not one", layers.len())));
        };
        if layer.media_type != LAYER_TYPE {
            return Err(other(format!("its layer is of the type `{}`, not {LAYER_TYPE}", shown(&layer.media_type))));
        }
        let component = layer.digest.parse().map_err(|error| other(format!("its layer: {error}")))?;
        Ok(Self { manifest: Digest::of(text), component, size: layer.size })
    }
}

impl Config {
    /// As it is stored. `os` is what tools of others know a component by.
    pub(crate) fn written(&self, component: &Digest) -> Vec<u8> {
        let written = Written {
            created: &self.created,
            architecture: "wasm",
            os: "wasip2",
            layer_digests: [component],
            component: Interfaces { exports: &self.exports, imports: &self.imports },
        };
        // Texts and lists of texts always have a form in JSON.
        serde_json::to_vec(&written).unwrap_or_default()
    }

    /// The manifest of a component with this config.
    pub(crate) fn manifest(&self, config: &[u8], component: &[u8]) -> Vec<u8> {
        let descriptor = |media_type: &str, bytes: &[u8]| Descriptor {
            media_type: media_type.to_owned(),
            digest: Digest::of(bytes).into(),
            size: bytes.len() as u64,
        };
        let manifest = Manifest {
            schema_version: 2,
            media_type: MANIFEST_TYPE,
            config: descriptor(CONFIG_TYPE, config),
            layers: [descriptor(LAYER_TYPE, component)],
            annotations: &self.annotations,
        };
        // As above.
        serde_json::to_vec(&manifest).unwrap_or_default()
    }
}

/// Words of others, in one line.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn reference() -> Reference {
        "r.io/patch:1".parse().unwrap()
    }

    fn refusal(manifest: &Value) -> String {
        Artifact::read(&reference(), manifest.to_string().as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let config = Config { created: "1970-01-01T00:00:00Z".to_owned(), ..Config::default() };
        let stored = config.written(&Digest::of(b"wasm"));
        let manifest = config.manifest(&stored, b"wasm");
        let artifact = Artifact::read(&reference(), &manifest).unwrap();
        assert_eq!(artifact, Artifact { manifest: Digest::of(&manifest), component: Digest::of(b"wasm"), size: 4 });
        let config: Value = serde_json::from_slice(&stored).unwrap();
        assert_eq!(config["layerDigests"], json!([Digest::of(b"wasm")]));
        assert_eq!((&config["architecture"], &config["os"]), (&json!("wasm"), &json!("wasip2")));
    }

    #[test]
    fn anything_else_is_refused_by_what_it_is() {
        let digest = Digest::of(b"");
        let layer = |media_type: &str| json!({"mediaType": media_type, "digest": digest, "size": 1});
        let wasm = layer(CONFIG_TYPE);
        for (manifest, named) in [
            (json!({"mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}), "image.index"),
            (json!({"schemaVersion": 1}), "without a config"),
            (json!({"config": layer("application/vnd.oci.image.config.v1+json"), "layers": []}), "image.config"),
            (json!({"config": wasm, "layers": []}), "0 layers"),
            (json!({"config": wasm, "layers": [layer(LAYER_TYPE), layer(LAYER_TYPE)]}), "2 layers"),
            (json!({"config": wasm, "layers": [layer("application/tar\n+gzip")]}), "`application/tar+gzip`"),
            (json!({"config": wasm, "layers": [{"mediaType": LAYER_TYPE, "digest": "sha512:00"}]}), "sha512:00"),
            (json!([]), "cannot be read"),
        ] {
            let error = refusal(&manifest);
            assert!(error.contains(named) && error.contains("r.io/patch:1"), "{named}: {error}");
        }
    }
}
