//! Tokens that are signed, and those that they are exchanged for.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::Value;

use super::{KEY, Stage, claims_of};
use crate::{
    bindings::capstan::provider::{
        credentials::{Claims, Scheme},
        http::Error as HttpError,
    },
    credentials::{claims, secret::Secret},
};

/// `header.payload.signature`, if the signature is that of the key.
fn verified(authorization: &str) -> Value {
    let token = authorization.strip_prefix("Bearer ").unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let key = claims::key(&Secret::new(KEY.as_bytes().to_vec())).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key());
    public.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    let payload = signed.split_once('.').unwrap().1;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn a_token_is_signed_with_the_claims_asked_for() {
    let stage = Stage::new().await;
    let claims = Claims { audience: Some("there".into()), ..claims_of("17") };
    let credential = stage.open("key", "key", Scheme::Signed(claims)).await.unwrap();
    stage.get("/", &credential).await.unwrap();
    let claims = verified(&stage.last("authorization"));
    assert_eq!((&claims["iss"], &claims["aud"]), (&"17".into(), &"there".into()));
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 600);
}

#[tokio::test]
async fn a_token_is_exchanged_once_for_all_who_need_it() {
    let stage = Stage::new().await;
    let credential = stage.open("key", "key", stage.exchange("/exchange")).await.unwrap();
    let answers = futures::future::join_all((0..5).map(|_| stage.get("/", &credential))).await;
    assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|answer| answer.status == 200)));
    let seen = stage.outside.server.seen();
    let exchanges: Vec<_> = seen.iter().filter(|seen| seen.path == "/exchange").collect();
    assert_eq!(exchanges.len(), 1);
    assert_eq!(verified(exchanges[0].header("authorization").unwrap())["iss"], "17");
    let used = seen.iter().filter(|seen| seen.header("authorization") == Some("Bearer exchanged-0")).count();
    assert_eq!(used, 5);
    // Another session, with a credential of equal value.
    let again = stage.open("key", "key", stage.exchange("/exchange")).await.unwrap();
    stage.get("/", &again).await.unwrap();
    assert_eq!(stage.last("authorization"), "Bearer exchanged-0");
    // A refusal of a token that is fresh is not the token's fault.
    stage.get("/revoked", &again).await.unwrap();
    stage.get("/", &again).await.unwrap();
    assert_eq!(stage.last("authorization"), "Bearer exchanged-0");
}

#[tokio::test]
async fn a_token_is_exchanged_anew_before_it_expires() {
    let stage = Stage::new().await;
    let credential = stage.open("key", "key", stage.exchange("/exchange")).await.unwrap();
    stage.get("/", &credential).await.unwrap();
    // The clock stands still but for this, so that no connection takes longer than it may.
    tokio::time::pause();
    tokio::time::advance(Duration::from_hours(24) - Duration::from_secs(90)).await;
    tokio::time::resume();
    stage.get("/", &credential).await.unwrap();
    assert_eq!(stage.last("authorization"), "Bearer exchanged-0");
    tokio::time::pause();
    tokio::time::advance(Duration::from_mins(1)).await;
    tokio::time::resume();
    stage.get("/", &credential).await.unwrap();
    assert_eq!(stage.last("authorization"), "Bearer exchanged-1");
}

#[tokio::test]
async fn a_token_is_got_of_an_origin_whose_clock_differs_and_renewed_by_that_clock() {
    for off_by in [-600, 600] {
        let stage = Stage::new().await;
        let path = format!("/off-by/{off_by}");
        let credential = stage.open("key", "key", stage.exchange(&path)).await.unwrap();
        for _ in 0..2 {
            stage.get("/", &credential).await.unwrap();
            assert_eq!(stage.last("authorization"), "Bearer exchanged-0", "{off_by}");
        }
        let asked = stage.outside.server.seen().iter().filter(|seen| seen.path == path).count();
        assert_eq!(asked, 2, "{off_by}: with our time, and with the origin's");
        tokio::time::pause();
        tokio::time::advance(Duration::from_mins(4)).await;
        tokio::time::resume();
        stage.get("/", &credential).await.unwrap();
        assert_eq!(stage.last("authorization"), "Bearer exchanged-1", "{off_by}");
    }
}

#[tokio::test]
async fn no_token_is_signed_for_a_day_to_come() {
    let stage = Stage::new().await;
    let credential = stage.open("key", "key", stage.exchange("/off-by/7200")).await.unwrap();
    assert!(matches!(stage.get("/", &credential).await, Err(HttpError::Unreachable(text)) if text.contains("401")));
    assert_eq!(stage.outside.server.seen().len(), 1);
}

#[tokio::test]
async fn an_exchange_without_a_token_is_told_as_what_it_is() {
    let stage = Stage::new().await;
    for (path, named) in [
        ("/no-token", "expires_at"),
        ("/forbidden", "403"),
        ("/redirect", "302"),
        ("/suspended", "403, This installation has been suspended (request 34:CD)"),
    ] {
        let credential = stage.open("key", "key", stage.exchange(path)).await.unwrap();
        match stage.get("/", &credential).await {
            Err(HttpError::Unreachable(text)) => assert!(text.contains(named), "{path}: {text}"),
            other => panic!("{other:?}"),
        }
    }
    let credential = stage.open("key", "key", stage.exchange("/limited")).await.unwrap();
    assert!(matches!(stage.get("/", &credential).await, Err(HttpError::RateLimited(_))));
}
