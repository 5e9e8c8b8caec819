//! Whether the component fits into a `ConfigMap`.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use flate2::{Compression, write::GzEncoder};

/// What a `ConfigMap` can hold, with room for its other keys and metadata.
const LIMIT: usize = (1 << 20) - (32 << 10);

/// The newest component that `cargo xtask plugins` or cargo itself built, none if there is none.
fn component() -> Option<PathBuf> {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).parent()?.to_owned();
    let places = [
        "plugins/github.wasm",
        "guests/wasm32-wasip2/guest/capstan_github.wasm",
        "wasm32-wasip2/guest/capstan_github.wasm",
    ];
    let built = places.into_iter().map(|place| target.join(place)).filter(|path| path.exists());
    built.max_by_key(|path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok())
}

#[test]
fn the_packed_component_fits_into_a_config_map() {
    let Some(component) = component() else {
        eprintln!(
            "!!! SKIPPED: the component's size is not tested: there is none, `cargo xtask plugins` builds it !!!"
        );
        return;
    };
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&fs::read(component).unwrap()).unwrap();
    let size = packed.finish().unwrap().len();
    assert!(size < LIMIT, "{size} bytes packed with gzip are more than {LIMIT}");
}
