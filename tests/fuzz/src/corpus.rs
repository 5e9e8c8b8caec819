//! Inputs to begin with.

use std::{
    borrow::Cow,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use crate::Target;

/// The inputs of one target that are kept in the repository: samples of ours, and whatever once broke something.
#[derive(Debug, Clone)]
pub struct Corpus(Vec<(PathBuf, Vec<u8>)>);

impl Corpus {
    /// Reads it. What is in the text format of WebAssembly is there assembled too.
    pub fn of(target: Target) -> Result<Self> {
        let folder = Self::folder(target);
        let read = || -> std::io::Result<Vec<_>> {
            let paths = fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
            paths.into_iter().map(|path| Ok((path.clone(), fs::read(path)?))).collect()
        };
        let mut inputs = read().with_context(|| format!("{} cannot be read", folder.display()))?;
        ensure!(!inputs.is_empty(), "{} is empty", folder.display());
        let assembled = inputs.iter().filter(|(path, _)| path.extension().is_some_and(|extension| extension == "wat"));
        let assembled: Result<Vec<_>, _> =
            assembled.map(|(path, text)| Ok::<_, wat::Error>((path.with_extension("wasm"), bytes(text)?))).collect();
        inputs.extend(assembled.context("WebAssembly that cannot be assembled")?);
        // The order of a folder is another one on every machine.
        inputs.sort();
        Ok(Self(inputs))
    }

    /// Where it is.
    #[must_use]
    pub fn folder(target: Target) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name())
    }

    /// Files and what is in them, by name.
    pub fn files(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        self.0.iter().map(|(path, bytes)| (path.as_path(), bytes.as_slice()))
    }
}

fn bytes(text: &[u8]) -> Result<Vec<u8>, wat::Error> {
    wat::parse_bytes(text).map(Cow::into_owned)
}
