//! `Collaborator`.

use capstan_fakegithub::{Failure, Fault, Settings};
use capstan_github::client::{Method, Path};
use capstan_github::kinds::collaborator::{Collaborator, Spec};
use capstan_sdk::testing::Host;
use capstan_sdk::{Managed, Readiness, Value, json};

use crate::stage::{Stage, object};

fn of(username: &str, permission: &str) -> Managed<Spec> {
    let spec =
        json!({"org": "acme", "repo": "shop", "username": username, "permission": permission, "credentials": {}});
    object("Collaborator", spec, json!({}))
}

fn shop() -> Stage {
    let stage = Stage::new(Settings::default());
    let seed = stage.fake.seed();
    seed.repository("acme", "shop");
    seed.base_role("acme", "none");
    seed.custom_role("acme", "release-manager", "write");
    stage
}

#[test]
fn every_role_in_every_spelling_settles_after_one_request() {
    let stage = shop();
    let mut kind = Collaborator::new(stage.github());
    for permission in ["pull", "read", "triage", "push", "write", "maintain", "admin", "release-manager"] {
        let object = of("bert", permission);
        if kind.observe(&object).unwrap().exists {
            let _ = kind.update(&object).unwrap();
        } else {
            let _ = kind.create(&object).unwrap();
        }
        stage.fake.forget();
        assert!(kind.observe(&object).unwrap().up_to_date, "{permission}");
        assert!(stage.requests().iter().all(|request| request.starts_with("GET ")), "{permission}");
    }
    kind.delete(&of("bert", "pull")).unwrap();
    assert!(!kind.observe(&of("bert", "pull")).unwrap().exists);
}

#[test]
fn an_outsider_is_invited_pending_and_then_a_collaborator() {
    let stage = shop();
    let carl = stage.fake.seed().token("carl");
    let mut kind = Collaborator::new(stage.github());
    let object = of("carl", "write");
    assert!(!kind.observe(&object).unwrap().exists);
    let _ = kind.create(&object).unwrap();
    let pending = kind.observe(&object).unwrap();
    assert!(pending.exists && pending.up_to_date);
    assert!(matches!(&pending.readiness, Readiness::NotReady(problem) if problem.reason == "InvitationPending"));
    // The role of an invitation can be changed, without another one.
    assert!(!kind.observe(&of("carl", "triage")).unwrap().up_to_date);
    let _ = kind.update(&of("carl", "triage")).unwrap();
    let invitations = stage.fake.seed().invitations("acme", "shop");
    assert_eq!((invitations.len(), invitations[0].2.as_str()), (1, "triage"));
    let path = Path::of(&["user", "repository_invitations"]).unwrap().join(invitations[0].0);
    stage.github_with(&carl).change(Method::Patch, &path, None).unwrap();
    let accepted = kind.observe(&of("carl", "triage")).unwrap();
    assert!(accepted.up_to_date && accepted.readiness == Readiness::Ready);
}

#[test]
fn who_let_an_invitation_expire_is_invited_anew_and_deleting_cancels_it() {
    let stage = shop();
    let mut kind = Collaborator::new(stage.github());
    let object = of("carl", "admin");
    let _ = kind.create(&object).unwrap();
    let first = stage.fake.seed().invitations("acme", "shop")[0].0;
    stage.fake.clock().advance(Settings::default().invitation_lifetime);
    assert!(!kind.observe(&object).unwrap().exists);
    let _ = kind.create(&object).unwrap();
    let invitations = stage.fake.seed().invitations("acme", "shop");
    assert!(invitations.len() == 1 && invitations[0].0 != first);
    kind.delete(&object).unwrap();
    assert_eq!(stage.fake.seed().invitations("acme", "shop").len(), 0);
}

#[test]
fn who_may_read_because_all_may_is_no_collaborator() {
    let stage = shop();
    stage.fake.seed().change_repository("acme", "shop", &json!({"visibility": "public"}));
    let mut kind = Collaborator::new(stage.github());
    assert!(!kind.observe(&of("bert", "pull")).unwrap().exists);
    let _ = kind.create(&of("bert", "pull")).unwrap();
    assert!(kind.observe(&of("bert", "pull")).unwrap().up_to_date);
}

#[test]
fn a_users_repository_has_one_role_only_and_that_settles() {
    let stage = Stage::new(Settings::default());
    stage.fake.seed().repository("anna", "shop");
    stage.fake.seed().collaborator("anna", "shop", "bert", "push");
    let spec = json!({"org": "anna", "repo": "shop", "username": "bert", "permission": "admin", "credentials": {}});
    assert!(Collaborator::new(stage.github()).observe(&object("Collaborator", spec, json!({}))).unwrap().up_to_date);
}

/// GitHub shows who is invited there as one who may write, and takes no other role.
#[test]
fn an_invitation_to_a_users_repository_settles_whatever_role_is_wanted() {
    let stage = Stage::new(Settings::default());
    stage.fake.seed().repository("anna", "shop");
    let mut kind = Collaborator::new(stage.github());
    for permission in ["pull", "push", "admin"] {
        let spec =
            json!({"org": "anna", "repo": "shop", "username": "carl", "permission": permission, "credentials": {}});
        let object = object("Collaborator", spec, json!({}));
        let _ = kind.create(&object).unwrap();
        let pending = kind.observe(&object).unwrap();
        assert!(pending.exists && pending.up_to_date, "{permission}");
        assert!(matches!(&pending.readiness, Readiness::NotReady(problem) if problem.reason == "InvitationPending"));
    }
    assert_eq!(stage.fake.seed().invitations("anna", "shop").len(), 1);
}

#[test]
fn who_may_read_without_being_a_collaborator_is_not_in_the_way_of_a_deletion() {
    let stage = shop();
    stage.fake.seed().base_role("acme", "read");
    let mut object = of("bert", "push");
    let mut kind = Collaborator::new(stage.github());
    let _ = kind.create(&object).unwrap();
    object.metadata.deletion_timestamp = Some("2026-01-01T00:00:00Z".into());
    assert!(kind.observe(&object).unwrap().exists);
    kind.delete(&object).unwrap();
    assert!(!kind.observe(&object).unwrap().exists);
    stage.fake.seed().remove_repository("acme", "shop");
    assert!(!kind.observe(&object).unwrap().exists);
}

#[test]
fn older_servers_that_show_the_role_elsewhere_settle_too() {
    let stage = shop();
    stage.fake.seed().collaborator("acme", "shop", "bert", "maintain");
    let under_the_user = r#"{"permission": "write", "user": {"login": "bert",
        "permissions": {"pull": true, "triage": true, "push": true, "maintain": true, "admin": false}}}"#;
    let only_the_highest = r#"{"permission": "write", "user": {"login": "bert",
        "permissions": {"pull": false, "triage": false, "push": false, "maintain": true, "admin": false}}}"#;
    let alone = r#"{"permission": "write", "user": {"login": "bert"}}"#;
    for (answer, differing) in [(under_the_user, "push"), (only_the_highest, "push"), (alone, "triage")] {
        let path = "/repos/acme/shop/collaborators/bert/permission";
        stage.fake.fail(Fault::new(Failure::Page(200, "application/json", answer)).below(path));
        let mut kind = Collaborator::new(stage.github());
        assert!(kind.observe(&of("bert", "maintain")).unwrap().up_to_date, "{answer}");
        assert!(!kind.observe(&of("bert", differing)).unwrap().up_to_date, "{answer}");
        stage.fake.heal();
    }
}

#[test]
fn an_organisations_own_role_does_not_show_in_an_invitation_and_settles() {
    let stage = shop();
    let mut kind = Collaborator::new(stage.github());
    let object = of("carl", "release-manager");
    let _ = kind.create(&object).unwrap();
    assert!(kind.observe(&object).unwrap().up_to_date);
}

#[test]
fn invitations_of_others_and_those_that_still_count_are_left_alone() {
    let stage = shop();
    stage.fake.seed().user("dora");
    let theirs = stage.fake.seed().invitation("acme", "shop", "dora", "push");
    let numbers =
        || -> Vec<u64> { stage.fake.seed().invitations("acme", "shop").into_iter().map(|each| each.0).collect() };
    let mut kind = Collaborator::new(stage.github());
    // Logins mean the same in any case.
    let object = of("CARL", "push");
    assert!(!kind.observe(&object).unwrap().exists, "dora's is not carl's");
    let _ = kind.create(&object).unwrap();
    let ours: Vec<u64> = numbers().into_iter().filter(|id| *id != theirs).collect();
    assert!(kind.observe(&object).unwrap().exists);
    let _ = kind.create(&object).unwrap();
    assert!(ours.len() == 1 && numbers().contains(&ours[0]), "it is the same one");
    kind.delete(&object).unwrap();
    assert_eq!(numbers(), [theirs]);
}

#[test]
fn an_update_invites_anew_whose_invitation_expired() {
    let stage = shop();
    let mut kind = Collaborator::new(stage.github());
    let _ = kind.create(&of("carl", "push")).unwrap();
    stage.fake.clock().advance(Settings::default().invitation_lifetime);
    stage.fake.forget();
    let _ = kind.update(&of("carl", "triage")).unwrap();
    assert_eq!(stage.requests().last().unwrap(), "PUT /repos/acme/shop/collaborators/carl");
}

#[test]
fn an_invitation_is_left_to_be_cancelled_and_gone_with_its_repository() {
    let stage = shop();
    let mut kind = Collaborator::new(stage.github());
    let mut object = of("carl", "push");
    let _ = kind.create(&object).unwrap();
    object.metadata.deletion_timestamp = Some("2026-01-01T00:00:00Z".into());
    assert!(kind.observe(&object).unwrap().exists);
    stage.fake.seed().remove_repository("acme", "shop");
    kind.delete(&object).unwrap();
    assert!(!kind.observe(&object).unwrap().exists);
}

/// As [`of`], after the role was given.
fn given(username: &str, permission: &str) -> Managed<Spec> {
    let mut object = of(username, permission);
    object.status = json!({"given": permission});
    object
}

#[test]
fn a_role_that_was_wanted_and_is_there_costs_one_request() {
    let stage = shop();
    for role in ["triage", "push", "maintain", "admin", "release-manager"] {
        stage.fake.seed().collaborator("acme", "shop", "bert", role);
        stage.fake.forget();
        assert!(Collaborator::new(stage.github()).observe(&of("bert", role)).unwrap().up_to_date, "{role}");
        assert_eq!(stage.requests(), ["GET /repos/acme/shop/collaborators/bert/permission"], "{role}");
    }
}

#[test]
fn an_owner_of_the_organisation_is_given_a_lesser_role_once_and_that_settles() {
    let stage = shop();
    stage.fake.seed().user("dora");
    stage.fake.seed().owner("acme", "dora");
    let mut kind = Collaborator::new(stage.github());
    let mut object = of("dora", "push");
    let seen = kind.observe(&object).unwrap();
    assert!(seen.exists && !seen.up_to_date, "it was not given yet");
    object.status = kind.update(&object).unwrap().status.unwrap();
    assert_eq!(object.status["given"], "push");
    assert_eq!(stage.fake.seed().role("acme", "shop", "dora").as_deref(), Some("write"));
    let settled = kind.observe(&object).unwrap();
    assert!(settled.up_to_date);
    assert_eq!(settled.status.as_ref().unwrap()["unexplained"], Value::Null, "the token sees from where it is");
    assert_eq!(settled.status.unwrap()["permission"], "admin", "what the user may do is shown");
    // Another role in the spec is given too.
    let mut other = of("dora", "triage");
    other.status = object.status.clone();
    assert!(!kind.observe(&other).unwrap().up_to_date);
}

#[test]
fn what_a_user_has_by_a_team_is_no_difference_and_what_is_changed_by_hand_is() {
    let stage = shop();
    stage.fake.seed().team("acme", "core");
    stage.fake.seed().team_repository("acme", "core", "acme", "shop", "maintain");
    let member = Path::of(&["orgs", "acme", "teams", "core", "memberships", "bert"]).unwrap();
    stage.github().change(Method::Put, &member, Some(&json!({"role": "member"}))).unwrap();
    let mut kind = Collaborator::new(stage.github());
    let _ = kind.update(&of("bert", "push")).unwrap();
    assert!(kind.observe(&given("bert", "push")).unwrap().up_to_date);
    assert!(!kind.observe(&of("bert", "push")).unwrap().up_to_date, "none was given");
    // More than the team has is the user's own.
    stage.fake.seed().collaborator("acme", "shop", "bert", "admin");
    assert!(!kind.observe(&given("bert", "push")).unwrap().up_to_date);
    // What is left by the team, when the user's own is gone, is not enough.
    stage.fake.seed().team_repository("acme", "core", "acme", "shop", "triage");
    kind.delete(&of("bert", "push")).unwrap();
    assert!(!kind.observe(&given("bert", "push")).unwrap().up_to_date);
}

/// Tokens that administer the repository: one of somebody outside, who may not look at members at all, and one of a member,
/// who is not shown what every member has.
fn tokens_that_see_too_little(stage: &Stage) -> [String; 2] {
    let seed = stage.fake.seed();
    seed.user("dora");
    seed.member("acme", "dora");
    for login in ["carl", "dora"] {
        seed.collaborator("acme", "shop", login, "admin");
    }
    ["carl", "dora"].map(|login| seed.token(login))
}

#[test]
fn a_token_that_may_not_look_gives_the_role_once_and_not_at_every_look() {
    let stage = shop();
    stage.fake.seed().base_role("acme", "write");
    stage.fake.seed().collaborator("acme", "shop", "bert", "pull");
    for token in tokens_that_see_too_little(&stage) {
        let mut kind = Collaborator::new(stage.github_with(&token));
        let mut object = of("bert", "push");
        // Everybody has more than he is to be given.
        stage.fake.seed().base_role("acme", "admin");
        assert!(!kind.observe(&object).unwrap().up_to_date, "it was not given yet");
        stage.fake.seed().base_role("acme", "write");
        object.status = kind.update(&object).unwrap().status.unwrap();
        stage.fake.seed().base_role("acme", "admin");
        stage.fake.forget();
        // It is believed, and told once.
        let host = Host::new();
        // That the user works there is no news.
        object.status["permission"] = json!("admin");
        for look in 0..3 {
            let seen = host.run(|| kind.observe(&object).unwrap());
            assert!(seen.up_to_date);
            let seen = seen.status.unwrap();
            assert_eq!(seen["unexplained"], "admin");
            object.status["unexplained"] = seen["unexplained"].clone();
            let events = host.take_events();
            assert_eq!(events.len(), usize::from(look == 0), "{events:?}");
            for event in events {
                assert_eq!(event.reason, "UnexplainedPermission");
                let text = "bert has admin in 'acme/shop' and was given push, and the token may not see from where";
                assert!(event.note.contains(text), "{}", event.note);
            }
        }
        assert!(stage.requests().iter().all(|request| request.starts_with("GET ")));
        // Another role in the spec is given, and less than was given is mended.
        let mut other = of("bert", "triage");
        other.status = object.status.clone();
        assert!(!kind.observe(&other).unwrap().up_to_date);
        stage.fake.seed().base_role("acme", "none");
        stage.fake.seed().collaborator("acme", "shop", "bert", "pull");
        assert!(!kind.observe(&object).unwrap().up_to_date);
    }
}

#[test]
fn a_token_that_sees_that_nobody_gives_more_takes_it_for_a_difference() {
    let stage = shop();
    stage.fake.seed().collaborator("acme", "shop", "bert", "admin");
    assert!(!Collaborator::new(stage.github()).observe(&given("bert", "pull")).unwrap().up_to_date);
    stage.fake.seed().base_role("acme", "write");
    assert!(!Collaborator::new(stage.github()).observe(&given("bert", "pull")).unwrap().up_to_date);
}

#[test]
fn members_whom_the_organisation_gives_more_keep_that_and_cannot_be_given_less() {
    let stage = shop();
    stage.fake.seed().base_role("acme", "write");
    let mut kind = Collaborator::new(stage.github());
    let refused = kind.update(&of("bert", "pull")).unwrap_err();
    assert!(refused.reason() == "Refused" && refused.to_string().contains("Cannot assign bert"), "{refused}");
    // It was given before the organisation gave more.
    assert!(kind.observe(&given("bert", "pull")).unwrap().up_to_date);
    stage.fake.seed().collaborator("acme", "shop", "bert", "admin");
    assert!(!kind.observe(&given("bert", "pull")).unwrap().up_to_date);
}
