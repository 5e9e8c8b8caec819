//! What the built components import and export, compared with the world they are built for.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use capstan_e2e::plugin;
use wit_component::DecodedWasm;
use wit_parser::{Resolve, WorldId, WorldItem};

/// What standard libraries pull in, and a guest may therefore import besides the world.
const WASI: [&str; 6] = ["wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:io/", "wasi:random/", "wasi:sockets/"];

fn names<'a>(
    resolve: &Resolve,
    items: impl Iterator<Item = (&'a wit_parser::WorldKey, &'a WorldItem)>,
) -> BTreeSet<String> {
    items.map(|(key, _)| resolve.name_world_key(key)).collect()
}

fn sides(resolve: &Resolve, world: WorldId) -> (BTreeSet<String>, BTreeSet<String>) {
    let world = &resolve.worlds[world];
    (names(resolve, world.imports.iter()), names(resolve, world.exports.iter()))
}

#[test]
fn built_components_keep_the_contract() -> Result<()> {
    let mut contract = Resolve::default();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit");
    let (package, _) = contract.push_dir(folder).context("the contract cannot be read")?;
    let world = contract.select_world(&[package], Some("provider"))?;
    let (offered, wanted) = sides(&contract, world);
    for name in ["patch", "github", "neighbour", "hostile"] {
        let component = std::fs::read(plugin(name)?)?;
        let DecodedWasm::Component(resolve, world) = wit_component::decode(&component)? else {
            anyhow::bail!("{name} is no component");
        };
        let (imports, exports) = sides(&resolve, world);
        assert_eq!(exports, wanted, "{name} exports what the world asks for, and nothing else");
        let foreign: Vec<_> = imports
            .iter()
            .filter(|import| !offered.contains(*import) && !WASI.iter().any(|wasi| import.starts_with(wasi)))
            .collect();
        assert!(foreign.is_empty(), "{name} imports {foreign:?}");
    }
    Ok(())
}

#[test]
fn shipped_components_fit_a_config_map() -> Result<()> {
    for name in ["patch", "github"] {
        let component = std::fs::read(plugin(name)?)?;
        let mut packed = Vec::new();
        std::io::copy(&mut flate2::read::GzEncoder::new(&component[..], flate2::Compression::best()), &mut packed)?;
        assert!(packed.len() < 1 << 20, "{name} is {} bytes packed", packed.len());
    }
    Ok(())
}
