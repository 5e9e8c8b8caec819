//! Scripts: the requests of a topic, as data.

mod step;
mod variables;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

pub use step::{Payload, Step, Until};
pub use variables::Variables;

/// The requests about one topic, in order. They have a namespace and an API group of their own.
#[derive(Debug)]
pub struct Script {
    /// Name of the file without `.yaml`. Also the beginning of the names of its namespace and API group.
    pub topic: String,
    /// At least one, with distinct names.
    pub steps: Vec<Step>,
}

impl Script {
    /// Reads a script and the parts it includes, and checks that its steps can be played.
    ///
    /// # Errors
    /// A file that cannot be read, an unknown or contradicting field, two steps of one name.
    pub fn load(file: &Path) -> Result<Self> {
        let topic = file.file_stem().and_then(|stem| stem.to_str()).context("a script is NAME.yaml")?.to_owned();
        let mut steps = Vec::new();
        for step in read(file)? {
            match &step.include {
                Some(part) => steps.extend(read(&file.with_file_name("parts").join(format!("{part}.yaml")))?),
                None => steps.push(step),
            }
        }
        ensure!(!steps.is_empty(), "{topic}: no steps");
        let mut names = BTreeSet::new();
        for step in &steps {
            step.check().with_context(|| format!("{topic} / {}", step.name))?;
            if !names.insert(&step.name) {
                bail!("{topic} / {}: two steps have this name", step.name);
            }
        }
        Ok(Self { topic, steps })
    }

    /// All scripts of a directory, by topic.
    ///
    /// # Errors
    /// A directory that cannot be read, and what [`Script::load`] refuses.
    pub fn load_all(directory: &Path) -> Result<Vec<Self>> {
        let entries = fs::read_dir(directory).with_context(|| format!("{}", directory.display()))?;
        let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
        files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
        files.sort();
        files.iter().map(|file| Self::load(file)).collect()
    }
}

fn read(file: &Path) -> Result<Vec<Step>> {
    let text = fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
    serde_saphyr::from_str(&text).with_context(|| format!("{}", file.display()))
}
