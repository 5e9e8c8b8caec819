//! What is fuzzed.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, Instant},
};

use crate::targets;

/// Something that takes the bytes or texts of strangers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Addresses that a name leads to.
    Address,
    /// What is looked at of a component before it is compiled, as bytes or in its text format.
    Component,
    /// What a provider says of itself.
    Describe,
    /// Grants files, and what providers ask for.
    Grants,
    /// Objects as an API server sends them, and the status that is written to them.
    Object,
    /// Objects and patches that a guest writes.
    Patch,
    /// References to components in registries.
    Reference,
    /// HTTP requests that a guest makes.
    Request,
}

/// No input may take as long. Far more than any does, as the machine may have other things to do.
const LONGEST: Duration = Duration::from_secs(10);

impl Target {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Address,
        Self::Component,
        Self::Describe,
        Self::Grants,
        Self::Object,
        Self::Patch,
        Self::Reference,
        Self::Request,
    ];

    /// As it is called on the command line, and its folder under `corpus/`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Component => "component",
            Self::Describe => "describe",
            Self::Grants => "grants",
            Self::Object => "object",
            Self::Patch => "patch",
            Self::Reference => "reference",
            Self::Request => "request",
        }
    }

    /// How many inputs a test run makes, so that it takes a second or two.
    #[must_use]
    pub fn inputs(self) -> u32 {
        match self {
            Self::Component | Self::Describe | Self::Grants => 3_000,
            Self::Address | Self::Object | Self::Patch | Self::Reference | Self::Request => 6_000,
        }
    }

    /// Words that mean something to it, to be put anywhere.
    #[must_use]
    pub fn words(self) -> &'static [&'static str] {
        match self {
            Self::Address => &["\0\0\0\0\0\0\0\0\0\0\u{7f}\u{7f}"],
            Self::Component => targets::component::WORDS,
            Self::Describe => targets::describe::WORDS,
            Self::Grants => targets::grants::WORDS,
            Self::Object => targets::object::WORDS,
            Self::Patch => targets::patch::WORDS,
            Self::Reference => targets::reference::WORDS,
            Self::Request => targets::request::WORDS,
        }
    }

    /// Gives it one input. Panics if something is not as it has to be.
    pub fn run(self, input: &[u8]) {
        let begun = Instant::now();
        match self {
            Self::Address => targets::address::run(input),
            Self::Component => targets::component::run(input),
            Self::Describe => targets::describe::run(input),
            Self::Grants => targets::grants::run(input),
            Self::Object => targets::object::run(input),
            Self::Patch => targets::patch::run(input),
            Self::Reference => targets::reference::run(input),
            Self::Request => targets::request::run(input),
        }
        let took = begun.elapsed();
        assert!(took < LONGEST, "{} bytes took {took:?}", input.len());
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Target {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self, anyhow::Error> {
        let names = Self::ALL.map(Self::name).join(", ");
        let found = Self::ALL.into_iter().find(|target| target.name() == name);
        found.ok_or_else(|| anyhow::anyhow!("{name:?} is no target: {names} are"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Corpus;

    #[test]
    fn every_folder_of_the_corpus_is_a_target_and_the_other_way_round() {
        let folder = Corpus::folder(Target::Grants);
        let folders = std::fs::read_dir(folder.parent().unwrap()).unwrap();
        let mut folders: Vec<String> =
            folders.map(|folder| folder.unwrap().file_name().into_string().unwrap()).collect();
        folders.sort();
        assert_eq!(folders, Target::ALL.map(Target::name));
        for target in Target::ALL {
            assert_eq!(target.name().parse::<Target>().unwrap(), target);
            assert!(Corpus::of(target).unwrap().files().count() > 0, "{target}");
        }
    }
}
