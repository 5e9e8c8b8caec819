//! Whether the tests are there that the documents name.

use std::{fs, path::Path};

use crate::cargo;

/// Where tests are.
const FOLDERS: [&str; 2] = ["host", "tests"];

/// What is to be found of tests: the text of all sources, and the names of files and folders, each on a line of its own.
fn sources() -> (String, Vec<String>) {
    fn read(folder: &Path, texts: &mut String, names: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, texts, names);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                *texts += &fs::read_to_string(&path).unwrap();
            } else {
                continue;
            }
            names.push(path.file_stem().unwrap().to_string_lossy().into_owned());
        }
    }
    let (mut texts, mut names) = (String::new(), Vec::new());
    for folder in FOLDERS {
        read(&cargo::root().join(folder), &mut texts, &mut names);
    }
    (texts, names)
}

/// Paths of tests and of modules of tests in the last column of the tables of a document: what stands in backticks and is made
/// of what names are made of.
fn named(document: &str) -> Vec<&str> {
    let is_name = |text: &&str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:".contains(&byte));
    let rows = document.lines().filter_map(|line| line.strip_suffix('|')?.rsplit('|').next());
    rows.flat_map(|cell| cell.split('`').skip(1).step_by(2)).filter(is_name).collect()
}

#[test]
fn tests_that_the_promises_name_are_there() {
    let document = fs::read_to_string(cargo::root().join("docs/security.md")).unwrap();
    let (texts, names) = sources();
    let paths = named(&document);
    assert!(paths.len() > 150, "only {} were found", paths.len());
    let missing: Vec<_> = paths.into_iter().filter(|path| !is_there(path, &texts, &names)).collect();
    assert!(missing.is_empty(), "there are no such tests: {missing:?}");
}

/// A function, a module, a trial with a name of its own, or a behaviour of the hostile guest.
fn is_there(path: &str, texts: &str, names: &[String]) -> bool {
    let last = path.rsplit("::").next().unwrap_or(path);
    let behaviour = |line: &str| {
        let rest = line.trim_start().strip_prefix(last).and_then(|rest| rest.strip_prefix(' '));
        rest.is_some_and(|variant| {
            variant.starts_with(|each: char| each.is_ascii_uppercase()) && variant.ends_with(',')
        })
    };
    texts.contains(&format!("fn {last}("))
        || texts.contains(&format!("\"{last}\""))
        || names.iter().any(|name| name == last)
        || texts.lines().any(behaviour)
}

#[test]
fn a_name_of_nothing_is_not_taken_for_one() {
    let texts = "fn one() {}\n  two Two,\n  (\"three\", f)\n// four\n";
    let there = |path: &str| is_there(path, texts, &["five".to_owned()]);
    assert!(["a::one", "two", "b::three", "five"].into_iter().all(there));
    assert!(!["four", "on", "tw", "six"].into_iter().any(there));
    let row = "| a `promise` | `one::two`, scenario `three`, `four.rs`, some text |\nbeside `nothing`";
    assert_eq!(named(row), ["one::two", "three"]);
}
