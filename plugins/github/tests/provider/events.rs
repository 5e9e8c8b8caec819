//! What is told of what was done, by the names that Krateo's provider has for it.

use capstan_fakegithub::{Failure, Fault, Settings};
use capstan_github::kinds::collaborator::Collaborator;
use capstan_github::kinds::repo::{Adoption, Repo};
use capstan_github::kinds::team_repo::TeamRepo;
use capstan_sdk::json;
use capstan_sdk::testing::Host;
use ureq::http::Method;

use crate::stage::{Stage, object};

/// The events of what is done: reason, action and note.
fn told(does: impl FnOnce()) -> Vec<(String, String, String)> {
    let host = Host::new();
    host.run(does);
    host.take_events().into_iter().map(|event| (event.reason, event.action, event.note)).collect()
}

fn event(reason: &str, action: &str, note: &str) -> (String, String, String) {
    (reason.to_owned(), action.to_owned(), note.to_owned())
}

fn stage() -> Stage {
    let stage = Stage::new(Settings::default());
    stage.fake.seed().base_role("acme", "none");
    stage
}

#[test]
fn a_repository_that_is_made_archived_or_deleted_is_told() {
    let stage = stage();
    let repo = || Repo::new(stage.github(), Adoption::Implicit);
    let of = |policy: &str| {
        object("Repo", json!({"org": "acme", "name": "shop", "onDelete": policy, "credentials": {}}), json!({}))
    };
    let made = told(|| drop(repo().create(&of("delete")).unwrap()));
    assert_eq!(made, [event("RepoCreated", "Create", "Repo 'acme/shop' created")]);
    let archived = told(|| repo().delete(&of("archive")).unwrap());
    assert_eq!(archived, [event("RepoArchived", "Delete", "Repo 'acme/shop' archived")]);
    assert_eq!(told(|| repo().delete(&of("archive")).unwrap()), [], "it is already");
    let deleted = told(|| repo().delete(&of("delete")).unwrap());
    assert_eq!(deleted, [event("RepoDeleted", "Delete", "Repo 'acme/shop' deleted")]);
    assert_eq!(told(|| repo().delete(&of("delete")).unwrap()), [], "there is none");
    stage.fake.seed().revoke(&stage.token);
    assert_eq!(told(|| drop(repo().create(&of("delete")).unwrap_err())), [], "nothing was done");
}

#[test]
fn who_is_added_invited_or_removed_is_told() {
    let stage = stage();
    stage.fake.seed().repository("acme", "shop");
    let of = |username: &str| {
        let spec =
            json!({"org": "acme", "repo": "shop", "username": username, "permission": "push", "credentials": {}});
        object("Collaborator", spec, json!({}))
    };
    let mut kind = Collaborator::new(stage.github());
    for (username, note) in [("bert", "bert added to 'acme/shop'"), ("carl", "carl invited to 'acme/shop'")] {
        let made = told(|| drop(kind.create(&of(username)).unwrap()));
        assert_eq!(made, [event("CollaboratorCreated", "Create", note)]);
        let removed = told(|| kind.delete(&of(username)).unwrap());
        let note = format!("{username} removed from 'acme/shop'");
        assert_eq!(removed, [event("CollaboratorDeleted", "Delete", &note)]);
    }
}

#[test]
fn what_a_team_is_given_and_loses_is_told() {
    let stage = stage();
    stage.fake.seed().repository("acme", "shop");
    stage.fake.seed().team("acme", "core");
    let spec = json!({
        "org": "acme", "teamSlug": "core", "owner": "acme", "repo": "shop", "permission": "push", "credentials": {},
    });
    let object = object("TeamRepo", spec, json!({}));
    let mut kind = TeamRepo::new(stage.github());
    let fault = Fault::new(Failure::Status(422)).on(Method::PUT).below("/orgs/acme/teams/core/repos");
    stage.fake.fail(fault.times(1));
    assert_eq!(told(|| drop(kind.create(&object).unwrap_err())), [], "nothing was given");
    let given = told(|| drop(kind.create(&object).unwrap()));
    let note = "Team 'acme/core' misses the permission push in 'acme/shop'";
    assert_eq!(given, [event("NotPermitted", "Update", note)]);
    let taken = told(|| kind.delete(&object).unwrap());
    let note = "Team 'acme/core' has no longer the permission push in 'acme/shop'";
    assert_eq!(taken, [event("PermissionRevoked", "Delete", note)]);
}

#[test]
fn krateos_spelling_is_for_who_asks_for_it() {
    let stage = stage();
    stage.fake.seed().repository("acme", "shop");
    let host = Host::new();
    host.configure(json!({"eventNames": "krateo"}));
    let object = object("Repo", json!({"org": "acme", "name": "shop", "credentials": {}}), json!({}));
    host.run(|| Repo::new(stage.github(), Adoption::Implicit).delete(&object).unwrap());
    let reasons: Vec<String> = host.take_events().into_iter().map(|event| event.reason).collect();
    assert_eq!(reasons, ["RepDeleted"]);
}
