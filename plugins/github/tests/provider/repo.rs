//! `Repo`.

use capstan_fakegithub::Settings;
use capstan_github::client::Error;
use capstan_github::kinds::repo::{Adoption, Repo, Spec};
use capstan_sdk::testing::Host;
use capstan_sdk::{Managed, Observation, Value, json};

use crate::stage::{Stage, object};

fn repo(more: Value, status: Value) -> Managed<Spec> {
    let mut spec = json!({"org": "acme", "name": "shop", "credentials": {}});
    for (name, value) in more.as_object().unwrap() {
        spec[name] = value.clone();
    }
    object("Repo", spec, status)
}

fn observe(stage: &Stage, object: &Managed<Spec>) -> Observation {
    Repo::new(stage.github(), Adoption::Implicit).observe(object).unwrap()
}

#[test]
fn it_is_created_settled_and_deleted() {
    let stage = Stage::new(Settings::default());
    let wanted = json!({
        "description": "A shop", "hasWiki": false, "topics": ["b", "a"], "allowForking": false, "visibility": "private",
        "squashMergeCommitTitle": "PR_TITLE", "squashMergeCommitMessage": "BLANK",
    });
    let object = repo(wanted.clone(), json!({}));
    let mut kind = Repo::new(stage.github(), Adoption::Implicit);
    assert!(!kind.observe(&object).unwrap().exists);
    let status = kind.create(&object).unwrap().status.unwrap();
    assert_eq!(status["adopted"], false);
    let object = repo(wanted.clone(), status);
    let left = kind.observe(&object).unwrap();
    let paths: Vec<_> = left.differences.iter().map(|difference| difference.path.as_str()).collect();
    assert_eq!(paths, ["allow_forking", "topics"], "what cannot be set at once");
    let _ = kind.update(&object).unwrap();
    stage.fake.forget();
    let settled = kind.observe(&object).unwrap();
    assert_eq!(stage.requests(), ["GET /repos/acme/shop"], "a settled one costs one conditional request");
    assert!(settled.up_to_date);
    let (status, found) = (settled.status.unwrap(), stage.fake.seed().look("acme", "shop").unwrap());
    for (shown, name) in [
        ("id", "id"),
        ("url", "url"),
        ("htmlUrl", "html_url"),
        ("fullName", "full_name"),
        ("private", "private"),
        ("visibility", "visibility"),
        ("defaultBranch", "default_branch"),
        ("archived", "archived"),
        ("pushedAt", "pushed_at"),
    ] {
        assert!(!found[name].is_null(), "{name}");
        assert_eq!(status[shown], found[name], "{shown}");
    }
    assert_eq!(status["observed"]["hasIssues"], true);
    kind.delete(&object).unwrap();
    assert!(!kind.observe(&object).unwrap().exists);
    kind.delete(&object).unwrap();
}

#[test]
fn drift_of_a_field_that_is_set_is_repaired_and_others_are_left_alone() {
    let stage = Stage::new(Settings::default());
    stage.fake.seed().repository("acme", "shop");
    let object = repo(json!({"hasWiki": true, "description": ""}), json!({}));
    assert!(observe(&stage, &object).up_to_date);
    stage.fake.seed().change_repository(
        "acme",
        "shop",
        &json!({"has_wiki": false, "has_issues": false, "description": "x"}),
    );
    let mut kind = Repo::new(stage.github(), Adoption::Implicit);
    assert_eq!(kind.observe(&object).unwrap().differences.len(), 2);
    let _ = kind.update(&object).unwrap();
    let now = stage.fake.seed().look("acme", "shop").unwrap();
    assert_eq!(
        (&now["has_wiki"], &now["has_issues"], &now["description"]),
        (&json!(true), &json!(false), &Value::Null)
    );
}

#[test]
fn drift_of_every_setting_is_found_and_repaired() {
    let stage = Stage::new(Settings::default());
    stage.fake.seed().repository("acme", "shop");
    stage.fake.seed().branch("acme", "shop", "next");
    let there = stage.fake.seed().look("acme", "shop").unwrap();
    for (name, github) in capstan_github::kinds::repo::Settings::NAMES {
        let wanted = match name {
            // It must exist.
            "defaultBranch" => json!({name: "next"}),
            "description" | "homepage" => json!({name: "https://example.org"}),
            "pullRequestCreationPolicy" => json!({name: "collaborators_only"}),
            // Not every message fits every title.
            "squashMergeCommitTitle" | "squashMergeCommitMessage" => {
                json!({"squashMergeCommitTitle": "PR_TITLE", "squashMergeCommitMessage": "BLANK"})
            }
            "mergeCommitTitle" | "mergeCommitMessage" => {
                json!({"mergeCommitTitle": "PR_TITLE", "mergeCommitMessage": "BLANK"})
            }
            flag => json!({flag: there[github] != true}),
        };
        // As it was in the beginning, whatever was repaired before.
        stage.fake.seed().change_repository("acme", "shop", &json!({github: there[github], "archived": false}));
        let object = repo(wanted, json!({}));
        let mut kind = Repo::new(stage.github(), Adoption::Implicit);
        let paths: Vec<_> = kind.observe(&object).unwrap().differences.into_iter().map(|each| each.path).collect();
        assert!(paths.iter().any(|path| path == github), "{name}: {paths:?}");
        let _ = kind.update(&object).unwrap();
        assert!(kind.observe(&object).unwrap().up_to_date, "{name}");
    }
}

#[test]
fn a_default_branch_that_is_not_there_is_told_and_costs_the_other_settings_nothing() {
    let stage = Stage::new(Settings::default());
    stage.fake.seed().repository("acme", "shop");
    let object = repo(json!({"defaultBranch": "next", "hasWiki": false, "topics": ["t"]}), json!({}));
    let mut kind = Repo::new(stage.github(), Adoption::Implicit);
    let paths: Vec<_> = kind.observe(&object).unwrap().differences.into_iter().map(|each| each.path).collect();
    assert_eq!(paths.len(), 3, "{paths:?}");
    let refused = kind.update(&object).unwrap_err();
    assert_eq!((refused.reason(), refused.failure().is_terminal()), ("Refused", false), "somebody may push it");
    assert!(refused.to_string().contains("The branch next was not found. Please push that ref first"), "{refused}");
    let now = stage.fake.seed().look("acme", "shop").unwrap();
    assert!(now["has_wiki"] == false && now["topics"] == json!(["t"]) && now["default_branch"] == "main", "{now}");
    // As soon as it is there, it is the default one.
    stage.fake.seed().branch("acme", "shop", "next");
    assert!(!kind.observe(&object).unwrap().up_to_date);
    let _ = kind.update(&object).unwrap();
    assert!(kind.observe(&object).unwrap().up_to_date);
    // Somebody who changes that again changes nothing for long.
    stage.fake.seed().change_repository("acme", "shop", &json!({"default_branch": "main"}));
    assert!(!kind.observe(&object).unwrap().up_to_date);
    let _ = kind.update(&object).unwrap();
    let now = stage.fake.seed().look("acme", "shop").unwrap();
    assert_eq!(now["default_branch"], "next");
    assert!(observe(&stage, &repo(json!({"hasWiki": false}), json!({}))).up_to_date, "without a word it is anything");
}

/// Of an archived repository neither a branch can be pushed nor the default one be changed.
#[test]
fn a_repository_is_archived_no_sooner_than_its_default_branch_is_there() {
    let stage = Stage::new(Settings::default());
    stage.fake.seed().repository("acme", "shop");
    let object = repo(json!({"defaultBranch": "next", "archived": true, "hasWiki": false}), json!({}));
    let mut kind = Repo::new(stage.github(), Adoption::Implicit);
    let shown = || {
        let now = stage.fake.seed().look("acme", "shop").unwrap();
        [&now["has_wiki"], &now["default_branch"], &now["archived"]].map(Clone::clone)
    };
    assert_eq!(kind.update(&object).unwrap_err().reason(), "Refused");
    assert_eq!(shown(), [json!(false), json!("main"), json!(false)]);
    stage.fake.seed().branch("acme", "shop", "next");
    let _ = kind.update(&object).unwrap();
    assert_eq!(shown(), [json!(false), json!("next"), json!(true)]);
    assert!(kind.observe(&object).unwrap().up_to_date);
}

#[test]
fn without_a_word_about_it_a_public_repository_stays_public_and_a_new_one_is_private() {
    let stage = Stage::new(Settings::default());
    stage.fake.seed().repository("acme", "shop");
    stage.fake.seed().change_repository("acme", "shop", &json!({"visibility": "public"}));
    assert!(observe(&stage, &repo(json!({}), json!({}))).up_to_date);
    let new = repo(json!({"name": "new"}), json!({}));
    let _ = Repo::new(stage.github(), Adoption::Implicit).create(&new).unwrap();
    assert_eq!(stage.fake.seed().look("acme", "new").unwrap()["private"], true);
}

#[test]
fn one_that_exists_is_adopted_unless_that_must_be_said() {
    let stage = Stage::new(Settings::default());
    stage.fake.seed().repository("acme", "shop");
    let adopted = observe(&stage, &repo(json!({}), json!({}))).status.unwrap();
    assert_eq!(adopted["adopted"], true);
    let mut explicit = Repo::new(stage.github(), Adoption::Explicit);
    let refused = explicit.observe(&repo(json!({}), json!({}))).unwrap_err();
    assert!(matches!(refused, Error::AlreadyExists(_)) && refused.failure().is_terminal());
    assert!(explicit.observe(&repo(json!({"adopt": true}), json!({}))).unwrap().exists);
    // What we created ourselves is ours, also if the end of that was never recorded.
    assert!(explicit.observe(&repo(json!({}), json!({"id": adopted["id"]}))).unwrap().exists);
    let mut crashed = repo(json!({}), json!({}));
    crashed.metadata.annotations.insert("krateo.io/external-create-pending".into(), "2026-01-01T00:00:00Z".into());
    assert_eq!(explicit.observe(&crashed).unwrap().status.unwrap()["adopted"], false);
}

#[test]
fn renames_and_transfers_are_followed_and_a_new_one_of_the_old_name_is_not_mistaken_for_it() {
    let stage = Stage::new(Settings::default());
    let id = stage.fake.seed().repository("acme", "shop");
    let mut object = repo(json!({"hasWiki": false}), json!({"id": id}));
    // As it is after every creation, for good.
    for (end, time) in [("pending", "2026-01-01T00:00:00Z"), ("succeeded", "2026-01-01T00:00:01Z")] {
        object.metadata.annotations.insert(format!("krateo.io/external-create-{end}"), time.into());
    }
    stage.fake.seed().rename_repository("acme", "shop", "anna", "store");
    let mut kind = Repo::new(stage.github(), Adoption::Implicit);
    assert_eq!(kind.observe(&object).unwrap().status.unwrap()["fullName"], "anna/store");
    let _ = kind.update(&object).unwrap();
    assert_eq!(stage.fake.seed().look("anna", "store").unwrap()["has_wiki"], false);
    stage.fake.seed().repository("acme", "shop");
    assert_eq!(kind.observe(&object).unwrap().status.unwrap()["id"], id);
    // Nor is it changed in its place.
    stage.fake.seed().change_repository("anna", "store", &json!({"has_wiki": true}));
    assert!(!kind.observe(&object).unwrap().up_to_date);
    let _ = kind.update(&object).unwrap();
    let has_wiki = |owner: &str, name: &str| stage.fake.seed().look(owner, name).unwrap()["has_wiki"].clone();
    assert_eq!((has_wiki("anna", "store"), has_wiki("acme", "shop")), (json!(false), json!(true)));
    kind.delete(&object).unwrap();
    assert!(stage.fake.seed().look("acme", "shop").is_some() && stage.fake.seed().look("anna", "store").is_none());
}

#[test]
fn a_renamed_repository_is_asked_for_where_it_is_and_not_where_it_was() {
    let stage = Stage::new(Settings::default());
    let id = stage.fake.seed().repository("acme", "shop");
    let mut object = repo(json!({}), json!({"id": id, "fullName": "acme/shop"}));
    // How many requests a look is answered by the way to another address, and how many it needs in all.
    let look = |object: &mut Managed<Spec>| {
        stage.fake.forget();
        object.status = observe(&stage, object).status.unwrap();
        let exchanges = stage.fake.exchanges();
        (exchanges.iter().filter(|each| each.status == Some(301)).count(), exchanges.len())
    };
    assert_eq!(look(&mut object), (0, 1));
    for (from, to) in [(("acme", "shop"), ("anna", "store")), (("anna", "store"), ("acme", "market"))] {
        stage.fake.seed().rename_repository(from.0, from.1, to.0, to.1);
        assert_eq!(look(&mut object), (1, 2), "{to:?} is not known yet");
        assert_eq!(object.status["fullName"], format!("{}/{}", to.0, to.1));
        for _ in 0..3 {
            assert_eq!(look(&mut object), (0, 1), "{to:?}");
        }
    }
    // A new one at the old place, or at the last one, is another one.
    stage.fake.seed().repository("acme", "shop");
    assert_eq!(look(&mut object), (0, 1));
    assert_eq!(object.status["id"], id);
    stage.fake.seed().rename_repository("acme", "market", "acme", "bazaar");
    stage.fake.seed().repository("acme", "market");
    look(&mut object);
    assert_eq!((&object.status["id"], &object.status["fullName"]), (&json!(id), &json!("acme/bazaar")));
    // What is no name in a status leads nowhere.
    object.status["fullName"] = json!("../user");
    look(&mut object);
    assert_eq!(object.status["fullName"], "acme/bazaar");
    // One that has been removed is missing, wherever it was.
    stage.fake.seed().remove_repository("acme", "bazaar");
    stage.fake.seed().remove_repository("acme", "shop");
    assert!(!observe(&stage, &object).exists);
}

#[test]
fn a_setting_that_is_not_kept_is_told_once_and_not_set_at_every_look() {
    let stage = Stage::new(Settings { unkept: vec!["has_wiki"], ..Settings::default() });
    let host = Host::new();
    let wanted = json!({"hasWiki": false, "hasIssues": false});
    let mut object = repo(wanted, json!({}));
    let mut kind = Repo::new(stage.github(), Adoption::Implicit);
    let mut reconcile = |object: &mut Managed<Spec>| {
        stage.fake.forget();
        host.run(|| {
            let seen = kind.observe(object).unwrap();
            let up_to_date = seen.up_to_date;
            object.status = seen.status.unwrap();
            if !up_to_date {
                object.status = kind.update(object).unwrap().status.unwrap();
            }
        });
        let events: Vec<_> = host.take_events().into_iter().filter(|event| event.reason == "SettingUnkept").collect();
        let writes = stage.requests().into_iter().filter(|request| request.starts_with("PATCH ")).count();
        (writes, events)
    };
    let _ = Repo::new(stage.github(), Adoption::Implicit).create(&object).unwrap();
    let (writes, events) = reconcile(&mut object);
    assert_eq!((writes, &object.status["unkept"]), (1, &json!(["hasWiki: false"])));
    assert!(events.len() == 1 && events[0].note.contains("hasWiki: false for 'acme/shop'"), "{events:?}");
    for _ in 0..2 {
        assert_eq!(reconcile(&mut object), (0, Vec::new()), "it has settled");
        assert_eq!(object.status["unkept"], json!(["hasWiki: false"]), "and says so");
    }
    // With what somebody else changed it is tried again, and is no news.
    stage.fake.seed().change_repository("acme", "shop", &json!({"has_issues": true}));
    assert_eq!(reconcile(&mut object), (1, Vec::new()));
    assert_eq!(stage.fake.seed().look("acme", "shop").unwrap()["has_issues"], false);
    // Once it is as it should be nothing is left to be told, and another drift is mended.
    stage.fake.seed().change_repository("acme", "shop", &json!({"has_wiki": false}));
    assert_eq!((reconcile(&mut object), &object.status["unkept"]), ((0, Vec::new()), &Value::Null));
    stage.fake.set(|settings| settings.unkept.clear());
    stage.fake.seed().change_repository("acme", "shop", &json!({"has_wiki": true}));
    assert_eq!(reconcile(&mut object).0, 1);
    assert_eq!(stage.fake.seed().look("acme", "shop").unwrap()["has_wiki"], false);
}

#[test]
fn a_message_of_commits_is_set_whether_their_title_is_said_or_not() {
    let stage = Stage::new(Settings::default());
    let wanted = json!({"squashMergeCommitMessage": "COMMIT_MESSAGES", "mergeCommitMessage": "PR_TITLE"});
    let mut kind = Repo::new(stage.github(), Adoption::Implicit);
    let status = kind.create(&repo(wanted.clone(), json!({}))).unwrap().status.unwrap();
    let object = repo(wanted, status);
    assert!(kind.observe(&object).unwrap().up_to_date);
    let changed = json!({
        "squash_merge_commit_title": "PR_TITLE", "squash_merge_commit_message": "BLANK",
        "merge_commit_title": "PR_TITLE", "merge_commit_message": "BLANK",
    });
    stage.fake.seed().change_repository("acme", "shop", &changed);
    let other = repo(json!({"squashMergeCommitMessage": "PR_BODY", "mergeCommitMessage": "PR_BODY"}), json!({}));
    assert_eq!(kind.observe(&other).unwrap().differences.len(), 2);
    let _ = kind.update(&other).unwrap();
    assert!(kind.observe(&other).unwrap().up_to_date);
    assert_eq!(stage.fake.seed().look("acme", "shop").unwrap()["squash_merge_commit_title"], "PR_TITLE");
}

#[test]
fn a_title_of_commits_alone_is_set_if_it_fits_and_else_its_message_is_asked_for() {
    let stage = Stage::new(Settings::default());
    let mut kind = Repo::new(stage.github(), Adoption::Implicit);
    let alone = json!({"squashMergeCommitTitle": "PR_TITLE", "mergeCommitTitle": "PR_TITLE"});
    let status = kind.create(&repo(alone.clone(), json!({}))).unwrap().status.unwrap();
    let refused = kind.update(&repo(alone, status.clone())).unwrap_err();
    assert_eq!(refused.reason(), "InvalidSpec");
    assert!(refused.to_string().contains("give mergeCommitMessage too"), "{refused}");
    let whole =
        json!({"squashMergeCommitTitle": "PR_TITLE", "mergeCommitTitle": "PR_TITLE", "mergeCommitMessage": "BLANK"});
    let object = repo(whole, status);
    let _ = kind.update(&object).unwrap();
    assert!(kind.observe(&object).unwrap().up_to_date);
}

#[test]
fn a_number_that_another_server_gave_says_nothing() {
    let stage = Stage::new(Settings::default());
    let other = stage.fake.seed().repository("acme", "other");
    let here = json!({"id": other, "url": format!("{}/repos/acme/other", stage.fake.url())});
    assert!(observe(&stage, &repo(json!({}), here)).exists, "it was renamed");
    let elsewhere = json!({"id": other, "url": "https://elsewhere.example.org/repos/acme/shop"});
    assert!(!observe(&stage, &repo(json!({}), elsewhere)).exists, "it is another one");
}

#[test]
fn it_can_be_archived_or_kept_instead_of_deleted() {
    let stage = Stage::new(Settings::default());
    stage.fake.seed().repository("acme", "shop");
    let deleted = |policy: &str| {
        let mut object = repo(json!({"onDelete": policy}), json!({}));
        object.metadata.deletion_timestamp = Some("2026-01-01T00:00:00Z".into());
        object
    };
    let mut explicit = Repo::new(stage.github(), Adoption::Explicit);
    assert!(!explicit.observe(&deleted("delete")).unwrap().exists, "it was never taken over");
    let mut kind = Repo::new(stage.github(), Adoption::Implicit);
    drop(stage.requests());
    assert!(!kind.observe(&deleted("keep")).unwrap().exists);
    assert_eq!(stage.requests(), Vec::<String>::new(), "nothing can stand in the way");
    assert!(kind.observe(&deleted("archive")).unwrap().exists);
    kind.delete(&deleted("archive")).unwrap();
    assert_eq!(stage.fake.seed().look("acme", "shop").unwrap()["archived"], true);
    assert!(!kind.observe(&deleted("archive")).unwrap().exists);
}

#[test]
fn a_users_repository_needs_that_users_token() {
    let stage = Stage::new(Settings::default());
    let mine = repo(json!({"org": "anna"}), json!({}));
    let _ = Repo::new(stage.github(), Adoption::Implicit).create(&mine).unwrap();
    assert!(stage.fake.seed().look("anna", "shop").is_some());
    let theirs = repo(json!({"org": "bert"}), json!({}));
    let refused = Repo::new(stage.github(), Adoption::Implicit).create(&theirs).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "a repository of the user bert can only be created with a token of bert; this is anna's"
    );
}

#[test]
fn a_repository_that_was_made_public_is_made_private_again() {
    let stage = Stage::new(Settings::default());
    for wanted in
        [json!({"private": true}), json!({"visibility": "private"}), json!({"private": false, "visibility": "private"})]
    {
        stage.fake.seed().repository("acme", "shop");
        stage.fake.seed().change_repository("acme", "shop", &json!({"visibility": "public"}));
        let object = repo(wanted, json!({}));
        let mut kind = Repo::new(stage.github(), Adoption::Implicit);
        assert_eq!(kind.observe(&object).unwrap().differences.len(), 1);
        let _ = kind.update(&object).unwrap();
        assert_eq!(stage.fake.seed().look("acme", "shop").unwrap()["visibility"], "private");
        assert!(kind.observe(&object).unwrap().up_to_date);
        stage.fake.seed().remove_repository("acme", "shop");
    }
}
