//! Repositories that somebody renamed or gave away: who works in them goes on to.

use capstan_fakegithub::Settings;
use capstan_github::kinds::collaborator::{self, Collaborator};
use capstan_github::kinds::repo_file::{self, RepoFile};
use capstan_github::kinds::team_repo::{self, TeamRepo};
use capstan_sdk::{Managed, Value, json};
use serde::de::DeserializeOwned;

use crate::stage::{Stage, object};

/// The private repository `acme/shop`, which the organisation gives nobody, and the team `core`.
fn shop() -> Stage {
    let stage = Stage::new(Settings::default());
    let seed = stage.fake.seed();
    seed.repository("acme", "shop");
    seed.base_role("acme", "none");
    seed.team("acme", "core");
    stage
}

fn bert(permission: &str) -> Managed<collaborator::Spec> {
    let spec = json!({"org": "acme", "repo": "shop", "username": "bert", "permission": permission, "credentials": {}});
    object("Collaborator", spec, json!({}))
}

fn core(permission: &str, status: Value) -> Managed<team_repo::Spec> {
    let spec = json!({
        "org": "acme", "teamSlug": "core", "owner": "acme", "repo": "shop", "permission": permission, "credentials": {},
    });
    object("TeamRepo", spec, status)
}

fn deleted<S: DeserializeOwned>(mut object: Managed<S>) -> Managed<S> {
    object.metadata.deletion_timestamp = Some("2026-01-01T00:00:00Z".into());
    object
}

/// The roles of the team, by the names that repositories have now.
fn roles(stage: &Stage) -> Value {
    stage.fake.seed().look_at_team("acme", "core").unwrap()["repositories"].clone()
}

#[test]
fn a_collaborator_is_looked_at_changed_and_removed_wherever_the_repository_is() {
    let stage = shop();
    let seed = stage.fake.seed();
    let mut kind = Collaborator::new(stage.github());
    let _ = kind.create(&bert("push")).unwrap();
    for (from, to) in [(("acme", "shop"), ("acme", "store")), (("acme", "store"), ("anna", "store"))] {
        seed.rename_repository(from.0, from.1, to.0, to.1);
        assert!(kind.observe(&bert("push")).unwrap().up_to_date, "{to:?}");
    }
    seed.rename_repository("anna", "store", "acme", "store");
    assert!(!kind.observe(&bert("maintain")).unwrap().up_to_date);
    let _ = kind.update(&bert("maintain")).unwrap();
    assert_eq!(seed.role("acme", "store", "bert").as_deref(), Some("maintain"));
    assert!(kind.observe(&deleted(bert("push"))).unwrap().exists);
    kind.delete(&bert("push")).unwrap();
    assert_eq!(seed.role("acme", "store", "bert"), None);
    assert!(!kind.observe(&deleted(bert("push"))).unwrap().exists);
    let _ = kind.create(&bert("triage")).unwrap();
    assert_eq!(seed.role("acme", "store", "bert").as_deref(), Some("triage"));
}

#[test]
fn what_a_collaborator_has_from_the_organisation_that_the_repository_was_given_to_is_no_difference() {
    let stage = shop();
    let seed = stage.fake.seed();
    seed.organization("beta");
    for owner in ["anna", "bert"] {
        seed.owner("beta", owner);
    }
    let mut kind = Collaborator::new(stage.github());
    let mut object = bert("push");
    object.status = kind.create(&object).unwrap().status.unwrap();
    seed.rename_repository("acme", "shop", "beta", "shop");
    let observed = kind.observe(&object).unwrap();
    assert!(observed.up_to_date, "an owner has all roles: {:?}", observed.differences);
    assert_eq!(observed.status.unwrap()["unexplained"], Value::Null);
}

#[test]
fn a_file_on_a_branch_is_compared_with_that_branch_wherever_the_repository_is() {
    let stage = shop();
    stage.fake.seed().branch("acme", "shop", "next");
    let spec = json!({
        "org": "acme", "repo": "shop", "path": "OWNERS", "branch": "next", "content": "bert", "credentials": {},
    });
    let object: Managed<repo_file::Spec> = object("RepoFile", spec, json!({}));
    let _ = RepoFile::new(stage.github()).create(&object).unwrap();
    stage.fake.seed().file("acme", "shop", "OWNERS", "anna");
    stage.fake.seed().rename_repository("acme", "shop", "acme", "store");
    let mut kind = RepoFile::new(stage.github());
    assert!(kind.observe(&object).unwrap().up_to_date, "that of the default branch is another one");
    kind.delete(&object).unwrap();
    assert!(!kind.observe(&object).unwrap().exists);
    let branches = stage.fake.seed().branches("acme", "store");
    assert_eq!((&branches["main"]["OWNERS"], branches["next"].get("OWNERS")), (&json!("anna"), None));
}

#[test]
fn a_teams_repository_is_found_where_it_is_and_costs_nothing_there() {
    let stage = shop();
    let mut object = core("push", json!({}));
    object.status = TeamRepo::new(stage.github()).create(&object).unwrap().status.unwrap();
    for (from, to) in [("shop", "store"), ("store", "market"), ("market", "shop")] {
        stage.fake.seed().rename_repository("acme", from, "acme", to);
        let observed = TeamRepo::new(stage.github()).observe(&object).unwrap();
        assert!(observed.exists && observed.up_to_date, "{to}");
        object.status = observed.status.unwrap();
        assert_eq!(object.status["fullName"], format!("acme/{to}"));
        stage.fake.forget();
        assert!(TeamRepo::new(stage.github()).observe(&object).unwrap().up_to_date);
        assert_eq!(stage.requests(), [format!("GET /orgs/acme/teams/core/repos/acme/{to}")]);
    }
}

#[test]
fn a_teams_role_is_changed_and_taken_where_the_repository_is() {
    let stage = shop();
    let mut kind = TeamRepo::new(stage.github());
    let _ = kind.create(&core("push", json!({}))).unwrap();
    stage.fake.seed().rename_repository("acme", "shop", "acme", "store");
    let mut kind = TeamRepo::new(stage.github());
    assert!(!kind.observe(&core("admin", json!({}))).unwrap().up_to_date);
    let _ = kind.update(&core("admin", json!({}))).unwrap();
    assert_eq!(roles(&stage), json!({"acme/store": "admin"}));
    // Whoever deletes the object without a look before does not leave the role behind.
    let gone = deleted(core("admin", json!({})));
    assert!(TeamRepo::new(stage.github()).observe(&gone).unwrap().exists);
    TeamRepo::new(stage.github()).delete(&gone).unwrap();
    assert_eq!(roles(&stage), json!({}));
    let mut kind = TeamRepo::new(stage.github());
    assert!(!kind.observe(&core("pull", json!({}))).unwrap().exists);
    let _ = kind.create(&core("pull", json!({}))).unwrap();
    assert_eq!(roles(&stage), json!({"acme/store": "read"}));
}

#[test]
fn another_repository_at_the_place_of_a_teams_is_not_mistaken_for_it() {
    let stage = shop();
    let seed = stage.fake.seed();
    seed.team_repository("acme", "core", "acme", "shop", "push");
    seed.rename_repository("acme", "shop", "acme", "store");
    let status = TeamRepo::new(stage.github()).observe(&core("push", json!({}))).unwrap().status.unwrap();
    seed.rename_repository("acme", "store", "acme", "market");
    seed.repository("acme", "store");
    seed.team_repository("acme", "core", "acme", "store", "admin");
    let observed = TeamRepo::new(stage.github()).observe(&core("push", status.clone())).unwrap();
    assert_eq!((observed.up_to_date, &observed.status.unwrap()["fullName"]), (true, &json!("acme/market")));
    // What is no name in a status leads nowhere.
    let mut odd = status;
    odd["fullName"] = json!("../user");
    assert!(TeamRepo::new(stage.github()).observe(&core("push", odd)).unwrap().up_to_date);
}

#[test]
fn a_repository_that_was_given_away_is_named_where_it_is_and_in_no_deletions_way() {
    let stage = shop();
    stage.fake.seed().team_repository("acme", "core", "acme", "shop", "push");
    stage.fake.seed().rename_repository("acme", "shop", "anna", "store");
    let mut kind = TeamRepo::new(stage.github());
    assert!(!kind.observe(&core("push", json!({}))).unwrap().exists);
    let refused = kind.create(&core("push", json!({}))).unwrap_err();
    let text = refused.to_string();
    assert_eq!(refused.reason(), "Refused");
    assert!(text.contains("repos/anna/store") && text.contains("must belong to the team's organization"), "{text}");
    assert!(!kind.observe(&deleted(core("push", json!({})))).unwrap().exists);
}
