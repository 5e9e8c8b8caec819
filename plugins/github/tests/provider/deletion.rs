//! Deletions: what nobody can want is not in their way, and what is somebody else's stays.

use capstan_fakegithub::Settings;
use capstan_github::kinds::branch_protection::{self, BranchProtection};
use capstan_github::kinds::repo::{self, Adoption, Repo};
use capstan_github::kinds::repo_file::{self, RepoFile};
use capstan_sdk::{Managed, Value, json};
use serde::de::DeserializeOwned;

use crate::stage::{Stage, object};

pub(crate) fn shop() -> Stage {
    let stage = Stage::new(Settings::default());
    stage.fake.seed().repository("acme", "shop");
    stage
}

pub(crate) fn deleted<S: DeserializeOwned>(kind: &str, spec: Value, status: Value) -> Managed<S> {
    let mut object = object(kind, spec, status);
    object.metadata.deletion_timestamp = Some("2026-01-01T00:00:00Z".into());
    object
}

#[test]
fn a_repository_with_a_topic_that_is_none_can_be_deleted() {
    let stage = shop();
    let spec = json!({"org": "acme", "name": "shop", "topics": ["a b"], "credentials": {}});
    let mut kind = Repo::new(stage.github(), Adoption::Implicit);
    let kept: Managed<repo::Spec> = object("Repo", spec.clone(), json!({}));
    assert_eq!(kind.observe(&kept).unwrap_err().reason(), "InvalidSpec");
    let object = deleted("Repo", spec, json!({}));
    assert!(kind.observe(&object).unwrap().exists);
    kind.delete(&object).unwrap();
    assert!(stage.fake.seed().look("acme", "shop").is_none());
}

#[test]
fn a_repository_with_a_topic_that_is_none_is_not_created() {
    let stage = Stage::new(Settings::default());
    for topic in ["a b", "", "-a", "\u{e4}"] {
        let spec = json!({"org": "acme", "name": "new", "topics": [topic], "credentials": {}});
        let refused =
            Repo::new(stage.github(), Adoption::Implicit).create(&object("Repo", spec, json!({}))).unwrap_err();
        assert!(refused.reason() == "InvalidSpec" && refused.failure().is_terminal(), "{topic:?}: {refused}");
    }
    assert_eq!(stage.requests(), Vec::<String>::new(), "there is nothing to be mended afterwards");
}

fn file(more: Value) -> Managed<repo_file::Spec> {
    let mut spec = json!({"org": "acme", "repo": "shop", "path": "README.md", "content": "x", "credentials": {}});
    for (name, value) in more.as_object().unwrap() {
        spec[name] = value.clone();
    }
    deleted("RepoFile", spec, json!({}))
}

#[test]
fn a_file_whose_content_became_too_large_can_be_deleted() {
    let stage = shop();
    let mut kind = RepoFile::new(stage.github());
    let large = file(json!({"content": "x".repeat(1_000_001)}));
    assert!(kind.observe(&large).unwrap().exists);
    kind.delete(&large).unwrap();
    assert_eq!(stage.fake.seed().inside("acme", "shop")["files"], json!({}));
    assert!(!kind.observe(&large).unwrap().exists);
}

#[test]
fn a_folder_in_the_place_of_a_file_is_not_in_the_way_of_its_deletion() {
    let stage = shop();
    stage.fake.seed().file("acme", "shop", "docs/x", "theirs");
    let folder = file(json!({"path": "docs"}));
    assert!(!RepoFile::new(stage.github()).observe(&folder).unwrap().exists);
}

#[test]
fn a_kept_file_is_kept_whoever_asks() {
    let stage = shop();
    RepoFile::new(stage.github()).delete(&file(json!({"onDelete": "keep"}))).unwrap();
    assert_eq!(stage.requests(), Vec::<String>::new());
}

#[test]
fn a_kept_repository_is_kept_whoever_asks() {
    let stage = shop();
    let spec = json!({"org": "acme", "name": "shop", "onDelete": "keep", "credentials": {}});
    Repo::new(stage.github(), Adoption::Implicit).delete(&deleted("Repo", spec, json!({}))).unwrap();
    assert_eq!(stage.requests(), Vec::<String>::new());
}

#[test]
fn an_archived_repository_is_done_only_where_archiving_was_asked_for() {
    let stage = shop();
    stage.fake.seed().change_repository("acme", "shop", &json!({"archived": true}));
    let of = |policy: &str| -> Managed<repo::Spec> {
        deleted("Repo", json!({"org": "acme", "name": "shop", "onDelete": policy, "credentials": {}}), json!({}))
    };
    let mut kind = Repo::new(stage.github(), Adoption::Implicit);
    assert!(!kind.observe(&of("archive")).unwrap().exists);
    stage.fake.forget();
    kind.delete(&of("archive")).unwrap();
    assert_eq!(stage.requests(), ["GET /repos/acme/shop"], "it is not archived again");
    assert!(kind.observe(&of("delete")).unwrap().exists, "it is still to be deleted");
}

#[test]
fn another_ruleset_of_its_name_is_not_deleted_in_its_place() {
    let stage = shop();
    let spec =
        json!({"org": "acme", "repo": "shop", "name": "main", "rules": [{"type": "deletion"}], "credentials": {}});
    let rulesets = || stage.fake.seed().inside("acme", "shop")["rulesets"].clone();
    let mut kind = BranchProtection::new(stage.github());
    let status = kind.create(&object("BranchProtection", spec.clone(), json!({}))).unwrap().status.unwrap();
    let ours: Managed<branch_protection::Spec> = object("BranchProtection", spec.clone(), status.clone());
    kind.delete(&ours).unwrap();
    let theirs = kind.create(&ours).unwrap().status.unwrap();
    assert_ne!(theirs["id"], status["id"]);
    assert!(kind.observe(&ours).unwrap().exists, "as long as it is wanted it is taken over");
    let gone = deleted("BranchProtection", spec, status);
    let mut kind = BranchProtection::new(stage.github());
    assert!(!kind.observe(&gone).unwrap().exists);
    kind.delete(&gone).unwrap();
    assert_eq!(rulesets().as_array().map(Vec::len), Some(1));
}
