//! `Team` and `TeamMembership`.

use capstan_fakegithub::Settings;
use capstan_github::kinds::team::{self, Team};
use capstan_github::kinds::team_membership::{self, TeamMembership};
use capstan_sdk::{Managed, Readiness, Value, json};

use crate::stage::{Stage, object};

fn team(more: Value) -> Managed<team::Spec> {
    let mut spec = json!({"org": "acme", "name": "Core Team", "credentials": {}});
    for (name, value) in more.as_object().unwrap() {
        spec[name] = value.clone();
    }
    object("Team", spec, json!({}))
}

fn membership(username: &str, role: &str) -> Managed<team_membership::Spec> {
    let spec = json!({"org": "acme", "teamSlug": "core", "username": username, "role": role, "credentials": {}});
    object("TeamMembership", spec, json!({}))
}

#[test]
fn a_team_is_created_changed_and_deleted() {
    let stage = Stage::new(Settings::default());
    stage.fake.seed().team("acme", "top");
    let mut kind = Team::new(stage.github());
    let first = team(json!({"privacy": "closed", "description": "d", "parentTeamSlug": "top"}));
    assert!(!kind.observe(&first).unwrap().exists);
    assert_eq!(kind.create(&first).unwrap().status.unwrap()["slug"], "core-team");
    assert!(kind.observe(&first).unwrap().up_to_date);
    assert!(kind.observe(&team(json!({}))).unwrap().up_to_date, "what is left out is left alone");
    let second = team(json!({"description": "", "parentTeamSlug": ""}));
    assert_eq!(kind.observe(&second).unwrap().differences.len(), 2);
    let _ = kind.update(&second).unwrap();
    assert!(kind.observe(&second).unwrap().up_to_date);
    kind.delete(&second).unwrap();
    kind.delete(&second).unwrap();
    assert!(!kind.observe(&second).unwrap().exists);
}

#[test]
fn memberships_settle_for_members_owners_and_those_who_have_yet_to_join() {
    let stage = Stage::new(Settings::default());
    stage.fake.seed().team("acme", "core");
    let mut kind = TeamMembership::new(stage.github());
    assert!(!kind.observe(&membership("bert", "member")).unwrap().exists);
    let _ = kind.create(&membership("bert", "member")).unwrap();
    assert!(!kind.observe(&membership("bert", "maintainer")).unwrap().up_to_date);
    let _ = kind.update(&membership("bert", "maintainer")).unwrap();
    assert!(kind.observe(&membership("bert", "maintainer")).unwrap().up_to_date);
    let _ = kind.create(&membership("anna", "member")).unwrap();
    assert!(
        kind.observe(&membership("anna", "member")).unwrap().up_to_date,
        "an owner cannot be less than a maintainer"
    );
    let _ = kind.create(&membership("carl", "member")).unwrap();
    let pending = kind.observe(&membership("carl", "member")).unwrap();
    assert!(matches!(&pending.readiness, Readiness::NotReady(problem) if problem.reason == "InvitationPending"));
    kind.delete(&membership("carl", "member")).unwrap();
    kind.delete(&membership("carl", "member")).unwrap();
    assert!(!kind.observe(&membership("carl", "member")).unwrap().exists);
}

/// GitHub shows them as members, and has nothing to take from them.
#[test]
fn who_is_in_a_team_below_is_not_in_the_way_of_a_deletion() {
    let stage = Stage::new(Settings::default());
    let seed = stage.fake.seed();
    for team in ["core", "kernel"] {
        seed.team("acme", team);
    }
    seed.team_below("acme", "kernel", "core");
    seed.team_member("acme", "kernel", "bert", false);
    seed.team_member("acme", "core", "bert", true);
    let mut kind = TeamMembership::new(stage.github());
    let mut object = membership("bert", "maintainer");
    object.metadata.deletion_timestamp = Some("2026-01-01T00:00:00Z".into());
    assert!(kind.observe(&object).unwrap().exists);
    kind.delete(&object).unwrap();
    // As the host leaves it after it has asked for the deletion.
    object.status = json!({"conditions": [
        {"type": "Ready", "status": "False", "reason": "Deleting"}, {"type": "Synced", "status": "True", "reason": "x"},
    ]});
    assert!(!kind.observe(&object).unwrap().exists);
    assert_eq!(seed.look_at_team("acme", "core").unwrap()["members"], json!({}));
    assert_eq!(seed.look_at_team("acme", "kernel").unwrap()["members"], json!({"bert": "member"}));
}

#[test]
fn teams_are_found_whatever_github_makes_of_their_names() {
    let stage = Stage::new(Settings::default());
    for name in ["C++ & Co", "\u{c9}quipe \u{dc}ber", "\u{5c0f}\u{7ec4}", "++"] {
        let mut kind = Team::new(stage.github());
        let mut object = team(json!({"name": name}));
        assert!(!kind.observe(&object).unwrap().exists, "{name}");
        let made = kind.create(&object).unwrap().status.unwrap();
        // Without a record of it, as after a crash.
        let found = Team::new(stage.github()).observe(&object).unwrap();
        assert!(found.up_to_date && found.status.unwrap()["id"] == made["id"], "{name}");
        object.status = made;
        stage.fake.forget();
        assert!(kind.observe(&object).unwrap().up_to_date);
        assert_eq!(stage.requests().len(), 1, "{name}: one request once the slug is known");
        kind.delete(&object).unwrap();
        assert!(!kind.observe(&object).unwrap().exists, "{name}");
    }
}

#[test]
fn a_renamed_team_is_followed_and_named_as_it_should_be() {
    let stage = Stage::new(Settings::default());
    let mut kind = Team::new(stage.github());
    let mut object = team(json!({}));
    object.status = kind.create(&object).unwrap().status.unwrap();
    stage.fake.seed().rename_team("acme", "core-team", "Odd");
    let found = kind.observe(&object).unwrap();
    assert_eq!((found.differences[0].path.as_str(), &found.status.unwrap()["slug"]), ("name", &json!("odd")));
    // Another team that has its old name meanwhile is not taken for it.
    stage.fake.seed().team("acme", "Core Team");
    assert_eq!(kind.observe(&object).unwrap().status.unwrap()["slug"], "odd");
    object.metadata.deletion_timestamp = Some("2026-01-01T00:00:00Z".into());
    kind.delete(&object).unwrap();
    assert!(!kind.observe(&object).unwrap().exists);
    assert!(stage.fake.seed().look_at_team("acme", "core-team").is_some(), "it is somebody else's");
}

#[test]
fn who_maintains_a_team_without_owning_the_organisation_can_be_made_a_member() {
    let stage = Stage::new(Settings::default());
    stage.fake.seed().team("acme", "core");
    let mut kind = TeamMembership::new(stage.github());
    let _ = kind.create(&membership("bert", "maintainer")).unwrap();
    assert!(!kind.observe(&membership("bert", "member")).unwrap().up_to_date);
    let _ = kind.update(&membership("bert", "member")).unwrap();
    assert!(kind.observe(&membership("bert", "member")).unwrap().up_to_date);
}

#[test]
fn a_number_that_another_server_gave_says_nothing() {
    let stage = Stage::new(Settings::default());
    let other = stage.fake.seed().team("acme", "other");
    let mut object = team(json!({}));
    object.status =
        json!({"id": other, "slug": "other", "url": "https://elsewhere.example.org/organizations/1/team/1"});
    assert!(!Team::new(stage.github()).observe(&object).unwrap().exists, "that is another one");
    // Here it does: the team was renamed.
    object.status["url"] = format!("{}/organizations/1/team/1", stage.fake.url()).into();
    assert_eq!(Team::new(stage.github()).observe(&object).unwrap().differences[0].path, "name");
    // A slug says nothing without its number.
    object.status = json!({"slug": "other"});
    assert!(!Team::new(stage.github()).observe(&object).unwrap().exists);
}

#[test]
fn without_its_organisation_there_is_no_team_and_a_new_one_of_its_name_is_taken_over() {
    let stage = Stage::new(Settings::default());
    for name in ["Core Team", "\u{c9}quipe"] {
        assert!(!Team::new(stage.github()).observe(&team(json!({"org": "nobody", "name": name}))).unwrap().exists);
    }
    let mut object = team(json!({"description": "d"}));
    object.status = Team::new(stage.github()).create(&object).unwrap().status.unwrap();
    stage.fake.seed().remove_team("acme", "core-team");
    let id = stage.fake.seed().team("acme", "Core Team");
    let seen = Team::new(stage.github()).observe(&object).unwrap();
    assert_eq!((seen.exists, &seen.status.unwrap()["id"]), (true, &json!(id)));
}
