//! `capstan provider test`, as it is run, on real components.

#[allow(dead_code, reason = "each test program uses its own part")]
mod support;

use std::{fs, path::PathBuf};

use support::{capstan, plugin, refusal};
use tempfile::TempDir;

const GRANTS: &str =
    "kubernetes: [{apiGroups: [''], kinds: [ConfigMap], verbs: [get, list, watch, create, update, patch, delete]}]\n";

const WHOLE_LIFE: &str = r#"
steps:
  - name: written
    apply:
      - apiVersion: test.capstan.dev/v1
        kind: Note
        metadata: {name: a, namespace: team}
        spec: {text: one}
    expect:
      objects:
        - apiVersion: v1
          kind: ConfigMap
          metadata: {name: note-a, namespace: team}
          data: {text: one}
        - apiVersion: test.capstan.dev/v1
          kind: Note
          metadata: {name: a, namespace: team}
          status: {conditions: [{type: Ready, status: "True"}, {type: Synced, status: "True"}]}
      events: [CreatedExternalResource]
  - name: mended
    apply:
      - {apiVersion: v1, kind: ConfigMap, metadata: {name: note-a, namespace: team}, data: {text: other}}
    expect:
      objects:
        - {apiVersion: v1, kind: ConfigMap, metadata: {name: note-a, namespace: team}, data: {text: one}}
  - name: removed
    delete:
      - {apiVersion: test.capstan.dev/v1, kind: Note, namespace: team, name: a}
    expect:
      absent:
        - {apiVersion: test.capstan.dev/v1, kind: Note, namespace: team, name: a}
        - {apiVersion: v1, kind: ConfigMap, namespace: team, name: note-a}
"#;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path: PathBuf = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn component(name: &str) -> String {
    plugin(name).to_str().unwrap().to_owned()
}

/// Exit code and stdout.
fn tested(arguments: &[&str]) -> (Option<i32>, String) {
    let output = capstan(&[&["provider", "test"], arguments].concat());
    let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), said)
}

#[test]
fn a_whole_life_passes() {
    let folder = Folder::new();
    let (grants, case) = (folder.file("grants.yaml", GRANTS), folder.file("life.yaml", WHOLE_LIFE));
    let (code, said) = tested(&[&component("neighbour"), "--grants", &grants, &case]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("ok      ") && said.contains("1 passed, 0 failed\n"), "{said}");
}

#[test]
fn a_case_that_fails_says_where_and_what_the_conditions_say() {
    let folder = Folder::new();
    let good = folder.file("good.yaml", WHOLE_LIFE);
    let bad = folder.file("bad.yaml", &WHOLE_LIFE.replace("data: {text: one}", "data: {text: three}"));
    let grants = folder.file("grants.yaml", GRANTS);
    let (code, said) = tested(&[&component("neighbour"), "--grants", &grants, "--timeout", "1s", &good, &bad]);
    assert_eq!(code, Some(1), "{said}");
    for expected in [
        "1 passed, 1 failed\n",
        "step 1 (written): ConfigMap note-a: data.text: expected \"three\", found \"one\"",
        "Note a: Ready=True",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    // Without grants the very same component may write nothing.
    let (code, said) = tested(&[&component("neighbour"), "--timeout", "1s", &good]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("Synced=False Denied"), "{said}");
}

#[test]
fn mistakes_are_named_before_anything_is_run() {
    let folder = Folder::new();
    let wrong = folder.file("wrong.yaml", "steps: [{expects: {}}]");
    let (code, said) = refusal(&["provider", "test", &component("neighbour"), &wrong]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("wrong.yaml is no case") && said.contains("expects"), "{said}");
    assert_eq!(refusal(&["provider", "test", &component("neighbour")]).0, Some(2));
}
