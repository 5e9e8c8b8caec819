//! References to components in registries, and the manifests that they lead to: the reference in the first line, the
//! manifest in the rest.

use capstan_oci::{Artifact, Digest, Reference};
use serde_json::Value;

use super::is_fit_to_show;

pub(crate) const WORDS: &[&str] = &[
    "@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "sha512:",
    "https://",
    "localhost:5000/",
    "[::1]:5000/",
    "docker.io/library/",
    "user@",
    ":65536/",
    ":1.0",
    ":",
    "/",
    "..",
    "__",
    "%2f",
    "?x=y",
    "#",
    "\\",
    "\t",
    "\u{1b}[2J",
    "{}",
    "[]",
    "null",
    "-1",
    "18446744073709551616",
    "\"application/wasm\"",
    "\"application/vnd.wasm.config.v0+json\"",
];

pub(crate) fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (reference, manifest) = text.split_once('\n').unwrap_or((&text, ""));
    let reference = match reference.parse::<Reference>() {
        Ok(reference) => {
            names_one_thing(&reference, reference.to_string().as_str());
            reference
        }
        Err(error) => {
            is_fit_to_show(&error.to_string());
            "registry.example.org/patch:1".parse().expect("a reference")
        }
    };
    match Artifact::read(&reference, manifest.as_bytes()) {
        Ok(artifact) => is_the_same_component(&reference, &artifact, manifest),
        Err(error) => is_fit_to_show(&error.to_string()),
    }
}

fn names_one_thing(reference: &Reference, written: &str) {
    assert_eq!(written.parse::<Reference>().as_ref(), Ok(reference));
    // Nothing in it leads elsewhere when it stands in a URL.
    let path = format!("{}/{}", reference.repository(), reference.tag().unwrap_or("latest"));
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte);
    assert!(path.bytes().all(harmless), "{path}");
    assert!(!path.split('/').any(|segment| segment.is_empty() || segment == "." || segment == ".."), "{path}");
    let host = format!("https://{}/", reference.registry());
    let url = url::Url::parse(&host).expect("a registry is a host");
    assert_eq!((url.path(), url.query(), url.username()), ("/", None, ""), "{host}");
    let pinned = reference.pinned(Digest::of(b""));
    assert_eq!(pinned.to_string().parse::<Reference>(), Ok(pinned));
}

/// Written otherwise, a manifest is another one of the same component.
fn is_the_same_component(reference: &Reference, artifact: &Artifact, manifest: &str) {
    assert_eq!(artifact.manifest, Digest::of(manifest.as_bytes()));
    // What stands there besides may be too much to be read.
    let Ok(value) = serde_json::from_str::<Value>(manifest) else { return };
    let again = Artifact::read(reference, value.to_string().as_bytes()).expect("read as it was written");
    assert_eq!((&again.component, again.size), (&artifact.component, artifact.size));
}
