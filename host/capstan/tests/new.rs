//! `capstan provider new`, and what the command line says of itself.

#[allow(dead_code, reason = "each test program uses its own part")]
mod support;

use std::{fs, path::Path};

use support::{refusal, stdout};

/// The SDK of this checkout.
fn sdk() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest-sdk").to_str().unwrap().to_owned()
}

#[test]
fn mistakes_are_named_and_nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("it");
    let path = at.to_str().unwrap();
    let refused = |name: &str, more: &[&str], expected: &str| {
        let mut arguments = vec!["provider", "new", name, "--path", path];
        arguments.extend(more);
        let (code, said) = refusal(&arguments);
        assert!(said.contains(expected), "{arguments:?}: {said}");
        assert!(!at.exists() || fs::read_dir(&at).unwrap().count() == 1, "nothing was made");
        code
    };
    let sdk = sdk();
    assert_eq!(refused("hello", &[], "--sdk"), Some(2));
    assert_eq!(refused("hello", &["--sdk", &sdk, "--group", "Example"], "a domain"), Some(2));
    assert_eq!(refused("hello", &["--sdk", "/nowhere"], "--sdk /nowhere cannot be found"), Some(1));
    assert_eq!(refused("hello", &["--sdk", folder.path().to_str().unwrap()], "is not the folder guest-sdk"), Some(1));
    assert_eq!(refused("Hello", &["--sdk", &sdk], "Hello"), Some(1));
    assert_eq!(refused("3scale", &["--sdk", &sdk], "begins with a digit"), Some(1));
    assert_eq!(refused("hello", &["--sdk", &sdk, "--kind", "Result"], "--kind"), Some(1));
    fs::create_dir(&at).unwrap();
    fs::write(at.join("mine"), "kept").unwrap();
    assert_eq!(refused("hello", &["--sdk", &sdk], "not empty"), Some(1));
    assert_eq!(fs::read_to_string(at.join("mine")).unwrap(), "kept");
}

#[test]
fn the_folder_names_what_it_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("it");
    let arguments =
        ["--sdk", &sdk(), "--kind", "NetworkPolicy", "--group", "net.example.com", "--path", at.to_str().unwrap()];
    let said = stdout(&[&["provider", "new", "net-policy"], &arguments[..]].concat());
    assert!(said.contains("cargo test"), "{said}");
    let file = |name: &str| fs::read_to_string(at.join(name)).unwrap();
    assert!(file("crds/networkpolicies.yaml").contains("name: networkpolicies.net.example.com\n"));
    assert!(file("Cargo.toml").contains("name = \"net-policy-provider\"\n"));
    assert!(file("src/lib.rs").contains("impl External for NetworkPolicy {"));
    assert!(file("tests/lifecycle.rs").contains("use net_policy_provider::PROVIDER;"));
    assert!(file("sample.yaml").starts_with("apiVersion: net.example.com/v1alpha1\nkind: NetworkPolicy\n"));
}

#[test]
fn shells_and_man_are_told_of_every_command() {
    for (shell, mark) in [("bash", "_capstan()"), ("zsh", "#compdef capstan"), ("fish", "complete -c capstan")] {
        let script = stdout(&["completions", shell]);
        assert!(script.contains(mark) && script.contains("manifests"), "{shell}");
    }
    assert!(stdout(&["man"]).contains(".TH capstan 1"));
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    assert_eq!(stdout(&["man", "--directory", pages.to_str().unwrap()]), "");
    for page in ["capstan.1", "capstan-run.1", "capstan-provider-new.1"] {
        assert!(pages.join(page).is_file(), "{page}");
    }
}
