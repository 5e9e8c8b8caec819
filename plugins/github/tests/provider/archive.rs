//! Archived repositories, in which nothing can be changed or removed.

use capstan_github::kinds::branch_protection::BranchProtection;
use capstan_github::kinds::collaborator::Collaborator;
use capstan_github::kinds::repo::{Adoption, Repo, Spec};
use capstan_github::kinds::repo_file::RepoFile;
use capstan_github::kinds::webhook::Webhook;
use capstan_sdk::testing::Host;
use capstan_sdk::{Managed, Observation, Value, json};

use crate::deletion::{deleted, shop};
use crate::stage::object;

fn with(mut spec: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        spec[name] = value.clone();
    }
    spec
}

fn repo(more: Value) -> Managed<Spec> {
    object("Repo", with(json!({"org": "acme", "name": "shop", "credentials": {}}), &more), json!({}))
}

#[test]
fn an_archived_repository_is_changed_and_archived_again() {
    let stage = shop();
    stage.fake.seed().change_repository("acme", "shop", &json!({"archived": true}));
    let object = repo(json!({"archived": true, "description": "old", "topics": ["attic"]}));
    let mut kind = Repo::new(stage.github(), Adoption::Implicit);
    assert!(!kind.observe(&object).unwrap().up_to_date);
    let _ = kind.update(&object).unwrap();
    let now = stage.fake.seed().look("acme", "shop").unwrap();
    assert_eq!(
        (&now["archived"], &now["description"], &now["topics"]),
        (&json!(true), &json!("old"), &json!(["attic"]))
    );
    assert!(kind.observe(&object).unwrap().up_to_date);
    // Who does not say that it is to be archived has not decided that it may be lifted.
    let refused = kind.update(&repo(json!({"description": "new"}))).unwrap_err();
    assert_eq!(refused.reason(), "Forbidden");
}

/// As the host asks: it looks, and deletes what is there. The events that are told; none if something is there still.
fn let_go<E: std::fmt::Debug>(look: impl FnOnce() -> Result<Observation, E>) -> Option<Vec<String>> {
    let host = Host::new();
    let seen = host.run(look).unwrap();
    (!seen.exists).then(|| host.take_events().into_iter().map(|event| event.reason).collect())
}

#[test]
fn what_is_in_an_archived_repository_is_let_go() {
    let stage = shop();
    let of = |more: Value| with(json!({"org": "acme", "repo": "shop", "credentials": {}}), &more);
    let person = of(json!({"username": "bert", "permission": "push"}));
    let rules = of(json!({"name": "main", "rules": [{"type": "deletion"}]}));
    let hook = of(json!({"url": "https://ci.example.org"}));
    let readme = of(json!({"path": "README.md", "content": "x"}));
    let _ = Collaborator::new(stage.github()).create(&object("Collaborator", person.clone(), json!({}))).unwrap();
    let protection = BranchProtection::new(stage.github())
        .create(&object("BranchProtection", rules.clone(), json!({})))
        .unwrap()
        .status
        .unwrap();
    let webhook =
        Webhook::new(stage.github(), None).create(&object("Webhook", hook.clone(), json!({}))).unwrap().status.unwrap();
    let look = || {
        let person = deleted("Collaborator", person.clone(), json!({}));
        let rules = deleted("BranchProtection", rules.clone(), protection.clone());
        let hook = deleted("Webhook", hook.clone(), webhook.clone());
        let readme = deleted("RepoFile", readme.clone(), json!({}));
        [
            let_go(|| Collaborator::new(stage.github()).observe(&person)),
            let_go(|| BranchProtection::new(stage.github()).observe(&rules)),
            let_go(|| Webhook::new(stage.github(), None).observe(&hook)),
            let_go(|| RepoFile::new(stage.github()).observe(&readme)),
        ]
    };
    assert_eq!(look(), [const { None }; 4], "as long as it can be deleted, it has to be");
    stage.fake.seed().change_repository("acme", "shop", &json!({"archived": true}));
    assert_eq!(look(), [(); 4].map(|()| Some(vec!["LeftInArchive".to_owned()])));
}
