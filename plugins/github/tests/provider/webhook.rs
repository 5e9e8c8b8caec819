//! `Webhook`.

use capstan_fakegithub::Settings;
use capstan_github::kinds::webhook::{Spec, Webhook};
use capstan_sdk::{Managed, Value, json};

use crate::stage::{Stage, object};

const URL: &str = "https://ci.example.org/hooks";

fn of(more: Value, status: Value) -> Managed<Spec> {
    let mut spec = json!({"org": "acme", "repo": "shop", "url": URL, "credentials": {}});
    for (name, value) in more.as_object().unwrap() {
        spec[name] = value.clone();
    }
    object("Webhook", spec, status)
}

fn shop() -> Stage {
    let stage = Stage::new(Settings::default());
    stage.fake.seed().repository("acme", "shop");
    stage
}

/// With a secret and its version.
fn holding(stage: &Stage, secret: &str, version: &str) -> Webhook {
    Webhook::new(stage.github_holding(&stage.token, Some(secret)), Some(version.to_owned()))
}

fn hooks(stage: &Stage) -> Value {
    stage.fake.seed().inside("acme", "shop")["hooks"].clone()
}

#[test]
fn a_webhook_is_created_settles_is_mended_and_deleted() {
    let stage = shop();
    let wanted = json!({"contentType": "json", "events": ["push", "release"], "insecureSsl": false, "active": false});
    let mut kind = Webhook::new(stage.github(), None);
    assert!(!kind.observe(&of(wanted.clone(), json!({}))).unwrap().exists);
    let status = kind.create(&of(wanted.clone(), json!({}))).unwrap().status.unwrap();
    let settled = of(wanted.clone(), status.clone());
    stage.fake.forget();
    let seen = kind.observe(&settled).unwrap();
    assert!(seen.up_to_date && seen.status.unwrap()["adopted"] == false);
    assert_eq!(stage.requests(), [format!("GET /repos/acme/shop/hooks/{}", status["id"])]);

    stage.fake.seed().change_hooks("acme", "shop", &json!({"content_type": "form", "insecure_ssl": "1"}));
    assert_eq!(kind.observe(&settled).unwrap().differences.len(), 2);
    let _ = kind.update(&settled).unwrap();
    assert!(kind.observe(&settled).unwrap().up_to_date);
    // What is told, and to whom, can be changed: it is the same webhook.
    let other = of(json!({"url": "https://b.example.org", "events": ["push"], "active": true}), status.clone());
    assert_eq!(kind.observe(&other).unwrap().differences.len(), 3);
    let _ = kind.update(&other).unwrap();
    assert!(kind.observe(&other).unwrap().up_to_date);
    let there = &hooks(&stage)[0];
    assert_eq!((&there["config"]["content_type"], &there["active"]), (&json!("json"), &json!(true)));
    kind.delete(&other).unwrap();
    kind.delete(&other).unwrap();
    assert_eq!(hooks(&stage), json!([]));
    assert!(!kind.observe(&other).unwrap().exists);
}

#[test]
fn one_that_exists_is_adopted_by_its_url_and_keeps_what_is_not_ours() {
    let stage = shop();
    let config = json!({"url": URL, "content_type": "json", "insecure_ssl": "0", "secret": "somebody else's"});
    stage.fake.seed().hook("acme", "shop", &json!({"url": "https://other.example.org"}));
    let id = stage.fake.seed().hook("acme", "shop", &config);
    let mut kind = Webhook::new(stage.github(), None);
    let adopted = kind.observe(&of(json!({}), json!({}))).unwrap();
    assert!(adopted.up_to_date, "what is left out is left alone");
    let status = adopted.status.unwrap();
    assert_eq!((&status["id"], &status["adopted"]), (&json!(id), &json!(true)));
    let changed = of(json!({"contentType": "form", "events": ["release"]}), status);
    assert!(!kind.observe(&changed).unwrap().up_to_date);
    let _ = kind.update(&changed).unwrap();
    let settled = kind.observe(&changed).unwrap();
    assert!(settled.up_to_date && settled.status.unwrap()["adopted"] == true);
    assert_eq!(hooks(&stage)[1]["config"]["secret"], "somebody else's");
}

#[test]
fn a_secret_is_sent_with_each_version_and_when_it_is_gone_and_is_shown_nowhere() {
    let stage = shop();
    let wanted = json!({"contentType": "json", "secretRef": {"name": "s", "namespace": "n", "key": "k"}});
    let mut first = holding(&stage, "first", "1");
    let status = first.create(&of(wanted.clone(), json!({}))).unwrap().status.unwrap();
    assert_eq!((&status["secretVersion"], &hooks(&stage)[0]["config"]["secret"]), (&json!("1"), &json!("first")));
    assert!(!status.to_string().contains("first"));
    let settled = of(wanted.clone(), status.clone());
    assert!(first.observe(&settled).unwrap().up_to_date);
    // Rotated.
    let mut second = holding(&stage, "second", "2");
    let seen = second.observe(&settled).unwrap();
    assert_eq!((seen.up_to_date, seen.differences[0].path.as_str()), (false, "config.secret"));
    let status = second.update(&settled).unwrap().status.unwrap();
    let there = hooks(&stage)[0]["config"].clone();
    assert_eq!((&there["secret"], &there["content_type"]), (&json!("second"), &json!("json")));
    let settled = of(wanted.clone(), status);
    assert!(second.observe(&settled).unwrap().up_to_date);
    // Removed by somebody.
    stage.fake.seed().change_hooks("acme", "shop", &json!({"secret": null}));
    assert!(!second.observe(&settled).unwrap().up_to_date);
    let _ = second.update(&settled).unwrap();
    assert_eq!(hooks(&stage)[0]["config"]["secret"], "second");
    // Adopted, or created without a record of it: nobody knows which one GitHub has.
    assert!(!second.observe(&of(wanted, json!({}))).unwrap().up_to_date);
    // No longer wanted: it is left as it is, and what was sent is forgotten.
    let mut none = Webhook::new(stage.github(), None);
    let left = none.observe(&of(json!({}), settled.status.clone())).unwrap();
    assert!(left.up_to_date && left.status.unwrap()["secretVersion"] == Value::Null);
}

#[test]
fn another_one_of_its_url_is_not_deleted_in_its_place() {
    let stage = shop();
    let mut kind = Webhook::new(stage.github(), None);
    let status = kind.create(&of(json!({}), json!({}))).unwrap().status.unwrap();
    let mut object = of(json!({}), status);
    kind.delete(&object).unwrap();
    stage.fake.seed().hook("acme", "shop", &json!({"url": URL}));
    assert!(kind.observe(&object).unwrap().exists, "as long as it is wanted it is taken over");
    object.metadata.deletion_timestamp = Some("2026-01-01T00:00:00Z".into());
    assert!(!kind.observe(&object).unwrap().exists);
    kind.delete(&object).unwrap();
    assert_eq!(hooks(&stage).as_array().map(Vec::len), Some(1));
    // A number that another server gave it says nothing.
    object.metadata.deletion_timestamp = None;
    object.status = json!({"id": 1, "url": "https://elsewhere.example.org/repos/acme/shop/hooks/1"});
    stage.fake.forget();
    assert!(kind.observe(&object).unwrap().exists);
    assert_eq!(stage.requests(), ["GET /repos/acme/shop/hooks"]);
}

#[test]
fn without_its_repository_there_is_none() {
    let stage = Stage::new(Settings::default());
    let mut kind = Webhook::new(stage.github(), None);
    assert!(!kind.observe(&of(json!({}), json!({}))).unwrap().exists);
    kind.delete(&of(json!({}), json!({}))).unwrap();
    assert_eq!(kind.create(&of(json!({}), json!({}))).unwrap_err().reason(), "NotFound");
}
