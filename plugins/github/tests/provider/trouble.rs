//! What goes wrong on the way.

use std::time::Duration;

use capstan_fakegithub::{Failure as Fails, Fault, Settings};
use capstan_github::client::Path;
use capstan_sdk::{Failure, Value};

use crate::stage::Stage;

fn shop(stage: &Stage) -> Result<Option<Value>, capstan_github::client::Error> {
    stage.github().find(&Path::of(&["repos", "acme", "shop"]).unwrap())
}

#[test]
fn errors_speak_githubs_words_and_name_the_request() {
    let stage = Stage::new(Settings::default());
    stage.fake.seed().revoke(&stage.token);
    let error = shop(&stage).unwrap_err();
    assert_eq!(error.reason(), "InvalidCredentials");
    let request = stage.fake.exchanges()[0].request_id.clone();
    let expected = format!(
        "GET {}/repos/acme/shop: 401: Bad credentials (https://docs.github.com/rest, request {request})",
        stage.fake.url()
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn limits_say_how_long_to_wait() {
    let stage = Stage::new(Settings { hourly_quota: 0, ..Settings::default() });
    let error = shop(&stage).unwrap_err();
    assert!(matches!(error.failure(), Failure::RetryAfter(problem, wait)
        if problem.reason == "RateLimited" && (3590..=3600).contains(&wait.as_secs())));
    for (said, expected) in [(Some(Duration::from_secs(7)), 7), (None, 60)] {
        stage.fake.heal();
        stage.fake.fail(Fault::new(Fails::SecondaryLimit(said)));
        assert!(matches!(shop(&stage).unwrap_err().failure(), Failure::RetryAfter(problem, wait)
            if problem.reason == "RateLimited" && wait.as_secs() == expected));
    }
}

#[test]
fn failures_of_github_are_tried_again_and_pages_of_others_are_not_believed() {
    let stage = Stage::new(Settings::default());
    stage.fake.fail(Fault::new(Fails::Status(502)).times(1));
    assert_eq!(shop(&stage).unwrap_err().reason(), "GitHubUnavailable");
    stage.fake.fail(Fault::new(Fails::Drop).times(1));
    assert_eq!(shop(&stage).unwrap_err().reason(), "Unreachable");
    stage.fake.fail(Fault::new(Fails::Page(200, "text/html", "<html>log in</html>")).times(1));
    let error = shop(&stage).unwrap_err();
    assert_eq!(error.reason(), "UnexpectedAnswer");
    assert!(!error.failure().is_terminal());
}

#[test]
fn lists_are_read_to_their_end() {
    let stage = Stage::new(Settings { prefix: "/api/v3".to_owned(), ..Settings::default() });
    for number in 0..205 {
        stage.fake.seed().repository("acme", &format!("r{number}"));
    }
    let path = Path::of(&["orgs", "acme", "repos"]).unwrap();
    let items = stage.github().list(&path, |body| body.as_array().cloned().unwrap_or_default()).unwrap();
    assert_eq!(items.len(), 205);
    assert_eq!(stage.requests().len(), 3);
}

#[test]
fn names_that_climb_are_refused_before_anybody_is_asked() {
    for name in ["../../user", "..", "a/b", ""] {
        assert_eq!(Path::of(&["repos", "acme", name]).unwrap_err().reason(), "InvalidSpec");
    }
}
