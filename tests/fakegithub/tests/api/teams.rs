//! Teams below teams, and what they are called.

use capstan_fakegithub::Settings;
use serde_json::{Value, json};

use crate::client::{Client, acme, assert_clean};

const NONE: Value = Value::Null;

#[tokio::test]
async fn a_team_has_what_the_teams_above_it_have() {
    let (fake, token) = acme(Settings::default()).await;
    fake.seed().repository("acme", "shop");
    fake.seed().team("acme", "top");
    fake.seed().team("acme", "below");
    fake.seed().team_below("acme", "below", "top");
    let anna = Client::new(&fake, &token);
    let path = "/orgs/acme/teams/below/repos/acme/shop";
    anna.expect(404, "GET", path, NONE).await;
    anna.expect(204, "PUT", "/orgs/acme/teams/top/repos/acme/shop", json!({"permission": "maintain"})).await;
    anna.expect(204, "GET", path, NONE).await;
    assert_eq!(anna.expect(200, "GET", "/repos/acme/shop/teams", NONE).await.as_array().map(Vec::len), Some(1));
    anna.expect(204, "PUT", path, json!({"permission": "pull"})).await;
    let listed = anna.expect(200, "GET", "/orgs/acme/teams/below/repos", NONE).await;
    assert_eq!(listed[0]["role_name"], "maintain", "the higher one counts");
    anna.expect(204, "DELETE", path, NONE).await;
    anna.expect(204, "GET", path, NONE).await;
    assert_clean(&fake);
}

#[tokio::test]
async fn whoever_is_in_a_team_is_shown_in_those_above_it() {
    let (fake, token) = acme(Settings::default()).await;
    for team in ["top", "middle", "below"] {
        fake.seed().team("acme", team);
    }
    fake.seed().team_below("acme", "middle", "top");
    fake.seed().team_below("acme", "below", "middle");
    fake.seed().team_member("acme", "below", "bert", true);
    let anna = Client::new(&fake, &token);
    for (team, role) in [("below", "maintainer"), ("middle", "member"), ("top", "member")] {
        let path = format!("/orgs/acme/teams/{team}/memberships/bert");
        let shown = anna.expect(200, "GET", &path, NONE).await;
        assert_eq!((&shown["role"], &shown["state"]), (&json!(role), &json!("active")), "{team}");
        let path = format!("/orgs/acme/teams/{team}/members");
        assert_eq!(anna.expect(200, "GET", &path, NONE).await[0]["login"], "bert", "{team}");
    }
    // Who is not in it cannot be taken out of it.
    anna.expect(404, "DELETE", "/orgs/acme/teams/top/memberships/bert", NONE).await;
    anna.expect(204, "DELETE", "/orgs/acme/teams/below/memberships/bert", NONE).await;
    anna.expect(404, "GET", "/orgs/acme/teams/top/memberships/bert", NONE).await;
    assert_clean(&fake);
}

#[tokio::test]
async fn slugs_of_teams_are_in_latin_letters_without_marks() {
    let (fake, token) = acme(Settings::default()).await;
    let anna = Client::new(&fake, &token);
    for (name, slug) in [("C++ & Co", "c-co"), ("\u{c9}quipe \u{dc}ber \u{df}", "equipe-uber-ss")] {
        assert_eq!(anna.expect(201, "POST", "/orgs/acme/teams", json!({"name": name})).await["slug"], slug);
    }
    let other = anna.expect(201, "POST", "/orgs/acme/teams", json!({"name": "\u{5c0f}\u{7ec4}"})).await;
    assert_eq!(other["slug"], format!("team-{}", other["id"]));
    assert_clean(&fake);
}
