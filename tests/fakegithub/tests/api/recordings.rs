//! Exchanges that were recorded at GitHub, replayed: the fake answers with the same status and the same members of the same
//! types. What GitHub has changed since they were recorded is listed.

use capstan_fakegithub::{Fake, Settings};
use serde_json::{Value, json};

use crate::client::{Client, assert_answers_clean};

/// Members that today's description does not have any more, or not in every answer.
const GONE: [&str; 3] = ["/plan/filled_seats", "/text_matches", "/organization/name"];

#[derive(serde::Deserialize)]
struct Exchange {
    method: String,
    path: String,
    accept: Option<String>,
    body: Value,
    status: u16,
    headers: Vec<String>,
    response: Value,
}

fn recorded(text: &str) -> Vec<Exchange> {
    serde_json::from_str(text).unwrap()
}

/// The organisation and the users that the recordings are about; the tokens of both users.
async fn stage(repository: &str) -> (Fake, String, String) {
    let fake = Fake::start(Settings::default()).await.unwrap();
    let seed = fake.seed();
    seed.organization("octokit-fixture-org");
    seed.user("octokit-fixture-user-a");
    seed.user("octokit-fixture-user-b");
    seed.owner("octokit-fixture-org", "octokit-fixture-user-a");
    seed.repository("octokit-fixture-org", repository);
    seed.change_repository("octokit-fixture-org", repository, &json!({"visibility": "public"}));
    seed.team("octokit-fixture-org", "a-team");
    if repository == "hello-world" {
        seed.change_repository("octokit-fixture-org", repository, &json!({"topics": ["a"]}));
    }
    let tokens = (seed.token("octokit-fixture-user-a"), seed.token("octokit-fixture-user-b"));
    (fake, tokens.0, tokens.1)
}

/// Where `actual` lacks a member of `expected` or has one of another type. Null on either side fits everything that may be
/// null, and a list is compared by its first items.
fn differences(expected: &Value, actual: &Value, at: &str, found: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            for (key, value) in expected {
                let at = format!("{at}/{key}");
                match actual.get(key) {
                    None if GONE.iter().any(|gone| at.ends_with(gone)) => {}
                    None => found.push(format!("{at}: missing")),
                    Some(other) => differences(value, other, &at, found),
                }
            }
        }
        (Value::Array(expected), Value::Array(actual)) => {
            if let (Some(first), Some(other)) = (expected.first(), actual.first()) {
                differences(first, other, &format!("{at}/0"), found);
            } else if expected.is_empty() != actual.is_empty() {
                found.push(format!("{at}: {} items and not {}", actual.len(), expected.len()));
            }
        }
        (Value::Null, _) | (_, Value::Null) => {}
        (expected, actual) if std::mem::discriminant(expected) != std::mem::discriminant(actual) => {
            found.push(format!("{at}: {actual} where GitHub has {expected}"));
        }
        _ => {}
    }
}

/// Replays a recording; `adapt` puts the fake's own numbers into a path.
async fn replay(name: &str, text: &str, adapt: impl Fn(&Fake, &str) -> String) {
    let repository = recorded(text)[0].path.split('/').nth(3).unwrap_or("unused").to_owned();
    let (fake, first, second) = stage(&repository).await;
    for (index, exchange) in recorded(text).into_iter().enumerate() {
        let path = adapt(&fake, &exchange.path);
        let token = if path.starts_with("/user/") { &second } else { &first };
        let client = Client::new(&fake, token).with("accept", exchange.accept.as_deref().unwrap_or("*/*"));
        let body = if exchange.body == "" { Value::Null } else { exchange.body };
        let reply = client.call(&exchange.method.to_uppercase(), &path, body).await;
        assert_eq!(reply.status, exchange.status, "{name} {index}: {} {path}: {:?}", exchange.method, reply.json());
        let mut found = Vec::new();
        if exchange.response.is_string() {
            assert_eq!(reply.body.is_empty(), exchange.response == "", "{name} {index}");
        } else {
            differences(&exchange.response, &reply.json(), "", &mut found);
        }
        for header in ["etag", "location", "x-ratelimit-limit", "x-ratelimit-reset", "x-github-request-id"] {
            // Recorded with writes too, where it is of no use to anybody.
            let expected =
                exchange.headers.iter().any(|each| each == header) && !(header == "etag" && exchange.method != "get");
            if expected && reply.header(header).is_none() && !(header == "location" && exchange.status == 201) {
                found.push(format!("header {header}: missing"));
            }
        }
        assert_eq!(found, Vec::<String>::new(), "{name} {index}: {} {path}", exchange.method);
    }
    assert_answers_clean(&fake);
}

fn same(_: &Fake, path: &str) -> String {
    path.to_owned()
}

#[tokio::test]
async fn an_organization() {
    replay("get-organization", include_str!("../../recordings/get-organization.json"), same).await;
}

#[tokio::test]
async fn a_repository() {
    replay("get-repository", include_str!("../../recordings/get-repository.json"), same).await;
}

#[tokio::test]
async fn files_and_folders() {
    replay("get-content", include_str!("../../recordings/get-content.json"), same).await;
}

#[tokio::test]
async fn a_new_file() {
    replay("create-file", include_str!("../../recordings/create-file.json"), same).await;
}

#[tokio::test]
async fn branch_protection() {
    replay("branch-protection", include_str!("../../recordings/branch-protection.json"), same).await;
}

#[tokio::test]
async fn a_renamed_repository() {
    replay("rename-repository", include_str!("../../recordings/rename-repository.json"), |fake, path| {
        let seed = fake.seed();
        let renamed = seed.look("octokit-fixture-org", "rename-repository-newname");
        let id = renamed.map(|repository| repository["id"].to_string()).unwrap_or_default();
        path.replace("/repositories/1000", &format!("/repositories/{id}"))
    })
    .await;
}

#[tokio::test]
async fn a_collaborator_who_comes_and_goes() {
    let text = include_str!("../../recordings/add-and-remove-repository-collaborator.json");
    replay("add-and-remove-repository-collaborator", text, |fake, path| {
        let repository = "add-and-remove-repository-collaborator";
        let pending = fake.seed().invitations("octokit-fixture-org", repository).first().map_or(0, |(id, _, _)| *id);
        path.replace("repository_invitations/1000", &format!("repository_invitations/{pending}"))
    })
    .await;
}
