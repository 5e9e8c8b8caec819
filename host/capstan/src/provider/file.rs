//! A provider in a file, looked into by the same code that the host loads it with.

use std::{
    fs::File,
    io::{IsTerminal, Read},
    num::NonZeroU32,
    path::Path,
    time::Duration,
};

use anyhow::{Context, Error, Result, bail};
use bytes::Bytes;
use capstan_providers::{ArtifactError, MAX_COMPONENT_BYTES, ProviderError};
use capstan_sandbox::{Component, Descriptor, LoadError, Settings};
use flate2::{Compression, GzBuilder, read::GzEncoder};

use crate::code;

/// What a gzip file begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What WebAssembly begins with.
const WASM: &[u8] = b"\0asm";

/// People should not wonder longer what is going on.
const UNEXPLAINED: Duration = Duration::from_secs(1);

/// A provider that could be loaded by a host of this version.
pub(super) struct ProviderFile {
    pub(super) component: Component,
    pub(super) descriptor: Descriptor,
    /// The component as it is.
    pub(super) plain: Bytes,
    /// The file, if it was packed already.
    given: Option<Vec<u8>>,
}

impl ProviderFile {
    /// Reads, checks and compiles it, and asks it what it is.
    pub(super) async fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        let given = read(path).with_context(|| format!("{shown} cannot be read"))?;
        let (plain, given) = if given.starts_with(&GZIP) {
            (capstan_providers::unpack(&shown.to_string(), &given)?, Some(given))
        } else {
            (given, None)
        };
        let plain = Bytes::from(plain);
        let is_wasm = plain.starts_with(WASM);
        // Whoever looks into a file need not trust it: it is compiled as a host does it, and once.
        let sandbox = code::sandbox(Settings { concurrency: NonZeroU32::MIN, ..Settings::default() })?;
        let (component, descriptor) = explained(path, capstan_providers::describe(plain.clone(), &sandbox))
            .await
            .map_err(|error| refused(path, is_wasm, error))?;
        Ok(Self { component, descriptor, plain, given })
    }

    /// The component as a `ConfigMap` carries it.
    pub(super) fn packed(&self) -> Result<Vec<u8>> {
        let packed = pack(&self.plain)?;
        // Somebody may have packed it better.
        Ok(self.given.clone().filter(|given| given.len() < packed.len()).unwrap_or(packed))
    }

    /// The version of the contract that it was built for.
    pub(super) fn contract(&self) -> &str {
        let version = self.component.exports().iter().find_map(|name| {
            let (interface, version) = name.split_once('@')?;
            interface.starts_with("capstan:provider/").then_some(version)
        });
        version.unwrap_or_default()
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_COMPONENT_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_COMPONENT_BYTES {
        bail!(ArtifactError::TooLarge);
    }
    Ok(bytes)
}

/// The same bytes every time: without name and date of a file.
fn pack(component: &[u8]) -> Result<Vec<u8>> {
    let mut packed = Vec::new();
    let mut encoder: GzEncoder<&[u8]> = GzBuilder::new().read(component, Compression::best());
    encoder.read_to_end(&mut packed).context("the component cannot be packed")?;
    Ok(packed)
}

/// Says what takes so long, to people.
async fn explained<T>(path: &Path, work: impl Future<Output = T>) -> T {
    let explain = async {
        tokio::time::sleep(UNEXPLAINED).await;
        if std::io::stderr().is_terminal() {
            eprintln!("compiling {} ...", path.display());
        }
        std::future::pending().await
    };
    tokio::select! {
        done = work => done,
        never = explain => never,
    }
}

/// The reason, and what to do where the reason alone does not say it.
fn refused(path: &Path, is_wasm: bool, error: ProviderError) -> Error {
    let error = match error {
        // A parser has more to say about it than anybody wants to read.
        ProviderError::Load(LoadError::Malformed(_)) if !is_wasm => {
            ProviderError::Load(LoadError::Malformed("it is not WebAssembly".to_owned()))
        }
        other => other,
    };
    let advice = match &error {
        ProviderError::Load(LoadError::Malformed(_) | LoadError::MissingExport(_) | LoadError::Contract(_)) => {
            Some("give the .wasm file of a provider, built for wasm32-wasip2 with the capstan SDK")
        }
        ProviderError::Load(LoadError::Version { .. }) => {
            Some("build it anew with the SDK of a version named here, or use a host that supports its version")
        }
        ProviderError::Describe(_) => {
            Some("`describe` must answer within a second and without calling the host; test it as the guide says")
        }
        _ => None,
    };
    let refused = match advice {
        Some(advice) => Error::msg(format!("{error}; {advice}")),
        None => Error::new(error),
    };
    refused.context(format!("{} cannot be used", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_is_repeatable_and_undone_by_the_host() {
        let component = b"component ".repeat(1_000);
        let packed = pack(&component).unwrap();
        assert_eq!(packed, pack(&component).unwrap());
        assert_eq!(capstan_providers::unpack("it", &packed).unwrap(), component);
    }
}
