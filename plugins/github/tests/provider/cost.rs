//! What has settled is looked at for nothing: by requests whose answers can be kept and asked about again.

use capstan_fakegithub::{Fake, Settings};
use capstan_github::client::{Method, Path};
use capstan_github::kinds::branch_protection::BranchProtection;
use capstan_github::kinds::collaborator::Collaborator;
use capstan_github::kinds::repo::{Adoption, Repo};
use capstan_github::kinds::repo_file::RepoFile;
use capstan_github::kinds::team::Team;
use capstan_github::kinds::team_membership::TeamMembership;
use capstan_github::kinds::team_repo::TeamRepo;
use capstan_github::kinds::webhook::Webhook;
use capstan_sdk::{Managed, Observation, Value, json};
use serde::de::DeserializeOwned;

use crate::stage::{Stage, object};

/// An object of a kind in the repository `acme/shop`.
fn of<S: DeserializeOwned>(kind: &str, more: &Value, status: Value) -> Managed<S> {
    let mut spec = json!({"org": "acme", "repo": "shop", "credentials": {}});
    for (name, value) in more.as_object().unwrap() {
        spec[name] = value.clone();
    }
    object(kind, spec, status)
}

/// Only a read that is answered with 200 has an answer that the host keeps, and asks about for nothing.
fn assert_free(fake: &Fake, what: &str, look: impl FnOnce() -> Observation) {
    fake.forget();
    let seen = look();
    assert!(seen.exists && seen.up_to_date, "{what} has not settled");
    let exchanges = fake.exchanges();
    assert!(!exchanges.is_empty(), "{what}");
    for each in exchanges {
        assert_eq!((each.method.as_str(), each.status), ("GET", Some(200)), "{what}: {}", each.path);
    }
}

/// `acme/shop` with bert, who may read it, dora, who owns the organisation and was given less, and carl, who is invited.
#[test]
fn collaborators_who_read_have_more_or_are_yet_to_come() {
    let stage = Stage::new(Settings::default());
    let seed = stage.fake.seed();
    seed.repository("acme", "shop");
    seed.user("dora");
    seed.owner("acme", "dora");
    for (visibility, base) in [("private", "none"), ("public", "none"), ("private", "read")] {
        seed.change_repository("acme", "shop", &json!({"visibility": visibility}));
        seed.base_role("acme", base);
        seed.collaborator("acme", "shop", "bert", "pull");
        seed.collaborator("acme", "shop", "dora", "push");
        seed.invitation("acme", "shop", "carl", "push");
        for (username, permission, status) in [
            ("bert", "pull", json!({})),
            ("bert", "read", json!({})),
            ("dora", "push", json!({"given": "push"})),
            ("carl", "push", json!({"invitationId": 1})),
        ] {
            let object = of("Collaborator", &json!({"username": username, "permission": permission}), status);
            let what = format!("{username} with {permission} in a {visibility} repository");
            assert_free(&stage.fake, &what, || Collaborator::new(stage.github()).observe(&object).unwrap());
        }
    }
}

#[test]
fn teams_their_members_and_repositories() {
    let stage = Stage::new(Settings::default());
    let seed = stage.fake.seed();
    seed.repository("acme", "shop");
    for team in ["core", "top"] {
        seed.team("acme", team);
    }
    seed.team_below("acme", "core", "top");
    seed.team_repository("acme", "top", "acme", "shop", "maintain");
    seed.team_repository("acme", "core", "acme", "shop", "push");
    for (username, role) in [("anna", "maintainer"), ("bert", "member"), ("carl", "member")] {
        let member = Path::of(&["orgs", "acme", "teams", "core", "memberships", username]).unwrap();
        stage.github().change(Method::Put, &member, Some(&json!({"role": role}))).unwrap();
        // An owner maintains whatever is said.
        let object =
            of("TeamMembership", &json!({"teamSlug": "core", "username": username, "role": "member"}), json!({}));
        assert_free(&stage.fake, username, || TeamMembership::new(stage.github()).observe(&object).unwrap());
    }
    for (permission, given) in [("maintain", Value::Null), ("push", json!("push"))] {
        let spec = json!({"teamSlug": "core", "owner": "acme", "permission": permission});
        let object = of("TeamRepo", &spec, json!({"given": given}));
        assert_free(&stage.fake, permission, || TeamRepo::new(stage.github()).observe(&object).unwrap());
    }
    let object = of("Team", &json!({"name": "core"}), json!({}));
    assert_free(&stage.fake, "a team", || Team::new(stage.github()).observe(&object).unwrap());
}

#[test]
fn repositories_and_what_is_in_them() {
    let stage = Stage::new(Settings::default());
    let seed = stage.fake.seed();
    let id = seed.repository("acme", "shop");
    seed.file("acme", "shop", "OWNERS", "anna");
    let (url, config) = ("https://ci.example.org", json!({"url": "https://ci.example.org"}));
    let hook = seed.hook("acme", "shop", &config);
    let object = of("Repo", &json!({"name": "shop"}), json!({"id": id}));
    assert_free(&stage.fake, "a repository", || {
        Repo::new(stage.github(), Adoption::Implicit).observe(&object).unwrap()
    });
    let object = of("RepoFile", &json!({"path": "OWNERS", "content": "anna"}), json!({}));
    assert_free(&stage.fake, "a file", || RepoFile::new(stage.github()).observe(&object).unwrap());
    for status in [json!({}), json!({"id": hook})] {
        let object = of("Webhook", &json!({"url": url}), status);
        assert_free(&stage.fake, "a webhook", || Webhook::new(stage.github(), None).observe(&object).unwrap());
    }
    let rules = json!({"name": "main", "rules": [{"type": "deletion"}]});
    let made = BranchProtection::new(stage.github()).create(&of("BranchProtection", &rules, json!({}))).unwrap();
    for status in [json!({}), made.status.unwrap()] {
        let object = of("BranchProtection", &rules, status);
        assert_free(&stage.fake, "a ruleset", || BranchProtection::new(stage.github()).observe(&object).unwrap());
    }
}
