//! Apps: signed tokens, installation tokens, and what they may do.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use capstan_fakegithub::{APP_KEY, Fake, Settings};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

use crate::client::{Client, acme, assert_clean};

const NONE: Value = Value::Null;

fn sign(header: &Value, claims: &Value) -> String {
    let encoded: String = APP_KEY.lines().filter(|line| !line.starts_with("-----")).collect();
    let pair = RsaKeyPair::from_pkcs8(&STANDARD.decode(encoded).unwrap()).unwrap();
    let content =
        format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), content.as_bytes(), &mut signature).unwrap();
    format!("{content}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn claims(fake: &Fake, app: u64, from: i64, to: i64) -> Value {
    let now = fake.clock().now().as_second();
    json!({"iat": now + from, "exp": now + to, "iss": app.to_string()})
}

fn header() -> Value {
    json!({"alg": "RS256", "typ": "JWT"})
}

async fn installed() -> (Fake, u64, u64) {
    let (fake, _) = acme(Settings::default()).await;
    let seed = fake.seed();
    seed.repository("acme", "shop");
    let app = seed.app("bot", "acme");
    let installation = seed.install(app, "acme", &[("administration", "write"), ("metadata", "read")]);
    (fake, app, installation)
}

#[tokio::test]
async fn a_signed_token_is_exchanged_for_one_that_works_for_an_hour() {
    let (fake, app, installation) = installed().await;
    let bot = Client::new(&fake, &sign(&header(), &claims(&fake, app, -60, 300)));
    assert_eq!(bot.expect(200, "GET", "/app", NONE).await["slug"], "bot");
    assert_eq!(bot.expect(200, "GET", "/orgs/acme/installation", NONE).await["id"], json!(installation));
    let path = format!("/app/installations/{installation}/access_tokens");
    let made = bot.expect(201, "POST", &path, NONE).await;
    let token = made["token"].as_str().unwrap();
    let worker = Client::new(&fake, token);
    worker.expect(200, "PATCH", "/repos/acme/shop", json!({"has_wiki": false})).await;
    let listed = worker.expect(200, "GET", "/installation/repositories", NONE).await;
    assert_eq!(listed["repositories"][0]["name"], "shop");
    let refused = worker.expect(403, "POST", "/orgs/acme/teams", json!({"name": "t"})).await;
    assert_eq!(refused["message"], "Resource not accessible by integration");
    worker.expect(403, "GET", "/user", NONE).await;
    fake.clock().advance(Duration::from_hours(1));
    worker.expect(401, "GET", "/repos/acme/shop", NONE).await;
    assert_clean(&fake);
}

#[tokio::test]
async fn a_token_may_have_less_than_the_installation_and_can_be_given_back() {
    let (fake, app, installation) = installed().await;
    let bot = Client::new(&fake, &sign(&header(), &claims(&fake, app, 0, 60)));
    let path = format!("/app/installations/{installation}/access_tokens");
    let made = bot.expect(201, "POST", &path, json!({"permissions": {"metadata": "read"}})).await;
    let worker = Client::new(&fake, made["token"].as_str().unwrap());
    worker.expect(200, "GET", "/repos/acme/shop", NONE).await;
    worker.expect(403, "PATCH", "/repos/acme/shop", json!({"has_wiki": false})).await;
    bot.expect(422, "POST", &path, json!({"permissions": {"members": "write"}})).await;
    worker.expect(204, "DELETE", "/installation/token", NONE).await;
    worker.expect(401, "GET", "/repos/acme/shop", NONE).await;
    assert_clean(&fake);
}

#[tokio::test]
async fn tokens_that_are_not_signed_as_github_wants_are_refused() {
    let (fake, app, installation) = installed().await;
    let valid = sign(&header(), &claims(&fake, app, 0, 60));
    let (content, signature) = valid.rsplit_once('.').unwrap();
    let other_claims = URL_SAFE_NO_PAD.encode(claims(&fake, app, 0, 61).to_string());
    let tampered = format!("{}.{other_claims}.{signature}", content.split_once('.').unwrap().0);
    let refused = [
        sign(&header(), &claims(&fake, app, -120, -60)),
        sign(&header(), &claims(&fake, app, 0, 660)),
        sign(&header(), &claims(&fake, app, 300, 400)),
        sign(&header(), &claims(&fake, app + 12345, 0, 60)),
        sign(&json!({"alg": "none"}), &claims(&fake, app, 0, 60)),
        sign(&header(), &json!({"iss": app})),
        tampered,
    ];
    for (index, token) in refused.iter().enumerate() {
        let path = format!("/app/installations/{installation}/access_tokens");
        assert_eq!(Client::new(&fake, token).call("POST", &path, NONE).await.status, 401, "{index}");
    }
    // A signed token is good for the app's own affairs only, and others are good for nothing there.
    Client::new(&fake, &valid).expect(401, "GET", "/repos/acme/shop", NONE).await;
    let annas = fake.seed().token("anna");
    Client::new(&fake, &annas).expect(401, "GET", "/app", NONE).await;
    assert_clean(&fake);
}
