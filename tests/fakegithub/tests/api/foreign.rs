//! Requests that no client of ours makes. The fake answers as GitHub would, in described forms, and calls them violations.

use capstan_fakegithub::{Fake, Settings, Side};
use serde_json::{Value, json};

use crate::client::{Client, Reply, acme, assert_answers_clean};

async fn shop() -> (Fake, String) {
    let (fake, token) = acme(Settings::default()).await;
    fake.seed().repository("acme", "shop");
    (fake, token)
}

/// The problems that were noted for the last request.
fn noted(fake: &Fake) -> Vec<String> {
    let noted = fake.violations_of(Side::Request).into_iter().map(|violation| violation.problem).collect();
    assert_answers_clean(fake);
    fake.forgive();
    noted
}

fn is_github_error(reply: &Reply) -> bool {
    let body = reply.json();
    body["message"].is_string()
        && body["documentation_url"].as_str().is_some_and(|url| url.starts_with("https://docs.github.com/"))
}

#[tokio::test]
async fn bodies_that_are_no_object_are_refused_with_400() {
    let (fake, token) = shop().await;
    let anna = Client::new(&fake, &token);
    for (body, message) in [
        (&b"{"[..], "Problems parsing JSON"),
        (b"\xff\xfe", "Problems parsing JSON"),
        (b"[]", "Body should be a JSON object"),
        (b"\"text\"", "Body should be a JSON object"),
    ] {
        let reply = anna.send("PATCH", "/repos/acme/shop", body).await;
        assert_eq!((reply.status, reply.message().as_str()), (400, message));
        assert_eq!(noted(&fake), [format!("body: {message}")]);
    }
}

#[tokio::test]
async fn values_of_a_wrong_type_are_refused_with_422_and_change_nothing() {
    let (fake, token) = shop().await;
    let anna = Client::new(&fake, &token);
    for body in
        [json!({"has_wiki": "no"}), json!({"description": 7}), json!({"visibility": "hidden"}), json!({"name": null})]
    {
        let reply = anna.call("PATCH", "/repos/acme/shop", body.clone()).await;
        assert_eq!(reply.status, 422, "{body}");
        assert!(reply.message().starts_with("Invalid request.\n\n/"), "{}", reply.message());
        assert_eq!(noted(&fake).len(), 1, "{body}");
    }
    let reply = anna.call("POST", "/orgs/acme/repos", json!({"private": true})).await;
    assert_eq!(reply.status, 422);
    assert_eq!(noted(&fake), ["body: : \"name\" is a required property"]);
    assert_eq!(fake.seed().look("acme", "shop").unwrap()["has_wiki"], true);
}

#[tokio::test]
async fn unknown_members_and_parameters_are_ignored_but_noted() {
    let (fake, token) = shop().await;
    let anna = Client::new(&fake, &token);
    let body = json!({"has_wiki": false, "has_wikis": false});
    assert_eq!(anna.call("PATCH", "/repos/acme/shop", body).await.status, 200);
    let problems = noted(&fake);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].contains("has_wikis"), "{problems:?}");
    assert_eq!(anna.get("/repos/acme/shop?verbose=1").await.status, 200);
    assert_eq!(noted(&fake), ["parameter verbose: not described"]);
    assert_eq!(anna.get("/orgs/acme/repos?per_page=many&page=0").await.status, 200);
    assert_eq!(noted(&fake).len(), 1, "a page size is a number");
}

#[tokio::test]
async fn other_methods_and_paths_do_not_exist() {
    let (fake, token) = shop().await;
    let anna = Client::new(&fake, &token);
    let requests = [
        ("POST", "/repos/acme/shop"),
        ("PUT", "/repos/acme/shop"),
        ("OPTIONS", "/repos/acme/shop"),
        ("BREW", "/repos/acme/shop"),
        ("GET", "/repos/acme/shop/"),
        ("GET", "/repos//shop"),
        ("GET", "/repos/acme"),
        ("GET", "/repos/acme/shop/../../../user"),
        ("GET", "//"),
        ("GET", "/repositories/x"),
    ];
    for (method, path) in requests {
        let reply = anna.send(method, path, b"").await;
        assert!(reply.status == 404 && is_github_error(&reply), "{method} {path}: {reply:?}");
        assert_eq!(noted(&fake), ["no such operation is described"], "{method} {path}");
    }
}

#[tokio::test]
async fn names_with_slashes_spaces_and_nonsense_name_nothing() {
    let (fake, token) = shop().await;
    let anna = Client::new(&fake, &token);
    for name in ["..%2F..%2Fuser", "a%20b", "%00", "%F0%9F%98%80", "shop%2F", "shop%3Fx=1", "..", "."] {
        let reply = anna.get(&format!("/repos/acme/{name}")).await;
        assert_eq!(reply.status, 404, "{name}");
        assert!(is_github_error(&reply), "{name}");
    }
    assert_eq!(anna.get("/repositories/999999").await.status, 404);
    assert_answers_clean(&fake);
    // What is no UTF-8 is no path at all.
    assert_eq!(anna.get("/repos/acme/%FF").await.status, 404);
}

#[tokio::test]
async fn new_names_become_what_github_makes_of_them() {
    let (fake, token) = shop().await;
    let anna = Client::new(&fake, &token);
    let made = anna.expect(201, "POST", "/orgs/acme/repos", json!({"name": "my shop/€"})).await;
    assert_eq!(made["name"], "my-shop--");
    for name in ["", ".", "..", &"x".repeat(101)] {
        let reply = anna.call("POST", "/orgs/acme/repos", json!({"name": name})).await;
        assert_eq!((reply.status, reply.message().as_str()), (422, "Repository creation failed."), "{name}");
    }
    let reply = anna.call("POST", "/orgs/acme/repos", json!({"name": "SHOP"})).await;
    assert_eq!(reply.json()["errors"][0]["message"], "name already exists on this account");
    assert_answers_clean(&fake);
}

#[tokio::test]
async fn the_largest_page_has_a_hundred_items_and_pages_beyond_the_last_are_empty() {
    let (fake, token) = shop().await;
    let seed = fake.seed();
    for number in 0..204 {
        seed.repository("acme", &format!("r{number}"));
    }
    let anna = Client::new(&fake, &token);
    let reply = anna.get("/orgs/acme/repos?per_page=100000").await;
    assert_eq!(reply.json().as_array().unwrap().len(), 100);
    let link = reply.header("link").unwrap();
    assert!(link.contains("per_page=100000&page=2>; rel=\"next\"") && link.contains("page=3>; rel=\"last\""), "{link}");
    let last = anna.get("/orgs/acme/repos?per_page=100&page=3").await;
    assert_eq!(last.json().as_array().unwrap().len(), 5);
    assert!(!last.header("link").unwrap().contains("next"));
    let beyond = anna.get("/orgs/acme/repos?per_page=100&page=99999999999").await;
    assert_eq!(beyond.json(), json!([]));
    assert_answers_clean(&fake);
}

#[tokio::test]
async fn who_says_not_who_asks_or_with_what_is_refused() {
    let (fake, token) = shop().await;
    let anna = Client::new(&fake, &token);
    let mut nameless = Client::new(&fake, &token);
    nameless.headers.retain(|(name, _)| name != "user-agent");
    assert_eq!(nameless.get("/repos/acme/shop").await.status, 403);
    let reply = anna.with("x-github-api-version", "1999-01-01").get("/repos/acme/shop").await;
    assert_eq!((reply.status, reply.message().as_str()), (400, "\"1999-01-01\" is not a supported version."));
    for credential in ["Bearer nonsense", "Basic eDp5", "token", "Bearer a.b.c"] {
        let reply = anna.with("authorization", credential).get("/repos/acme/shop").await;
        assert_eq!(reply.status, 401, "{credential}");
    }
    assert_eq!(anna.with("authorization", &format!("token {token}")).get("/repos/acme/shop").await.status, 200);
    assert_answers_clean(&fake);
}

#[tokio::test]
async fn what_one_may_not_see_does_not_exist_and_what_one_may_not_do_is_forbidden() {
    let (fake, token) = shop().await;
    let seed = fake.seed();
    seed.repository("acme", "open");
    seed.change_repository("acme", "open", &json!({"visibility": "public"}));
    let (carls, berts) = (seed.token("carl"), seed.token("bert"));
    let (carl, bert, nobody) = (Client::new(&fake, &carls), Client::new(&fake, &berts), Client::anonymous(&fake));
    for client in [&carl, &nobody] {
        assert_eq!(client.get("/repos/acme/shop").await.status, 404, "private");
        assert_eq!(client.get("/repos/acme/open").await.status, 200);
    }
    let change = json!({"has_wiki": false});
    assert_eq!(nobody.call("PATCH", "/repos/acme/open", change.clone()).await.message(), "Requires authentication");
    for (client, path) in [(&carl, "/repos/acme/open"), (&bert, "/repos/acme/shop")] {
        let reply = client.call("PATCH", path, change.clone()).await;
        assert_eq!((reply.status, reply.message().as_str()), (403, "Must have admin rights to Repository."));
        assert_eq!(client.call("DELETE", path, Value::Null).await.status, 403);
    }
    assert_eq!(bert.get("/repos/acme/shop/hooks").await.status, 404, "hooks are hidden");
    assert_eq!(carl.get("/orgs/acme/teams").await.status, 404, "so are teams");
    fake.seed().revoke(&token);
    assert_eq!(Client::new(&fake, &token).get("/repos/acme/open").await.message(), "Bad credentials");
    assert_answers_clean(&fake);
}

#[tokio::test]
async fn combinations_that_github_does_not_have_are_refused() {
    let (fake, token) = shop().await;
    let anna = Client::new(&fake, &token);
    let refused = [
        (
            "PATCH",
            "/repos/acme/shop",
            json!({"squash_merge_commit_title": "COMMIT_OR_PR_TITLE", "squash_merge_commit_message": "BLANK"}),
        ),
        ("PATCH", "/repos/acme/shop", json!({"default_branch": "nowhere"})),
        ("PUT", "/repos/acme/shop/topics", json!({"names": ["Not A Topic"]})),
        ("PUT", "/repos/acme/shop/topics", json!({"names": (0..21).map(|n| format!("t{n}")).collect::<Vec<_>>()})),
        ("POST", "/repos/acme/shop/hooks", json!({"config": {"url": "ftp://x"}})),
        ("POST", "/repos/acme/shop/actions/variables", json!({"name": "1x", "value": ""})),
        ("POST", "/orgs/acme/teams", json!({"name": " "})),
        ("PUT", "/repos/acme/shop/contents/a/../b", json!({"message": "m", "content": ""})),
        ("PUT", "/repos/acme/shop/contents/a", json!({"message": "m", "content": "*"})),
    ];
    for (method, path, body) in refused {
        let reply = anna.call(method, path, body.clone()).await;
        assert_eq!(reply.status, 422, "{method} {path} {body}");
        assert!(is_github_error(&reply), "{method} {path} {body}");
    }
    assert_answers_clean(&fake);
}
