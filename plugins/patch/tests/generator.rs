//! Whether the committed answers are what Go gives today: `tests/transforms` is run again where there is Go.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Whether there is Go; says loudly if not.
fn is_here() -> bool {
    let found = Command::new("go").arg("version").output().is_ok_and(|output| output.status.success());
    if !found {
        eprintln!(
            "!!! SKIPPED: the answers of text/template and gojq are not made again: there is no Go on this machine !!!"
        );
    }
    found
}

#[test]
fn the_committed_answers_are_those_of_the_originals() {
    if !is_here() {
        return;
    }
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/transforms");
    let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join("answers");
    let output = Command::new("go").args(["run", "."]).arg(&fresh).current_dir(&module).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`go run .` in tests/transforms failed: {said}");
    for name in ["templates.json", "queries.json"] {
        let read = |folder: &Path| fs::read_to_string(folder.join(name)).unwrap();
        let (committed, fresh) = (read(&module.join("answers")), read(&fresh));
        let changed = committed.lines().zip(fresh.lines()).find(|(old, new)| old != new);
        let advice = "run `go run . answers` in tests/transforms and look at what changed";
        assert!(committed == fresh, "{name} is not up to date: {advice}; the first difference: {changed:?}");
    }
}
