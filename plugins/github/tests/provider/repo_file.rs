//! `RepoFile`.

use capstan_fakegithub::{Failure, Fault, Settings};
use capstan_github::kinds::repo_file::{RepoFile, Spec};
use capstan_sdk::{Managed, Value, json};

use crate::stage::{Stage, object};

fn of(more: Value) -> Managed<Spec> {
    let mut spec =
        json!({"org": "acme", "repo": "shop", "path": "docs/a b.md", "content": "h\u{e9}llo\n", "credentials": {}});
    for (name, value) in more.as_object().unwrap() {
        spec[name] = value.clone();
    }
    object("RepoFile", spec, json!({}))
}

fn shop() -> Stage {
    let stage = Stage::new(Settings::default());
    stage.fake.seed().repository("acme", "shop");
    stage
}

fn files(stage: &Stage) -> Value {
    stage.fake.seed().inside("acme", "shop")["files"].clone()
}

#[test]
fn a_file_is_written_kept_as_it_should_be_and_deleted() {
    let stage = shop();
    let object = of(json!({"branch": "main"}));
    let mut kind = RepoFile::new(stage.github());
    assert!(!kind.observe(&object).unwrap().exists);
    let _ = kind.create(&object).unwrap();
    assert_eq!(files(&stage)["docs/a b.md"], "h\u{e9}llo\n");
    stage.fake.forget();
    assert!(kind.observe(&object).unwrap().up_to_date);
    assert_eq!(stage.requests(), ["GET /repos/acme/shop/contents/docs/a%20b.md"]);
    stage.fake.seed().file("acme", "shop", "docs/a b.md", &"long ".repeat(100));
    assert!(!kind.observe(&object).unwrap().up_to_date);
    let _ = kind.update(&object).unwrap();
    assert!(kind.observe(&object).unwrap().up_to_date);
    kind.delete(&object).unwrap();
    assert_eq!(files(&stage), json!({"README.md": "# shop\n"}));
    RepoFile::new(stage.github()).delete(&object).unwrap();
}

#[test]
fn a_file_on_another_branch_is_written_and_deleted_there_alone() {
    let stage = shop();
    stage.fake.seed().branch("acme", "shop", "next");
    let branches = || stage.fake.seed().branches("acme", "shop");
    let (untouched, object) = (json!({"README.md": "# shop\n"}), of(json!({"branch": "next"})));
    let mut kind = RepoFile::new(stage.github());
    assert!(!kind.observe(&object).unwrap().exists);
    let _ = kind.create(&object).unwrap();
    assert!(kind.observe(&object).unwrap().up_to_date);
    let now = branches();
    assert_eq!((&now["next"]["docs/a b.md"], &now["main"]), (&json!("h\u{e9}llo\n"), &untouched));
    kind.delete(&object).unwrap();
    assert_eq!(branches(), json!({"main": untouched, "next": untouched}));
}

#[test]
fn what_was_written_in_between_is_not_overwritten_unseen() {
    let stage = shop();
    let object = of(json!({"path": "README.md"}));
    let mut kind = RepoFile::new(stage.github());
    assert!(!kind.observe(&object).unwrap().up_to_date);
    stage.fake.seed().file("acme", "shop", "README.md", "somebody else's");
    let refused = kind.update(&object).unwrap_err();
    assert_eq!((refused.reason(), refused.failure().is_terminal()), ("Conflict", false));
    assert_eq!(files(&stage)["README.md"], "somebody else's");
}

#[test]
fn a_file_can_stay_and_odd_paths_are_refused() {
    let stage = shop();
    let mut kept = of(json!({"path": "README.md", "onDelete": "keep"}));
    kept.metadata.deletion_timestamp = Some("2026-01-01T00:00:00Z".into());
    assert!(!RepoFile::new(stage.github()).observe(&kept).unwrap().exists);
    assert_eq!(stage.requests(), Vec::<String>::new(), "nothing can stand in the way");
    for path in ["../x", "a/../../x", "/a", "a//b", "a/", "", "."] {
        let error = RepoFile::new(stage.github()).observe(&of(json!({"path": path}))).unwrap_err();
        assert_eq!(error.reason(), "InvalidSpec", "{path:?}");
    }
    assert_eq!(stage.requests(), Vec::<String>::new());
    stage.fake.seed().file("acme", "shop", "docs/x", "");
    let folder = RepoFile::new(stage.github()).observe(&of(json!({"path": "docs"}))).unwrap_err();
    assert_eq!(folder.reason(), "InvalidSpec");
    let large = of(json!({"content": "x".repeat(1_000_001)}));
    assert_eq!(RepoFile::new(stage.github()).observe(&large).unwrap_err().reason(), "InvalidSpec");
}

#[test]
fn a_file_on_another_branch_is_another_file() {
    let stage = shop();
    let object = of(json!({"branch": "next&x", "path": "README.md"}));
    let mut kind = RepoFile::new(stage.github());
    assert!(!kind.observe(&object).unwrap().exists, "there is no such branch");
    assert!(stage.fake.exchanges().last().unwrap().query.contains("ref=next%26x"));
    // Commits name it too, or they would change the default branch.
    assert!(kind.create(&object).is_err());
    assert_eq!(files(&stage), json!({"README.md": "# shop\n"}));
}

#[test]
fn what_github_does_not_show_is_not_taken_for_what_is_wanted() {
    let stage = shop();
    let object = of(json!({"path": "README.md", "content": ""}));
    let shown = r#"{"type": "file", "encoding": "none", "content": "", "size": 2000000, "sha": "x"}"#;
    stage.fake.fail(Fault::new(Failure::Page(200, "application/json", shown)).below("/repos/acme/shop/contents"));
    let seen = RepoFile::new(stage.github()).observe(&object).unwrap();
    let [difference] = &seen.differences[..] else { panic!("{seen:?}") };
    assert_eq!((difference.path.as_str(), &difference.desired), ("content.size", &Some(json!(0))));
}

#[test]
fn contents_are_not_shown_in_differences() {
    let stage = shop();
    let object = of(json!({"path": "README.md", "content": "nobody's business"}));
    let seen = RepoFile::new(stage.github()).observe(&object).unwrap();
    assert!(!seen.up_to_date && !format!("{:?} {:?}", seen.differences, seen.status).contains("business"));
}
