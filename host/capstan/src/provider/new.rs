//! `capstan provider new`: a provider to begin with, which builds and reconciles as it is.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::{cli, documents::print_text};

/// Where each file goes, and what it is made from.
const FILES: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("scaffold/Cargo.toml.in")),
    ("build.rs", include_str!("scaffold/build.rs.in")),
    (".gitignore", "/target\n/providers\n/capstan.kubeconfig\n"),
    ("README.md", include_str!("scaffold/README.md.in")),
    ("cases/lifecycle.yaml", include_str!("scaffold/case.yaml.in")),
    ("crds/@plural@.yaml", include_str!("scaffold/definition.yaml.in")),
    ("grants.yaml", include_str!("scaffold/grants.yaml.in")),
    ("sample.yaml", include_str!("scaffold/sample.yaml.in")),
    ("src/lib.rs", include_str!("scaffold/lib.rs.in")),
    ("tests/lifecycle.rs", include_str!("scaffold/test.rs.in")),
];

/// Names that the scaffold's code has for something else.
const TAKEN: &[&str] = &[
    "Change",
    "Creation",
    "Err",
    "External",
    "Kind",
    "Managed",
    "None",
    "ObjectRef",
    "Observation",
    "Ok",
    "Option",
    "Result",
    "Self",
    "Some",
    "Spec",
    "String",
    "Value",
];

pub(super) fn run(options: &cli::New) -> Result<()> {
    check_name(&options.name)?;
    let words = Words::of(options)?;
    let folder = options.path.clone().unwrap_or_else(|| PathBuf::from(&options.name));
    ensure_free(&folder)?;
    for (path, text) in FILES {
        let path = folder.join(words.fill(path));
        let parent = path.parent().unwrap_or(&folder);
        fs::create_dir_all(parent).with_context(|| format!("{} cannot be made", parent.display()))?;
        fs::write(&path, words.fill(text)).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let shown = folder.display();
    print_text(&format!(
        "Made {shown}: provider {} with the kind {} ({}/v1alpha1). Next:\n\n    cd {shown}\n    cargo test\n\nand on as its \
         README.md says.\n",
        options.name, words.kind, options.group
    ))
}

/// What a provider's name can be, and begins with a letter, as names of packages must.
fn check_name(name: &str) -> Result<()> {
    capstan_providers::check_name(name)?;
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        bail!("the name {name:?} begins with a digit, which no package's name does: put a letter before it");
    }
    Ok(())
}

/// What the files leave open.
struct Words {
    kind: String,
    pairs: Vec<(&'static str, String)>,
}

impl Words {
    fn of(options: &cli::New) -> Result<Self> {
        let kind = options.kind.clone().unwrap_or_else(|| in_camel_case(&options.name));
        check_kind(&kind)?;
        let singular = kind.to_ascii_lowercase();
        let pairs = vec![
            ("@crate@", format!("{}_provider", options.name.replace('-', "_"))),
            ("@group@", options.group.clone()),
            ("@kind@", kind.clone()),
            ("@name@", options.name.clone()),
            ("@plural@", plural(&singular)),
            ("@sdk@", sdk(&options.sdk)?),
            ("@singular@", singular),
        ];
        Ok(Self { kind, pairs })
    }

    fn fill(&self, text: &str) -> String {
        self.pairs.iter().fold(text.to_owned(), |text, (mark, word)| text.replace(mark, word))
    }
}

/// The SDK's folder as a string of TOML, whose basic strings are written like those of JSON.
fn sdk(path: &Path) -> Result<String> {
    let whole = path.canonicalize().with_context(|| format!("--sdk {} cannot be found", path.display()))?;
    if !whole.join("Cargo.toml").is_file() || !whole.join("macros").is_dir() {
        bail!("--sdk {} is not the folder guest-sdk of a checkout of Capstan", path.display());
    }
    let text = whole.to_str().with_context(|| format!("{} is no text that a manifest can hold", whole.display()))?;
    Ok(json!(text).to_string())
}

/// Nothing is ever overwritten.
fn ensure_free(folder: &Path) -> Result<()> {
    match fs::read_dir(folder).map(|mut entries| entries.next()) {
        Ok(None) => Ok(()),
        Ok(Some(_)) => bail!("{} is there and not empty: name another folder with --path", folder.display()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("{} cannot be used", folder.display())),
    }
}

/// `git-hub` is `GitHub`.
fn in_camel_case(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
    };
    name.split('-').map(capital).collect()
}

fn check_kind(kind: &str) -> Result<()> {
    let fine = kind.len() <= 50
        && kind.starts_with(|first: char| first.is_ascii_uppercase())
        && kind.chars().all(|letter| letter.is_ascii_alphanumeric());
    if !fine {
        bail!("the kind {kind:?} cannot be one: name it with --kind, in CamelCase, with at most 50 letters and digits");
    }
    if TAKEN.contains(&kind) {
        bail!("the kind {kind} has the name of something else in its code: name another one with --kind");
    }
    Ok(())
}

/// As Kubernetes and its users would build it.
fn plural(singular: &str) -> String {
    let before_y = singular.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'i', 'o', 'u']));
    match before_y {
        Some(stem) => format!("{stem}ies"),
        None if ["s", "x", "z", "ch", "sh"].iter().any(|end| singular.ends_with(end)) => format!("{singular}es"),
        None => format!("{singular}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_follow_from_names() {
        for (name, kind) in [("hello", "Hello"), ("git-hub", "GitHub"), ("s3", "S3"), ("a--b", "AB")] {
            assert_eq!(in_camel_case(name), kind);
            assert!(check_kind(kind).is_ok());
        }
        for wrong in ["", "hello", "1st", "Hello-World", "Größe", "Result", &"K".repeat(51)] {
            assert!(check_kind(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn plurals_are_what_people_expect() {
        for (one, many) in [
            ("note", "notes"),
            ("policy", "policies"),
            ("key", "keys"),
            ("bus", "buses"),
            ("box", "boxes"),
            ("branch", "branches"),
        ] {
            assert_eq!(plural(one), many);
        }
    }

    #[test]
    fn no_mark_is_left_open() {
        let words = Words {
            kind: "Note".to_owned(),
            pairs: ["@crate@", "@group@", "@kind@", "@name@", "@plural@", "@sdk@", "@singular@"]
                .map(|mark| (mark, "word".to_owned()))
                .into(),
        };
        let letters = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase());
        for (path, text) in FILES {
            for filled in [words.fill(path), words.fill(text)] {
                let open = filled.split('@').skip(1).find(|between| letters(between));
                assert_eq!(open, None, "{path}");
            }
        }
    }
}
