//! What people do at GitHub, operation by operation. Nothing in it may be a violation, on either side.

use capstan_fakegithub::Settings;
use serde_json::{Value, json};

use crate::client::{Client, acme, assert_clean};

const NONE: Value = Value::Null;

#[tokio::test]
async fn a_repository_is_created_changed_and_deleted() {
    let (fake, token) = acme(Settings::default()).await;
    let anna = Client::new(&fake, &token);
    let body = json!({"name": "shop", "private": true, "auto_init": true, "has_wiki": false, "description": "A shop"});
    let reply = anna.call("POST", "/orgs/acme/repos", body).await;
    assert_eq!(reply.status, 201);
    let made = reply.json();
    assert_eq!(reply.header("location"), made["url"].as_str());
    assert_eq!((made["private"].as_bool(), made["visibility"].as_str()), (Some(true), Some("private")));
    assert_eq!(made["description"], "A shop");
    let change = json!({"has_wiki": true, "homepage": "https://example.org", "allow_squash_merge": false, "visibility": "public"});
    let changed = anna.expect(200, "PATCH", "/repos/acme/shop", change).await;
    assert_eq!((changed["has_wiki"].as_bool(), changed["private"].as_bool()), (Some(true), Some(false)));
    let seen = anna.expect(200, "GET", "/repos/acme/shop", NONE).await;
    assert_eq!(seen["homepage"], "https://example.org");
    anna.expect(200, "PUT", "/repos/acme/shop/topics", json!({"names": ["b", "a"]})).await;
    assert_eq!(anna.expect(200, "GET", "/repos/acme/shop/topics", NONE).await, json!({"names": ["b", "a"]}));
    assert_eq!(anna.expect(200, "GET", "/orgs/acme/repos", NONE).await[0]["name"], "shop");
    anna.expect(404, "GET", "/repos/acme/shop/vulnerability-alerts", NONE).await;
    anna.expect(204, "PUT", "/repos/acme/shop/vulnerability-alerts", NONE).await;
    anna.expect(204, "GET", "/repos/acme/shop/vulnerability-alerts", NONE).await;
    anna.expect(204, "DELETE", "/repos/acme/shop/vulnerability-alerts", NONE).await;
    anna.expect(204, "DELETE", "/repos/acme/shop", NONE).await;
    anna.expect(404, "GET", "/repos/acme/shop", NONE).await;
    assert_clean(&fake);
}

#[tokio::test]
async fn a_user_has_repositories_too_and_makes_them_from_templates() {
    let (fake, token) = acme(Settings::default()).await;
    let anna = Client::new(&fake, &token);
    let template = json!({"name": "template", "is_template": true, "auto_init": true});
    let made = anna.expect(201, "POST", "/user/repos", template).await;
    assert_eq!((made["owner"]["login"].as_str(), made["owner"]["type"].as_str()), (Some("anna"), Some("User")));
    let body = json!({"owner": "acme", "name": "copy", "private": true});
    let copy = anna.expect(201, "POST", "/repos/anna/template/generate", body).await;
    assert_eq!(copy["full_name"], "acme/copy");
    anna.expect(200, "GET", "/repos/acme/copy/contents/README.md", NONE).await;
    assert_clean(&fake);
}

#[tokio::test]
async fn an_archived_repository_is_read_only_until_that_is_lifted() {
    let (fake, token) = acme(Settings::default()).await;
    fake.seed().repository("acme", "shop");
    let anna = Client::new(&fake, &token);
    anna.expect(200, "PATCH", "/repos/acme/shop", json!({"archived": true})).await;
    let refused = anna.expect(403, "PATCH", "/repos/acme/shop", json!({"has_wiki": false})).await;
    assert_eq!(refused["message"], "Repository was archived so is read-only.");
    anna.expect(403, "PUT", "/repos/acme/shop/topics", json!({"names": []})).await;
    anna.expect(200, "PATCH", "/repos/acme/shop", json!({"archived": false})).await;
    anna.expect(200, "PATCH", "/repos/acme/shop", json!({"has_wiki": false})).await;
    assert_clean(&fake);
}

#[tokio::test]
async fn a_renamed_or_transferred_repository_is_found_by_its_old_name_and_by_its_number() {
    let (fake, token) = acme(Settings::default()).await;
    let id = fake.seed().repository("acme", "shop");
    let anna = Client::new(&fake, &token);
    anna.expect(200, "PATCH", "/repos/acme/shop", json!({"name": "store"})).await;
    let moved = anna.get("/repos/acme/shop/topics").await;
    assert_eq!(moved.status, 301);
    assert_eq!(moved.header("location"), Some(format!("{}/repositories/{id}/topics", fake.url()).as_str()));
    assert_eq!(anna.call("PATCH", "/repos/acme/shop", json!({"has_wiki": true})).await.status, 307);
    assert_eq!(anna.expect(200, "GET", &format!("/repositories/{id}"), NONE).await["name"], "store");
    anna.expect(202, "POST", "/repos/acme/store/transfer", json!({"new_owner": "anna"})).await;
    assert_eq!(anna.expect(200, "GET", &format!("/repositories/{id}"), NONE).await["full_name"], "anna/store");
    assert_eq!(anna.get("/repos/acme/store").await.status, 301);
    // A new repository of the old name takes it over.
    fake.seed().repository("acme", "store");
    assert_ne!(anna.expect(200, "GET", "/repos/acme/store", NONE).await["id"], json!(id));
    assert_clean(&fake);
}

#[tokio::test]
async fn who_is_outside_is_invited_and_who_is_a_member_joins_at_once() {
    let (fake, token) = acme(Settings::default()).await;
    let carls = fake.seed().token("carl");
    fake.seed().repository("acme", "shop");
    let (anna, carl) = (Client::new(&fake, &token), Client::new(&fake, &carls));
    anna.expect(204, "PUT", "/repos/acme/shop/collaborators/bert", json!({"permission": "triage"})).await;
    let level = anna.expect(200, "GET", "/repos/acme/shop/collaborators/bert/permission", NONE).await;
    assert_eq!((level["permission"].as_str(), level["role_name"].as_str()), (Some("read"), Some("triage")));
    let invitation =
        anna.expect(201, "PUT", "/repos/acme/shop/collaborators/carl", json!({"permission": "maintain"})).await;
    assert_eq!(invitation["permissions"], "maintain");
    anna.expect(404, "GET", "/repos/acme/shop/collaborators/carl", NONE).await;
    let level = anna.expect(200, "GET", "/repos/acme/shop/collaborators/carl/permission", NONE).await;
    assert_eq!((level["permission"].as_str(), level["role_name"].as_str()), (Some("none"), Some("none")));
    carl.expect(404, "GET", "/repos/acme/shop", NONE).await;
    let id = &invitation["id"];
    let path = format!("/repos/acme/shop/invitations/{id}");
    let changed = anna.expect(200, "PATCH", &path, json!({"permissions": "write"})).await;
    assert_eq!(changed["permissions"], "write");
    assert_eq!(anna.expect(200, "GET", "/repos/acme/shop/invitations", NONE).await[0]["id"], *id);
    assert_eq!(carl.expect(200, "GET", "/user/repository_invitations", NONE).await[0]["id"], *id);
    carl.expect(204, "PATCH", &format!("/user/repository_invitations/{id}"), NONE).await;
    anna.expect(204, "GET", "/repos/acme/shop/collaborators/carl", NONE).await;
    let listed = anna.expect(200, "GET", "/repos/acme/shop/collaborators?affiliation=outside", NONE).await;
    assert_eq!((listed[0]["login"].as_str(), listed[0]["role_name"].as_str()), (Some("carl"), Some("write")));
    anna.expect(204, "DELETE", "/repos/acme/shop/collaborators/carl", NONE).await;
    anna.expect(404, "GET", "/repos/acme/shop/collaborators/carl", NONE).await;
    assert_clean(&fake);
}

#[tokio::test]
async fn an_invitation_expires_and_can_be_cancelled_or_declined() {
    let (fake, token) = acme(Settings::default()).await;
    let carls = fake.seed().token("carl");
    fake.seed().repository("acme", "shop");
    let (anna, carl) = (Client::new(&fake, &token), Client::new(&fake, &carls));
    let first = anna.expect(201, "PUT", "/repos/acme/shop/collaborators/carl", NONE).await["id"].clone();
    let again = anna.expect(201, "PUT", "/repos/acme/shop/collaborators/carl", NONE).await["id"].clone();
    assert_eq!(first, again, "there is one invitation at a time");
    fake.clock().advance(Settings::default().invitation_lifetime);
    assert_eq!(anna.expect(200, "GET", "/repos/acme/shop/invitations", NONE).await[0]["expired"], true);
    carl.expect(404, "PATCH", &format!("/user/repository_invitations/{first}"), NONE).await;
    let second = anna.expect(201, "PUT", "/repos/acme/shop/collaborators/carl", NONE).await["id"].clone();
    assert_ne!(first, second, "who was invited in vain is invited anew");
    carl.expect(204, "DELETE", &format!("/user/repository_invitations/{second}"), NONE).await;
    let third = anna.expect(201, "PUT", "/repos/acme/shop/collaborators/carl", NONE).await["id"].clone();
    anna.expect(204, "DELETE", &format!("/repos/acme/shop/invitations/{third}"), NONE).await;
    assert_eq!(anna.expect(200, "GET", "/repos/acme/shop/invitations", NONE).await, json!([]));
    assert_clean(&fake);
}

#[tokio::test]
async fn roles_of_an_organisations_own_and_the_base_role_count() {
    let (fake, token) = acme(Settings::default()).await;
    let seed = fake.seed();
    seed.repository("acme", "shop");
    seed.custom_role("acme", "release-manager", "write");
    let anna = Client::new(&fake, &token);
    // Every member may read.
    let level = anna.expect(200, "GET", "/repos/acme/shop/collaborators/bert/permission", NONE).await;
    assert_eq!(level["role_name"], "read");
    anna.expect(204, "GET", "/repos/acme/shop/collaborators/bert", NONE).await;
    anna.expect(204, "PUT", "/repos/acme/shop/collaborators/bert", json!({"permission": "release-manager"})).await;
    let level = anna.expect(200, "GET", "/repos/acme/shop/collaborators/bert/permission", NONE).await;
    assert_eq!((level["permission"].as_str(), level["role_name"].as_str()), (Some("write"), Some("release-manager")));
    let refused = anna.expect(422, "PUT", "/repos/acme/shop/collaborators/bert", json!({"permission": "boss"})).await;
    assert_eq!(refused["message"], "Validation Failed");
    assert_clean(&fake);
}

#[tokio::test]
async fn teams_have_members_and_repositories() {
    let (fake, token) = acme(Settings::default()).await;
    fake.seed().repository("acme", "shop");
    let anna = Client::new(&fake, &token);
    let body = json!({"name": "Core Team", "privacy": "closed", "description": "d"});
    let team = anna.expect(201, "POST", "/orgs/acme/teams", body).await;
    assert_eq!(team["slug"], "core-team");
    let child = json!({"name": "Sub", "privacy": "closed", "parent_team_id": team["id"]});
    assert_eq!(anna.expect(201, "POST", "/orgs/acme/teams", child).await["parent"]["slug"], "core-team");
    assert_eq!(anna.expect(200, "GET", "/orgs/acme/teams", NONE).await.as_array().unwrap().len(), 2);
    anna.expect(200, "PATCH", "/orgs/acme/teams/sub", json!({"parent_team_id": null})).await;
    let renamed = anna.expect(200, "PATCH", "/orgs/acme/teams/sub", json!({"name": "Other"})).await;
    assert_eq!((renamed["slug"].as_str(), &renamed["parent"]), (Some("other"), &NONE));
    let member = "/orgs/acme/teams/core-team/memberships/bert";
    anna.expect(404, "GET", member, NONE).await;
    let joined = anna.expect(200, "PUT", member, json!({"role": "maintainer"})).await;
    assert_eq!((joined["role"].as_str(), joined["state"].as_str()), (Some("maintainer"), Some("active")));
    let outside = anna.expect(200, "PUT", "/orgs/acme/teams/core-team/memberships/carl", NONE).await;
    assert_eq!(outside["state"], "pending");
    assert_eq!(anna.expect(200, "GET", "/orgs/acme/memberships/carl", NONE).await["state"], "pending");
    fake.seed().member("acme", "carl");
    assert_eq!(anna.expect(200, "GET", "/orgs/acme/teams/core-team/memberships/carl", NONE).await["state"], "active");
    let members = anna.expect(200, "GET", "/orgs/acme/teams/core-team/members?role=maintainer", NONE).await;
    assert_eq!(members.as_array().unwrap().len(), 2, "bert, and anna who made it");
    let repository = "/orgs/acme/teams/core-team/repos/acme/shop";
    anna.expect(404, "GET", repository, NONE).await;
    anna.expect(204, "PUT", repository, json!({"permission": "push"})).await;
    anna.expect(204, "GET", repository, NONE).await;
    let detailed = anna.with("accept", "application/vnd.github.v3.repository+json");
    let seen = detailed.expect(200, "GET", repository, NONE).await;
    assert_eq!(seen["role_name"], "write");
    let cumulative = json!({"admin": false, "maintain": false, "push": true, "triage": true, "pull": true});
    assert_eq!(seen["permissions"], cumulative);
    fake.set(|settings| settings.exclusive_permission_flags = true);
    let exclusive = json!({"admin": false, "maintain": false, "push": true, "triage": false, "pull": false});
    assert_eq!(detailed.expect(200, "GET", repository, NONE).await["permissions"], exclusive);
    assert_eq!(anna.expect(200, "GET", "/orgs/acme/teams/core-team/repos", NONE).await[0]["name"], "shop");
    assert_eq!(anna.expect(200, "GET", "/repos/acme/shop/teams", NONE).await[0]["permission"], "push");
    anna.expect(204, "DELETE", repository, NONE).await;
    anna.expect(204, "DELETE", member, NONE).await;
    anna.expect(204, "DELETE", "/orgs/acme/teams/core-team", NONE).await;
    anna.expect(404, "GET", "/orgs/acme/teams/core-team", NONE).await;
    assert_clean(&fake);
}

#[tokio::test]
async fn branches_are_protected_by_rulesets_and_by_protection() {
    let (fake, token) = acme(Settings::default()).await;
    fake.seed().repository("acme", "shop");
    let anna = Client::new(&fake, &token);
    let rules = json!([
        {"type": "deletion"},
        {"type": "pull_request", "parameters": {
            "required_approving_review_count": 2, "dismiss_stale_reviews_on_push": true, "require_code_owner_review": false,
            "require_last_push_approval": false, "required_review_thread_resolution": false,
        }},
        {"type": "required_status_checks", "parameters": {
            "required_status_checks": [{"context": "ci"}], "strict_required_status_checks_policy": true,
        }},
    ]);
    let body = json!({
        "name": "main", "target": "branch", "enforcement": "active", "rules": rules,
        "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
    });
    let made = anna.expect(201, "POST", "/repos/acme/shop/rulesets", body.clone()).await;
    anna.expect(422, "POST", "/repos/acme/shop/rulesets", body).await;
    let path = format!("/repos/acme/shop/rulesets/{}", made["id"]);
    anna.expect(200, "PUT", &path, json!({"enforcement": "disabled"})).await;
    assert_eq!(anna.expect(200, "GET", &path, NONE).await["enforcement"], "disabled");
    assert_eq!(anna.expect(200, "GET", "/repos/acme/shop/rulesets", NONE).await[0]["name"], "main");
    anna.expect(204, "DELETE", &path, NONE).await;
    anna.expect(404, "GET", &path, NONE).await;

    let path = "/repos/acme/shop/branches/main/protection";
    let none = anna.expect(404, "GET", path, NONE).await;
    assert_eq!(none["message"], "Branch not protected");
    let body = json!({
        "required_status_checks": {"strict": true, "contexts": ["ci"]}, "enforce_admins": true,
        "required_pull_request_reviews": {"required_approving_review_count": 2, "dismissal_restrictions": {"users": ["bert"]}},
        "restrictions": {"users": ["bert"], "teams": []}, "required_linear_history": true,
    });
    anna.expect(200, "PUT", path, body).await;
    let seen = anna.expect(200, "GET", path, NONE).await;
    assert_eq!(
        (&seen["enforce_admins"]["enabled"], &seen["required_linear_history"]["enabled"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(seen["restrictions"]["users"][0]["login"], "bert");
    anna.expect(204, "DELETE", path, NONE).await;
    assert_clean(&fake);
}

#[tokio::test]
async fn hooks_files_variables_and_secrets_are_kept() {
    let (fake, token) = acme(Settings::default()).await;
    fake.seed().repository("acme", "shop");
    let anna = Client::new(&fake, &token);
    let config = json!({"url": "https://example.org/hook", "content_type": "json", "secret": "s", "insecure_ssl": "0"});
    let made = anna.expect(201, "POST", "/repos/acme/shop/hooks", json!({"config": config, "events": ["push"]})).await;
    assert_eq!(made["config"]["secret"], "********");
    let path = format!("/repos/acme/shop/hooks/{}", made["id"]);
    anna.expect(200, "PATCH", &path, json!({"active": false, "add_events": ["issues"]})).await;
    let seen = anna.expect(200, "GET", &path, NONE).await;
    assert_eq!((&seen["active"], &seen["events"]), (&json!(false), &json!(["push", "issues"])));
    assert_eq!(anna.expect(200, "GET", "/repos/acme/shop/hooks", NONE).await.as_array().unwrap().len(), 1);
    anna.expect(204, "DELETE", &path, NONE).await;

    let file = "/repos/acme/shop/contents/docs/a%20b.md";
    let made = anna.expect(201, "PUT", file, json!({"message": "m", "content": "aGVsbG8="})).await;
    let sha = made["content"]["sha"].clone();
    anna.expect(422, "PUT", file, json!({"message": "m", "content": "aGk="})).await;
    anna.expect(409, "PUT", file, json!({"message": "m", "content": "aGk=", "sha": "0"})).await;
    anna.expect(200, "PUT", file, json!({"message": "m", "content": "aGk=", "sha": sha})).await;
    let seen = anna.expect(200, "GET", file, NONE).await;
    assert_eq!((seen["content"].as_str(), seen["path"].as_str()), (Some("aGk=\n"), Some("docs/a b.md")));
    assert_eq!(anna.expect(200, "GET", "/repos/acme/shop/contents/docs", NONE).await[0]["name"], "a b.md");
    anna.expect(200, "DELETE", file, json!({"message": "m", "sha": seen["sha"]})).await;

    let variables = "/repos/acme/shop/actions/variables";
    anna.expect(201, "POST", variables, json!({"name": "region", "value": "eu"})).await;
    anna.expect(204, "PATCH", &format!("{variables}/REGION"), json!({"value": "us"})).await;
    assert_eq!(anna.expect(200, "GET", &format!("{variables}/region"), NONE).await["value"], "us");
    assert_eq!(anna.expect(200, "GET", variables, NONE).await["total_count"], 1);
    anna.expect(204, "DELETE", &format!("{variables}/REGION"), NONE).await;

    let secrets = "/repos/acme/shop/actions/secrets";
    let key = anna.expect(200, "GET", &format!("{secrets}/public-key"), NONE).await["key_id"].clone();
    let secret = json!({"encrypted_value": "c2VjcmV0", "key_id": key});
    anna.expect(201, "PUT", &format!("{secrets}/TOKEN"), secret.clone()).await;
    anna.expect(204, "PUT", &format!("{secrets}/TOKEN"), secret).await;
    anna.expect(200, "GET", &format!("{secrets}/TOKEN"), NONE).await;
    assert_eq!(anna.expect(200, "GET", secrets, NONE).await["total_count"], 1);
    anna.expect(204, "DELETE", &format!("{secrets}/TOKEN"), NONE).await;
    assert_clean(&fake);
}

#[tokio::test]
async fn accounts_are_shown_to_those_who_may_see_them() {
    let (fake, token) = acme(Settings::default()).await;
    let anna = Client::new(&fake, &token);
    assert_eq!(anna.expect(200, "GET", "/user", NONE).await["login"], "anna");
    assert_eq!(anna.expect(200, "GET", "/users/bert", NONE).await["type"], "User");
    assert_eq!(anna.expect(200, "GET", "/users/acme", NONE).await["type"], "Organization");
    assert_eq!(anna.expect(200, "GET", "/orgs/ACME", NONE).await["login"], "acme");
    anna.expect(404, "GET", "/orgs/bert", NONE).await;
    assert_eq!(anna.expect(200, "GET", "/orgs/acme/memberships/bert", NONE).await["role"], "member");
    anna.expect(404, "GET", "/users/nobody", NONE).await;
    assert_clean(&fake);
}

#[tokio::test]
async fn branches_have_files_of_their_own_and_one_of_them_is_the_default() {
    let (fake, token) = acme(Settings::default()).await;
    let seed = fake.seed();
    seed.repository("acme", "shop");
    seed.branch("acme", "shop", "next");
    let anna = Client::new(&fake, &token);
    let file = json!({"message": "m", "content": "eA==", "branch": "next"});
    anna.expect(201, "PUT", "/repos/acme/shop/contents/x", file).await;
    assert_eq!(seed.branches("acme", "shop")["next"], json!({"README.md": "# shop\n", "x": "x"}));
    assert_eq!(anna.get("/repos/acme/shop/contents/x").await.status, 404, "not on the default branch");
    assert_eq!(anna.expect(200, "GET", "/repos/acme/shop/contents/x?ref=next", NONE).await["content"], "eA==\n");
    for _ in 0..2 {
        let changed = anna.expect(200, "PATCH", "/repos/acme/shop", json!({"default_branch": "next"})).await;
        assert_eq!(changed["default_branch"], "next");
    }
    anna.expect(200, "GET", "/repos/acme/shop/contents/x", NONE).await;
    assert_eq!(anna.get("/repos/acme/shop/contents/x?ref=main").await.status, 404, "main is still there, without it");
    let protection = json!({
        "required_status_checks": null, "enforce_admins": true, "required_pull_request_reviews": null, "restrictions": null,
    });
    for branch in ["main", "next"] {
        let path = format!("/repos/acme/shop/branches/{branch}/protection");
        anna.expect(200, "PUT", &path, protection.clone()).await;
    }
    for (path, body) in [
        ("/repos/acme/shop", json!({"default_branch": "gone"})),
        ("/repos/acme/shop/contents/x", json!({"message": "m", "content": "eA==", "branch": "gone"})),
    ] {
        let method = if path.ends_with('x') { "PUT" } else { "PATCH" };
        let refused = anna.call(method, path, body).await;
        assert!(matches!(refused.status, 404 | 422) && refused.json().to_string().contains("gone"), "{refused:?}");
    }
    assert_clean(&fake);
}

#[tokio::test]
async fn what_an_organisation_gives_everybody_is_shown_to_its_owners_alone() {
    let (fake, token) = acme(Settings::default()).await;
    let seed = fake.seed();
    let shown = async |client: Client<'_>| {
        let organization = client.expect(200, "GET", "/orgs/acme", NONE).await;
        assert_eq!(organization["login"], "acme");
        (organization["default_repository_permission"].is_string(), organization["plan"].is_object())
    };
    assert_eq!(shown(Client::new(&fake, &token)).await, (true, true));
    for login in ["bert", "carl"] {
        assert_eq!(shown(Client::new(&fake, &seed.token(login))).await, (false, false), "{login}");
    }
    assert_eq!(shown(Client::anonymous(&fake)).await, (false, false));
    assert_clean(&fake);
}
