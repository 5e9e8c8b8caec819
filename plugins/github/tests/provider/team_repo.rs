//! `TeamRepo`.

use capstan_fakegithub::Settings;
use capstan_github::kinds::team_repo::{Spec, TeamRepo};
use capstan_sdk::{Managed, json};

use crate::stage::{Stage, object};

fn of(permission: &str) -> Managed<Spec> {
    let spec = json!({
        "org": "acme", "teamSlug": "core", "owner": "acme", "repo": "shop", "permission": permission, "credentials": {},
    });
    object("TeamRepo", spec, json!({}))
}

#[test]
fn every_role_settles_with_either_kind_of_flags_and_without_its_name() {
    for (role_names, exclusive_permission_flags) in [(true, false), (true, true), (false, false), (false, true)] {
        let stage = Stage::new(Settings { role_names, exclusive_permission_flags, ..Settings::default() });
        stage.fake.seed().repository("acme", "shop");
        stage.fake.seed().team("acme", "core");
        stage.fake.seed().custom_role("acme", "release-manager", "write");
        let mut kind = TeamRepo::new(stage.github());
        assert!(!kind.observe(&of("pull")).unwrap().exists);
        for permission in ["pull", "read", "triage", "push", "write", "maintain", "admin", "release-manager"] {
            if permission == "release-manager" && !role_names {
                // No flag tells the organisation's own role from the one it is made of.
                continue;
            }
            let _ = kind.update(&of(permission)).unwrap();
            stage.fake.forget();
            assert!(kind.observe(&of(permission)).unwrap().up_to_date, "{permission}");
            assert_eq!(stage.requests().len(), 1);
            let other = if permission == "triage" { "maintain" } else { "triage" };
            assert!(!kind.observe(&of(other)).unwrap().up_to_date, "{permission} is not {other}");
        }
        kind.delete(&of("pull")).unwrap();
        kind.delete(&of("pull")).unwrap();
        assert!(!kind.observe(&of("pull")).unwrap().exists);
    }
}

/// As the host leaves it after it has asked for the deletion.
fn deleted(permission: &str, synced: &str) -> Managed<Spec> {
    let conditions = json!([
        {"type": "Ready", "status": "False", "reason": "Deleting"},
        {"type": "Synced", "status": synced, "reason": "x"},
    ]);
    let mut object = of(permission);
    object.metadata.deletion_timestamp = Some("2026-01-01T00:00:00Z".into());
    object.status = json!({"permission": permission, "conditions": conditions});
    object
}

/// `core` is below `top`, which has the repository.
fn below(inherited: &str) -> Stage {
    let stage = Stage::new(Settings::default());
    let seed = stage.fake.seed();
    seed.repository("acme", "shop");
    for team in ["core", "top"] {
        seed.team("acme", team);
    }
    seed.team_below("acme", "core", "top");
    seed.team_repository("acme", "top", "acme", "shop", inherited);
    stage
}

#[test]
fn what_a_team_above_gives_is_not_in_the_way_of_a_deletion() {
    let stage = below("push");
    for own in ["pull", "push", "admin"] {
        stage.fake.seed().team_repository("acme", "core", "acme", "shop", own);
        let mut kind = TeamRepo::new(stage.github());
        assert!(kind.observe(&deleted(own, "False")).unwrap().exists, "{own}: nothing was accepted yet");
        kind.delete(&deleted(own, "False")).unwrap();
        assert_eq!(stage.fake.seed().look_at_team("acme", "core").unwrap()["repositories"], json!({}));
        assert!(!kind.observe(&deleted(own, "True")).unwrap().exists, "{own}");
    }
    // What is more than the team above gives is the team's own: the deletion is asked for again.
    stage.fake.seed().team_repository("acme", "core", "acme", "shop", "admin");
    assert!(TeamRepo::new(stage.github()).observe(&deleted("admin", "True")).unwrap().exists);
}

#[test]
fn a_lesser_role_than_that_of_a_team_above_is_given_once_and_settles() {
    let stage = below("admin");
    let mut kind = TeamRepo::new(stage.github());
    let mut object = of("push");
    let seen = kind.observe(&object).unwrap();
    assert!(seen.exists && !seen.up_to_date);
    object.status = kind.update(&object).unwrap().status.unwrap();
    assert_eq!(stage.fake.seed().look_at_team("acme", "core").unwrap()["repositories"]["acme/shop"], "write");
    let settled = kind.observe(&object).unwrap();
    assert!(settled.up_to_date);
    assert_eq!(settled.status.unwrap()["permission"], "admin", "what the team may do is shown");
    // Another role in the spec is given too, and more than the team above has is a difference.
    let mut other = of("triage");
    other.status = object.status.clone();
    assert!(!kind.observe(&other).unwrap().up_to_date);
    stage.fake.seed().team_repository("acme", "top", "acme", "shop", "pull");
    stage.fake.seed().team_repository("acme", "core", "acme", "shop", "maintain");
    assert!(!kind.observe(&object).unwrap().up_to_date);
}

#[test]
fn what_was_not_given_is_given_even_if_a_team_above_has_the_same() {
    let stage = below("admin");
    let mut kind = TeamRepo::new(stage.github());
    let mut object = of("push");
    object.status = json!({"given": "triage"});
    assert!(!kind.observe(&object).unwrap().up_to_date, "another role was given");
    object.status = json!({});
    assert!(!kind.observe(&object).unwrap().up_to_date, "none was given");
}

#[test]
fn less_than_what_was_given_is_given_again_though_a_team_above_has_it() {
    let stage = below("pull");
    let mut kind = TeamRepo::new(stage.github());
    let mut object = of("push");
    object.status = kind.update(&object).unwrap().status.unwrap();
    assert!(kind.observe(&object).unwrap().up_to_date);
    // Somebody takes the team's own role.
    kind.delete(&object).unwrap();
    let seen = kind.observe(&object).unwrap();
    assert!(seen.exists && !seen.up_to_date);
}
