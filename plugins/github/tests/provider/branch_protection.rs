//! `BranchProtection`.

use capstan_fakegithub::{Failure, Fault, Settings};
use capstan_github::kinds::branch_protection::{BranchProtection, Spec};
use capstan_sdk::{Managed, Value, json};

use crate::stage::{Stage, object};

fn of(rules: Value, status: Value) -> Managed<Spec> {
    let spec = json!({"org": "acme", "repo": "shop", "name": "main", "rules": rules, "credentials": {}});
    object("BranchProtection", spec, status)
}

fn rulesets(stage: &Stage) -> Value {
    stage.fake.seed().inside("acme", "shop")["rulesets"].clone()
}

#[test]
fn a_ruleset_is_created_settles_is_mended_and_deleted() {
    let stage = Stage::new(Settings::default());
    stage.fake.seed().repository("acme", "shop");
    let review = json!({
        "required_approving_review_count": 2, "dismiss_stale_reviews_on_push": true, "require_code_owner_review": false,
        "require_last_push_approval": false, "required_review_thread_resolution": true,
    });
    let first = json!([{"type": "deletion"}, {"type": "pull_request", "parameters": review}]);
    let mut kind = BranchProtection::new(stage.github());
    assert!(!kind.observe(&of(first.clone(), json!({}))).unwrap().exists);
    let made = kind.create(&of(first.clone(), json!({}))).unwrap().status.unwrap();
    let id = made["id"].as_u64().unwrap();
    // What GitHub fills in is not looked at; by its number it costs one request.
    stage.fake.forget();
    assert!(kind.observe(&of(first.clone(), json!({"id": id}))).unwrap().up_to_date);
    assert_eq!(stage.requests(), [format!("GET /repos/acme/shop/rulesets/{id}")]);
    // Without the number it is found by its name.
    let found = BranchProtection::new(stage.github()).observe(&of(first, json!({}))).unwrap();
    assert!(found.up_to_date && found.status.unwrap()["id"] == id);

    let second = of(json!([{"type": "non_fast_forward"}]), json!({"id": id}));
    assert_eq!(kind.observe(&second).unwrap().differences.len(), 3);
    let _ = kind.update(&second).unwrap();
    assert!(kind.observe(&second).unwrap().up_to_date);
    assert_eq!(rulesets(&stage)[0]["rules"], json!([{"type": "non_fast_forward"}]));
    kind.delete(&second).unwrap();
    assert_eq!(rulesets(&stage), json!([]));
    let mut fresh = BranchProtection::new(stage.github());
    fresh.delete(&second).unwrap();
    assert!(!fresh.observe(&second).unwrap().exists);
}

#[test]
fn a_number_that_another_server_gave_says_nothing() {
    let stage = Stage::new(Settings::default());
    stage.fake.seed().repository("acme", "shop");
    let rules = json!([{"type": "deletion"}]);
    let mut kind = BranchProtection::new(stage.github());
    let made = kind.create(&of(rules.clone(), json!({}))).unwrap().status.unwrap();
    assert!(made["url"].as_str().is_some_and(|url| url.starts_with(&stage.fake.url())), "{made}");
    // Another ruleset, which has that number here.
    let mut other = of(rules.clone(), json!({}));
    other.spec.name = "other".to_owned();
    let id = made["id"].clone();
    other.status = json!({"id": id, "url": "https://elsewhere.example.org/repos/acme/shop/rulesets/1"});
    assert!(!kind.observe(&other).unwrap().exists);
}

#[test]
fn without_its_repository_there_is_none_and_deleting_is_done() {
    let stage = Stage::new(Settings::default());
    let object = of(json!([]), json!({"id": 7}));
    let mut kind = BranchProtection::new(stage.github());
    assert!(!kind.observe(&object).unwrap().exists);
    kind.delete(&object).unwrap();
    assert_eq!(kind.create(&object).unwrap_err().reason(), "NotFound");
}

#[test]
fn a_ruleset_of_the_organisation_is_not_the_repositorys() {
    let stage = Stage::new(Settings::default());
    stage.fake.seed().repository("acme", "shop");
    let list = r#"[{"id": 1, "name": "main", "source_type": "Organization"}, {"id": 2, "name": "other", "source_type": "Repository"}]"#;
    stage.fake.fail(Fault::new(Failure::Page(200, "application/json", list)).below("/repos/acme/shop/rulesets"));
    assert!(!BranchProtection::new(stage.github()).observe(&of(json!([]), json!({}))).unwrap().exists);
    assert_eq!(stage.requests(), ["GET /repos/acme/shop/rulesets"]);
}

#[test]
fn two_rules_of_one_type_are_refused_before_anybody_is_asked_and_in_no_deletions_way() {
    let stage = Stage::new(Settings::default());
    stage.fake.seed().repository("acme", "shop");
    let checks = |context: &str| {
        let parameters =
            json!({"strict_required_status_checks_policy": false, "required_status_checks": [{"context": context}]});
        json!({"type": "required_status_checks", "parameters": parameters})
    };
    let mut object = of(json!([checks("a"), {"type": "deletion"}, checks("b")]), json!({}));
    let mut kind = BranchProtection::new(stage.github());
    let refused = kind.observe(&object).unwrap_err();
    assert!(refused.reason() == "InvalidSpec" && refused.to_string().contains("required_status_checks"), "{refused}");
    assert_eq!(stage.requests(), Vec::<String>::new());
    object.metadata.deletion_timestamp = Some("2026-01-01T00:00:00Z".into());
    assert!(!kind.observe(&object).unwrap().exists);
}
