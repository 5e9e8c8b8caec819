//! Whether the tests are there that the documents name.

use std::{fs, path::Path};

use crate::cargo;

/// Where tests are.
const FOLDERS: [&str; 2] = ["host", "tests"];
/// What the last column of a table is called that names tests.
const COLUMN: &str = "tested by";
/// Where the behaviours of the hostile guest are listed: each is a test.
const BEHAVIOURS: &str = "tests/hostile/src/behaviour.rs";

/// The paths of all tests: folders, file, modules in the file, name.
fn tests() -> Vec<Vec<String>> {
    fn read(folder: &Path, found: &mut Vec<Vec<String>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(cargo::root()).unwrap().to_str().unwrap();
                found.extend(in_file(name, &fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    for folder in FOLDERS {
        read(&cargo::root().join(folder), &mut found);
    }
    found
}

/// The paths of the tests of a file: functions that are said to be one right above, trials and scenarios that are registered by
/// their names, and behaviours.
fn in_file(file: &str, text: &str) -> Vec<Vec<String>> {
    let stem = file.strip_suffix(".rs").unwrap_or(file);
    let own = ["/mod", "/main", "/lib"].iter().find_map(|end| stem.strip_suffix(end)).unwrap_or(stem);
    let modules: Vec<&str> = own.split('/').collect();
    let mut found = functions(&modules, text);
    let mut add = |path: &[&str]| found.push(path.iter().map(|part| (*part).to_owned()).collect());
    if text.contains("Trial::test(") {
        for name in text.lines().filter_map(trial) {
            add(&[&modules[..], &[name]].concat());
        }
    }
    for (module, name) in scenarios(text) {
        add(&[module, name]);
    }
    if file == BEHAVIOURS {
        for name in text.lines().filter_map(behaviour) {
            add(&["hostile", name]);
        }
    }
    found
}

/// Functions with the attribute of a test, in modules that begin and end as rustfmt writes them.
fn functions(file: &[&str], text: &str) -> Vec<Vec<String>> {
    let (mut modules, mut found, mut is_test) = (Vec::<(&str, &str)>::new(), Vec::new(), false);
    for line in text.lines() {
        let code = line.trim_start();
        let indent = &line[..line.len() - code.len()];
        if let Some(name) =
            code.strip_suffix(" {").and_then(|head| head.split("mod ").nth(1)).filter(|name| is_name(name))
        {
            modules.push((indent, name));
        } else if code == "}" && modules.last().is_some_and(|(begun, _)| *begun == indent) {
            modules.pop();
        } else if code.starts_with("#[test]") || code.starts_with("#[tokio::test") {
            is_test = true;
        } else if !(code.starts_with("#[") || code.starts_with("//")) {
            let name = code.trim_start_matches("async ").strip_prefix("fn ").and_then(|rest| rest.split('(').next());
            if let Some(name) = name.filter(|_| is_test) {
                let inside = modules.iter().map(|(_, name)| *name);
                found.push(file.iter().copied().chain(inside).chain([name]).map(str::to_owned).collect());
            }
            is_test = false;
        }
    }
    found
}

/// `("name", function),`
fn trial(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix("(\"")?.split_once("\", ").map(|(name, _)| name)
}

/// `module::{ name, name }`, after the macro that registers them.
fn scenarios(text: &str) -> Vec<(&str, &str)> {
    let Some((_, registered)) = text.split_once(" = scenarios! {") else { return Vec::new() };
    let parts: Vec<&str> = registered.split("::{").collect();
    let modules = parts.iter().map(|part| part.rsplit(|each: char| !is_part(each)).next().unwrap_or_default());
    let names = parts.iter().skip(1).map(|part| part.split('}').next().unwrap_or_default());
    modules.zip(names).flat_map(|(module, names)| names.split(',').map(move |name| (module, name.trim()))).collect()
}

/// `name Variant,`
fn behaviour(line: &str) -> Option<&str> {
    let (name, variant) = line.trim_start().strip_suffix(',')?.split_once(' ')?;
    (is_name(name) && variant.starts_with(|each: char| each.is_ascii_uppercase())).then_some(name)
}

fn is_part(each: char) -> bool {
    each.is_ascii_alphanumeric() || each == '_'
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_part)
}

/// Paths of tests and of modules of tests in the tables of a document that have a column for them: what stands in backticks there
/// and is made of what names are made of.
fn named(document: &str) -> Vec<&str> {
    let mut names_tests = false;
    let mut found = Vec::new();
    for line in document.lines() {
        let cell = line.strip_suffix('|').and_then(|line| line.rsplit('|').next());
        names_tests = cell.is_some_and(|cell| names_tests || cell.trim() == COLUMN);
        let quoted = cell.filter(|_| names_tests).into_iter().flat_map(|cell| cell.split('`').skip(1).step_by(2));
        found.extend(quoted.filter(|text| text.split("::").all(is_name)));
    }
    found
}

/// A test, or a module with one, whose path ends like this.
fn is_there(path: &str, tests: &[Vec<String>]) -> bool {
    let path: Vec<&str> = path.split("::").collect();
    tests.iter().any(|test| test.windows(path.len()).any(|part| part == path))
}

#[test]
fn tests_that_the_promises_name_are_there() {
    let tests = tests();
    for (document, least) in [("docs/security.md", 150), ("docs/engine.md", 40), ("docs/lifecycle.md", 60)] {
        let text = fs::read_to_string(cargo::root().join(document)).unwrap();
        let paths = named(&text);
        assert!(paths.len() > least, "{document}: only {} were found", paths.len());
        let missing: Vec<_> = paths.into_iter().filter(|path| !is_there(path, &tests)).collect();
        assert!(missing.is_empty(), "{document}: there are no such tests: {missing:?}");
    }
}

#[test]
fn a_name_of_nothing_is_not_taken_for_one() {
    let source = "\
/// Not this.
fn helper() {}
#[cfg(test)]
mod tests {
    mod inner {
        #[tokio::test(start_paused = true)]
        /// With words between.
        async fn one() {
            let four = \"three\";
        }
    }

    #[test]
    fn two() {}
    fn after_two() {}
}
";
    let mut tests = in_file("host/a/src/place/mod.rs", source);
    tests.extend(in_file("host/a/tests/trials.rs", "    (\"five\", f),\n    Trial::test(name, f)\n"));
    tests.extend(in_file(
        "tests/b/main.rs",
        "use x::{y};\nA: &[B] = scenarios! {\n    m::{\n        six,\n    },\n    n::{ seven, eight },\n};\n",
    ));
    tests.extend(in_file(BEHAVIOURS, "    /// nine Ten,\n    ten Ten,\n"));
    let there = |path: &str| is_there(path, &tests);
    let found =
        ["place::tests::inner::one", "tests::two", "two", "place::tests", "trials::five", "m::six", "n::eight", "ten"];
    assert!(found.into_iter().all(there), "{tests:?}");
    let nothing =
        ["helper", "after_two", "three", "four", "tests::one", "other::two", "x::y", "m::seven", "nine", "wo", "mod"];
    assert!(!nothing.into_iter().any(there), "{tests:?}");
}

#[test]
fn names_of_tests_are_read_from_their_column() {
    let table =
        "| a | tested by |\n|---|---|\n| a `promise` | `one::two`, scenario `three`, `four.rs`, `a - b`, some text |";
    assert_eq!(named(table), ["one::two", "three"]);
    assert_eq!(
        named(&format!("{table}\nbeside `nothing`\n| a | b |\n|---|---|\n| c | `d` |\n")),
        ["one::two", "three"]
    );
}
