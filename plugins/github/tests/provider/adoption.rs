//! What exists already: whose it is, and that this is told once.

use capstan_fakegithub::{Failure, Fault, Settings};
use capstan_github::kinds::collaborator::Collaborator;
use capstan_github::kinds::repo::{Adoption, Repo, Spec};
use capstan_github::kinds::team_repo::TeamRepo;
use capstan_github::kinds::webhook::Webhook;
use capstan_sdk::testing::Host;
use capstan_sdk::{Managed, Observation, Value, json};
use ureq::http::Method;

use crate::stage::{Stage, object};

const PENDING: &str = "krateo.io/external-create-pending";
const URL: &str = "https://ci.example.org/hooks";

fn repo(status: Value) -> Managed<Spec> {
    object("Repo", json!({"org": "acme", "name": "shop", "hasWiki": false, "credentials": {}}), status)
}

fn observed(stage: &Stage, object: &Managed<Spec>) -> Observation {
    Repo::new(stage.github(), Adoption::Implicit).observe(object).unwrap()
}

#[test]
fn what_was_adopted_stays_so_and_what_was_created_is_not() {
    let stage = Stage::new(Settings::default());
    let id = stage.fake.seed().repository("acme", "shop");
    for adopted in [true, false] {
        let object = repo(json!({"id": id, "adopted": adopted}));
        assert_eq!(observed(&stage, &object).status.unwrap()["adopted"], adopted);
        let changed = Repo::new(stage.github(), Adoption::Implicit).update(&object).unwrap().status.unwrap();
        assert_eq!(changed.get("adopted"), None, "what was said by the look of the same reconcile holds");
        stage.fake.seed().change_repository("acme", "shop", &json!({"has_wiki": true}));
    }
    // Nulls are not copied into a spec.
    let shown = observed(&stage, &repo(json!({}))).status.unwrap()["observed"].clone();
    assert!(shown["hasWiki"] == true && shown.as_object().unwrap().values().all(|value| !value.is_null()), "{shown}");
}

#[test]
fn an_update_without_a_look_before_looks_itself() {
    let stage = Stage::new(Settings::default());
    let id = stage.fake.seed().repository("acme", "shop");
    let _ = Repo::new(stage.github(), Adoption::Implicit).update(&repo(json!({"id": id}))).unwrap();
    assert_eq!(stage.fake.seed().look("acme", "shop").unwrap()["has_wiki"], false);
    stage.fake.seed().remove_repository("acme", "shop");
    let _ = Repo::new(stage.github(), Adoption::Implicit).update(&repo(json!({"id": id}))).unwrap();
}

#[test]
fn one_that_was_created_anew_is_ours_only_since_its_creation_was_begun() {
    let stage = Stage::new(Settings::default());
    let old = stage.fake.seed().repository("acme", "shop");
    stage.fake.seed().remove_repository("acme", "shop");
    let new = stage.fake.seed().repository("acme", "shop");
    for (begun, is_ours) in [("2000-01-01T00:00:00Z", true), ("2999-01-01T00:00:00Z", false)] {
        let mut object = repo(json!({"id": old}));
        object.metadata.annotations.insert(PENDING.into(), begun.into());
        assert_eq!(ours(&stage, &object), is_ours, "{begun}");
        assert_eq!(observed(&stage, &object).status.unwrap()["id"], new);
    }
    assert!(!ours(&stage, &repo(json!({"id": old}))), "nobody began a creation");
}

/// Whether what is found is the object's own; if not, it is taken over where that need not be said.
fn ours(stage: &Stage, object: &Managed<Spec>) -> bool {
    let adopted = observed(stage, object).status.unwrap()["adopted"].clone();
    let explicit = Repo::new(stage.github(), Adoption::Explicit).observe(object);
    assert_eq!(adopted == true, explicit.is_err());
    assert!(explicit.err().is_none_or(|refused| refused.reason() == "AlreadyExists"));
    adopted == false
}

#[test]
fn another_one_of_the_name_of_one_that_is_gone_is_taken_over_told_and_not_deleted_in_its_place() {
    let stage = Stage::new(Settings::default());
    let old = stage.fake.seed().repository("acme", "shop");
    let mut object = repo(json!({"id": old, "adopted": false}));
    // As it is after every creation, for good.
    for (end, time) in [("pending", "2026-01-01T00:00:00Z"), ("succeeded", "2026-01-01T00:00:01Z")] {
        object.metadata.annotations.insert(format!("krateo.io/external-create-{end}"), time.into());
    }
    assert!(ours(&stage, &object));
    stage.fake.seed().remove_repository("acme", "shop");
    assert!(!observed(&stage, &object).exists);
    let new = stage.fake.seed().repository("acme", "shop");
    let (seen, first) = told(|| observed(&stage, &object));
    assert_eq!(first, ["AlreadyExists"]);
    let mut status = seen.status.unwrap();
    assert_eq!((&status["id"], &status["adopted"]), (&json!(new), &json!(true)));
    assert!(!ours(&stage, &object));
    let mut deleted = object.clone();
    deleted.metadata.deletion_timestamp = Some("2026-01-01T00:00:00Z".into());
    assert!(!observed(&stage, &deleted).exists);
    Repo::new(stage.github(), Adoption::Implicit).delete(&deleted).unwrap();
    assert_eq!(stage.fake.seed().look("acme", "shop").unwrap()["id"], new);
    // Once taken over it is no news, and one that is wanted so is not refused.
    std::mem::swap(&mut object.status, &mut status);
    assert_eq!(told(|| observed(&stage, &object)).1, Vec::<String>::new());
    object.status = status;
    object.spec.adopt = Some(true);
    assert!(Repo::new(stage.github(), Adoption::Explicit).observe(&object).unwrap().exists);
}

/// GitHub leads from there to a repository that somebody may need, and that another object may stand for.
#[test]
fn what_an_old_name_leads_to_is_taken_over_only_if_that_is_said_or_was_known_before() {
    let stage = Stage::new(Settings::default());
    let id = stage.fake.seed().repository("acme", "shop");
    stage.fake.seed().rename_repository("acme", "shop", "acme", "store");
    let mut object = repo(json!({}));
    let mut kind = Repo::new(stage.github(), Adoption::Implicit);
    let refused = kind.observe(&object).unwrap_err();
    assert_eq!(refused.reason(), "AlreadyExists");
    assert!(refused.to_string().contains("acme/shop has become acme/store: set spec.adopt"), "{refused}");
    let mut deleted = object.clone();
    deleted.metadata.deletion_timestamp = Some("2026-01-01T00:00:00Z".into());
    assert!(!kind.observe(&deleted).unwrap().exists, "it was never taken over");
    // Krateo's provider had it ready, and records nothing else.
    let known = repo(json!({"conditions": [{"type": "Ready", "status": "True", "reason": "Available"}]}));
    assert_eq!(kind.observe(&known).unwrap().status.unwrap()["id"], id);
    object.spec.adopt = Some(true);
    assert_eq!(kind.observe(&object).unwrap().status.unwrap()["fullName"], "acme/store");
    // The same name in other letters is no other name.
    stage.fake.seed().rename_repository("acme", "store", "acme", "SHOP");
    object.spec.adopt = None;
    assert!(kind.observe(&object).unwrap().exists);
}

#[test]
fn one_that_was_created_anew_is_ours_though_the_hosts_clock_is_somewhat_ahead() {
    let stage = Stage::new(Settings::default());
    let old = stage.fake.seed().repository("acme", "shop");
    stage.fake.seed().remove_repository("acme", "shop");
    stage.fake.seed().repository("acme", "shop");
    for (ahead, is_ours) in [(120, true), (3600, false)] {
        let begun = stage.fake.clock().now() + std::time::Duration::from_secs(ahead);
        let mut object = repo(json!({"id": old}));
        object.metadata.annotations.insert(PENDING.into(), format!("{begun:.0}"));
        assert_eq!(ours(&stage, &object), is_ours, "{ahead} s ahead");
    }
}

/// The host leaves such a creation without an end.
#[test]
fn a_creation_whose_answer_was_lost_is_ours() {
    let stage = Stage::new(Settings::default());
    let mut object = repo(json!({}));
    let begun = stage.fake.clock().now();
    object.metadata.annotations.insert(PENDING.into(), format!("{begun:.0}"));
    stage.fake.fail(Fault::new(Failure::DropAfter).on(Method::POST).times(1));
    let lost = Repo::new(stage.github(), Adoption::Explicit).create(&object).unwrap_err();
    assert_eq!(lost.reason(), "Unreachable");
    let host = Host::new();
    let seen = host.run(|| Repo::new(stage.github(), Adoption::Explicit).observe(&object)).unwrap();
    assert_eq!((seen.exists, &seen.status.unwrap()["adopted"]), (true, &json!(false)));
    assert_eq!(host.take_events().len(), 0, "it is not taken over from anybody");
}

#[test]
fn a_creation_that_failed_makes_nothing_ours() {
    let stage = Stage::new(Settings::default());
    stage.fake.seed().repository("acme", "shop");
    let mut object = repo(json!({}));
    object.metadata.annotations.insert(PENDING.into(), "2026-01-01T00:00:00Z".into());
    let mut explicit = Repo::new(stage.github(), Adoption::Explicit);
    assert!(explicit.observe(&object).unwrap().exists);
    object.metadata.annotations.insert("krateo.io/external-create-failed".into(), "2026-01-01T00:00:01Z".into());
    assert_eq!(explicit.observe(&object).unwrap_err().reason(), "AlreadyExists");
}

#[test]
fn nothing_is_created_for_who_is_not_there_or_under_a_name_that_is_none() {
    let stage = Stage::new(Settings::default());
    let refused = |org: &str, name: &str| {
        let object = object("Repo", json!({"org": org, "name": name, "credentials": {}}), json!({}));
        Repo::new(stage.github(), Adoption::Implicit).create(&object).unwrap_err()
    };
    let nobody = refused("nobody", "shop");
    assert!(nobody.reason() == "InvalidSpec" && nobody.to_string().contains("\"nobody\""), "{nobody}");
    for name in ["a/b", "..", ""] {
        assert_eq!(refused("acme", name).reason(), "InvalidSpec", "{name}");
    }
    assert!(stage.requests().iter().all(|request| request.starts_with("GET ")));
    // Logins mean the same in any case.
    let mine = object("Repo", json!({"org": "ANNA", "name": "shop", "credentials": {}}), json!({}));
    let _ = Repo::new(stage.github(), Adoption::Implicit).create(&mine).unwrap();
    assert!(stage.fake.seed().look("anna", "shop").is_some());
}

/// The reasons of the events that a look at an object writes.
fn told(look: impl FnOnce() -> Observation) -> (Observation, Vec<String>) {
    let host = Host::new();
    let seen = host.run(look);
    (seen, host.take_events().into_iter().map(|event| event.reason).collect())
}

/// Whoever finds something that nobody made for the object tells of it, until it is in the status; with `made` nobody does.
fn told_once<S: serde::de::DeserializeOwned>(
    kind: &str,
    spec: &Value,
    reason: &str,
    look: impl Fn(&Managed<S>) -> Observation,
) {
    let of = |status: Value| -> Managed<S> { object(kind, spec.clone(), status) };
    let (seen, first) = told(|| look(&of(json!({}))));
    assert_eq!(first, [reason]);
    let (_, second) = told(|| look(&of(seen.status.unwrap())));
    assert_eq!(second, Vec::<String>::new(), "{kind}: it is known");
    let mut made = of(json!({}));
    made.metadata.annotations.insert(PENDING.into(), "2026-01-01T00:00:00Z".into());
    assert_eq!(told(|| look(&made)).1, Vec::<String>::new(), "{kind}: it is ours");
    let ready = json!({"conditions": [{"type": "Ready", "status": "True", "reason": "Available"}]});
    assert_eq!(told(|| look(&of(ready))).1, Vec::<String>::new(), "{kind}: Krateo's provider had it ready");
}

#[test]
fn what_is_found_is_told_once_of_every_kind() {
    let stage = Stage::new(Settings::default());
    let seed = stage.fake.seed();
    seed.repository("acme", "shop");
    seed.base_role("acme", "none");
    seed.collaborator("acme", "shop", "bert", "push");
    seed.invitation("acme", "shop", "carl", "push");
    seed.team("acme", "core");
    seed.team_repository("acme", "core", "acme", "shop", "push");
    seed.hook("acme", "shop", &json!({"url": URL}));
    told_once("Repo", &json!({"org": "acme", "name": "shop", "credentials": {}}), "AlreadyExists", |object| {
        Repo::new(stage.github(), Adoption::Implicit).observe(object).unwrap()
    });
    for username in ["bert", "carl"] {
        let spec =
            json!({"org": "acme", "repo": "shop", "username": username, "permission": "push", "credentials": {}});
        told_once("Collaborator", &spec, "AlreadyExists", |object| {
            Collaborator::new(stage.github()).observe(object).unwrap()
        });
    }
    let spec = json!({
        "org": "acme", "teamSlug": "core", "owner": "acme", "repo": "shop", "permission": "push", "credentials": {},
    });
    told_once("TeamRepo", &spec, "AlreadyPermitted", |object| TeamRepo::new(stage.github()).observe(object).unwrap());
    let spec = json!({"org": "acme", "repo": "shop", "url": URL, "credentials": {}});
    told_once("Webhook", &spec, "AlreadyExists", |object| Webhook::new(stage.github(), None).observe(object).unwrap());
}

#[test]
fn a_webhook_whose_creation_was_begun_is_not_adopted() {
    let stage = Stage::new(Settings::default());
    stage.fake.seed().repository("acme", "shop");
    let id = stage.fake.seed().hook("acme", "shop", &json!({"url": URL}));
    let of = |status: Value| {
        object("Webhook", json!({"org": "acme", "repo": "shop", "url": URL, "credentials": {}}), status)
    };
    let adopted =
        |object: &_| Webhook::new(stage.github(), None).observe(object).unwrap().status.unwrap()["adopted"].clone();
    let mut begun = of(json!({}));
    begun.metadata.annotations.insert(PENDING.into(), "2026-01-01T00:00:00Z".into());
    assert_eq!(adopted(&begun), false);
    let url = format!("{}/repos/acme/shop/hooks/{id}", stage.fake.url());
    assert_eq!(adopted(&of(json!({"id": id, "url": url}))), false);
    assert_eq!(adopted(&of(json!({"id": id, "url": url, "adopted": true}))), true);
    assert_eq!(adopted(&of(json!({}))), true);
}

#[test]
fn what_was_just_created_may_show_later_and_is_ours_then() {
    let later = std::time::Duration::from_secs(20);
    let stage = Stage::new(Settings { visible_after: later, ..Settings::default() });
    let spec = json!({"org": "acme", "name": "new", "credentials": {}});
    let made = Repo::new(stage.github(), Adoption::Explicit).create(&object("Repo", spec.clone(), json!({}))).unwrap();
    let object: Managed<Spec> = object("Repo", spec, made.status.unwrap());
    let mut explicit = Repo::new(stage.github(), Adoption::Explicit);
    assert!(!explicit.observe(&object).unwrap().exists, "404 is no error");
    let _ = explicit.update(&object).unwrap();
    stage.fake.clock().advance(later);
    let seen = explicit.observe(&object).unwrap();
    assert!(seen.exists && seen.status.unwrap()["adopted"] == false);
}
