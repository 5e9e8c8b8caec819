//! Quotas, conditional requests, things that show later, and failures on demand.

use std::time::Duration;

use capstan_fakegithub::{Failure, Fault, Settings};
use http::Method;
use serde_json::{Value, json};

use crate::client::{Client, acme, assert_clean};

#[tokio::test]
async fn the_primary_limit_counts_per_owner_of_a_token_and_ends_with_the_hour() {
    let (fake, token) = acme(Settings { hourly_quota: 2, ..Settings::default() }).await;
    let (second, berts) = (fake.seed().token("anna"), fake.seed().token("bert"));
    let anna = Client::new(&fake, &token);
    let first = anna.get("/user").await;
    assert_eq!((first.header("x-ratelimit-limit"), first.header("x-ratelimit-remaining")), (Some("2"), Some("1")));
    assert_eq!(Client::new(&fake, &second).get("/user").await.status, 200, "another token of hers counts too");
    let reply = anna.get("/user").await;
    assert_eq!((reply.status, reply.header("x-ratelimit-remaining")), (403, Some("0")));
    assert!(reply.message().starts_with("API rate limit exceeded for user ID "), "{}", reply.message());
    assert_eq!(Client::new(&fake, &berts).get("/user").await.status, 200, "bert has a quota of his own");
    let left = anna.expect(200, "GET", "/rate_limit", Value::Null).await;
    assert_eq!(left["rate"]["remaining"], 0, "and to ask for it costs nothing");
    let reset: i64 = reply.header("x-ratelimit-reset").unwrap().parse().unwrap();
    assert!(reset > fake.clock().now().as_second());
    fake.set(|settings| settings.quota_status = 429);
    assert_eq!(anna.get("/user").await.status, 429);
    fake.clock().advance(Duration::from_hours(1));
    assert_eq!(anna.get("/user").await.status, 200);
    assert_eq!(fake.exchanges().iter().map(|exchange| exchange.cost).sum::<u64>(), 4);
    assert_clean(&fake);
}

#[tokio::test]
async fn an_hour_may_be_short_ends_with_a_whole_second_and_may_be_used_up_by_somebody_else() {
    let hour = Duration::from_secs(3);
    let (fake, token) = acme(Settings { hourly_quota: 2, hour, ..Settings::default() }).await;
    let anna = Client::new(&fake, &token);
    let began = fake.clock().now();
    assert_eq!(anna.get("/user").await.header("x-ratelimit-remaining"), Some("1"));
    let reset = fake.seed().exhaust("anna");
    let reply = anna.get("/user").await;
    let said: i64 = reply.header("x-ratelimit-reset").unwrap().parse().unwrap();
    assert_eq!((reply.status, said, reset.subsec_nanosecond()), (403, reset.as_second(), 0));
    assert!((2..=3).contains(&reset.duration_since(began).as_secs()), "{began} to {reset}");
    assert_eq!(Client::new(&fake, &fake.seed().token("bert")).get("/user").await.status, 200, "bert's is his own");
    // No later than whoever goes by the header comes back.
    fake.clock().advance(Duration::try_from(reset.duration_since(fake.clock().now())).unwrap_or_default());
    assert_eq!(anna.get("/user").await.header("x-ratelimit-remaining"), Some("1"));
    let hours: Vec<_> = fake.exchanges().iter().map(|exchange| (exchange.status, exchange.cost)).collect();
    assert_eq!(hours, [(Some(200), 1), (Some(403), 0), (Some(200), 1), (Some(200), 1)]);
    let resets: Vec<_> = fake.exchanges().iter().map(|exchange| exchange.reset).collect();
    assert!(resets[0] == Some(reset) && resets[1] == Some(reset) && resets[3] > Some(reset), "{resets:?}");
    assert_clean(&fake);
}

#[tokio::test]
async fn an_unchanged_answer_costs_nothing() {
    let (fake, token) = acme(Settings::default()).await;
    fake.seed().repository("acme", "shop");
    let anna = Client::new(&fake, &token);
    let tag = anna.get("/repos/acme/shop").await.header("etag").unwrap().to_owned();
    let again = anna.with("if-none-match", &tag).get("/repos/acme/shop").await;
    assert_eq!((again.status, again.body.len(), again.header("x-ratelimit-used")), (304, 0, Some("1")));
    let strong = anna.with("if-none-match", tag.trim_start_matches("W/")).get("/repos/acme/shop").await;
    assert_eq!(strong.status, 304, "comparison is weak");
    fake.seed().change_repository("acme", "shop", &json!({"description": "new"}));
    let changed = anna.with("if-none-match", &tag).get("/repos/acme/shop").await;
    assert_eq!((changed.status, changed.header("x-ratelimit-used")), (200, Some("2")));
    assert_clean(&fake);
}

#[tokio::test]
async fn too_many_writes_a_minute_meet_the_secondary_limit() {
    let (fake, token) = acme(Settings { writes_per_minute: 2, ..Settings::default() }).await;
    let anna = Client::new(&fake, &token);
    for name in ["a", "b"] {
        anna.expect(201, "POST", "/orgs/acme/repos", json!({"name": name})).await;
    }
    let reply = anna.call("POST", "/orgs/acme/repos", json!({"name": "c"})).await;
    assert_eq!(reply.status, 403);
    assert!(reply.message().starts_with("You have exceeded a secondary rate limit."));
    let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    assert!(fake.seed().look("acme", "c").is_none());
    fake.clock().advance(Duration::from_secs(wait));
    anna.expect(201, "POST", "/orgs/acme/repos", json!({"name": "c"})).await;
    assert_clean(&fake);
}

#[tokio::test]
async fn a_setting_may_be_taken_and_not_kept() {
    let (fake, token) = acme(Settings { unkept: vec!["has_wiki"], ..Settings::default() }).await;
    let anna = Client::new(&fake, &token);
    let both = json!({"name": "shop", "has_wiki": false, "has_issues": false});
    let made = anna.expect(201, "POST", "/orgs/acme/repos", both.clone()).await;
    let changed = anna.expect(200, "PATCH", "/repos/acme/shop", both).await;
    for shown in [made, changed] {
        assert_eq!((&shown["has_wiki"], &shown["has_issues"]), (&json!(true), &json!(false)));
    }
    // Somebody at GitHub's pages can.
    fake.seed().change_repository("acme", "shop", &json!({"has_wiki": false}));
    assert_eq!(anna.get("/repos/acme/shop").await.json()["has_wiki"], false);
    assert_clean(&fake);
}

#[tokio::test]
async fn what_was_just_created_may_show_later() {
    let (fake, token) = acme(Settings { visible_after: Duration::from_secs(30), ..Settings::default() }).await;
    let anna = Client::new(&fake, &token);
    anna.expect(201, "POST", "/orgs/acme/repos", json!({"name": "shop"})).await;
    anna.expect(404, "GET", "/repos/acme/shop", Value::Null).await;
    anna.expect(422, "POST", "/orgs/acme/repos", json!({"name": "shop"})).await;
    fake.clock().advance(Duration::from_secs(30));
    anna.expect(200, "GET", "/repos/acme/shop", Value::Null).await;
    assert_clean(&fake);
}

#[tokio::test]
async fn the_api_may_be_below_a_prefix() {
    let (fake, token) = acme(Settings { prefix: "/api/v3".to_owned(), ..Settings::default() }).await;
    let anna = Client::new(&fake, &token);
    let user = anna.expect(200, "GET", "/api/v3/user", Value::Null).await;
    assert_eq!(user["url"], format!("http://{}/api/v3/users/anna", fake.address()));
    assert_clean(&fake);
    assert_eq!(anna.get("/user").await.status, 404);
}

#[tokio::test]
async fn requests_fail_as_they_are_told_to() {
    let (fake, token) = acme(Settings::default()).await;
    let anna = Client::new(&fake, &token);
    fake.fail(Fault::new(Failure::Drop).on(Method::POST).times(1));
    fake.fail(Fault::new(Failure::DropAfter).on(Method::POST).below("/orgs/acme/repos").times(1));
    fake.fail(Fault::new(Failure::Status(502)).below("/user"));
    assert!(anna.try_send("POST", "/orgs/acme/repos", b"{\"name\":\"a\"}").await.is_none());
    assert!(fake.seed().look("acme", "a").is_none(), "nothing was done");
    assert!(anna.try_send("POST", "/orgs/acme/repos", b"{\"name\":\"b\"}").await.is_none());
    assert!(fake.seed().look("acme", "b").is_some(), "it was done, and nobody was told");
    let reply = anna.get("/user").await;
    assert_eq!((reply.status, reply.header("content-type")), (502, Some("text/html")));
    fake.heal();
    assert_eq!(anna.get("/user").await.status, 200);
    fake.fail(Fault::new(Failure::SecondaryLimit(Some(Duration::from_secs(7)))).times(1));
    assert_eq!(anna.get("/user").await.header("retry-after"), Some("7"));
    fake.fail(Fault::new(Failure::SecondaryLimit(None)).times(1));
    assert_eq!(anna.get("/user").await.header("retry-after"), None);
    let statuses: Vec<_> = fake.exchanges().iter().map(|exchange| exchange.status).collect();
    assert_eq!(statuses, [None, Some(201), Some(502), Some(200), Some(403), Some(403)]);
    assert_clean(&fake);
    fake.fail(Fault::new(Failure::Drop).times(1));
    assert!(anna.try_send("POST", "/orgs/acme/repos", b"{\"nam\":\"c\"}").await.is_none());
    assert!(!fake.violations().is_empty(), "who gets no answer is held against the description too");
}
