//! The client against answers that lead astray. What the fake answers is as GitHub describes it; these are not.

use std::cell::RefCell;
use std::rc::Rc;

use capstan_github::client::{Base, Error, GitHub, Http, Method, Path, Request, Response, TransportError};
use capstan_sdk::{Value, json};

const BASE: &str = "https://ghe.example.org/api/v3";

type Answered = Result<Response, TransportError>;

/// Answers by a script, and keeps what was asked.
struct Scripted<F> {
    script: F,
    asked: Rc<RefCell<Vec<Request>>>,
}

impl<F: Fn(&Request) -> Answered> Http for Scripted<F> {
    fn send(&self, request: &Request) -> Answered {
        self.asked.borrow_mut().push(request.clone());
        (self.script)(request)
    }
}

/// A client whose requests all get an answer.
fn answering(script: impl Fn(&Request) -> Response + 'static) -> (GitHub, Rc<RefCell<Vec<Request>>>) {
    github(move |request| Ok(script(request)))
}

fn github(script: impl Fn(&Request) -> Answered + 'static) -> (GitHub, Rc<RefCell<Vec<Request>>>) {
    let asked = Rc::default();
    let http = Scripted { script, asked: Rc::clone(&asked) };
    (GitHub::new(Base::parse(Some(BASE)).unwrap(), Box::new(http)), asked)
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Response { status, headers, body: body.as_bytes().to_vec() }
}

fn path() -> Path {
    Path::of(&["repos", "acme", "shop"]).unwrap()
}

fn items(body: Value) -> Vec<Value> {
    body.as_array().cloned().unwrap_or_default()
}

/// Addresses that the credential must not go to.
const AWAY: [&str; 4] = [
    "https://evil.example.org/api/v3/repositories/7",
    "http://ghe.example.org/api/v3/repositories/7",
    "https://ghe.example.org/elsewhere",
    "/repositories/7",
];

#[test]
fn no_answer_leads_the_credential_to_another_address() {
    for away in AWAY {
        for status in [301, 302, 307, 308] {
            let (github, asked) = answering(move |_| answer(status, &[("location", away)], ""));
            for refused in [github.find(&path()).map(drop), github.change(Method::Patch, &path(), None).map(drop)] {
                let error = refused.unwrap_err();
                assert!(matches!(error, Error::Unexpected(_)) && error.to_string().contains(away), "{error}");
            }
            assert_eq!(asked.borrow().len(), 2, "{away}: only the first address was asked");
        }
        let link = format!("<{away}>; rel=\"next\"");
        let (github, asked) = answering(move |_| answer(200, &[("link", &link)], "[]"));
        assert!(matches!(github.list(&path(), items), Err(Error::Unexpected(_))), "{away}");
        assert_eq!(asked.borrow().len(), 1, "{away}");
    }
}

#[test]
fn a_redirect_below_the_base_is_followed_with_method_and_body() {
    let (github, asked) = answering(|request| {
        if request.url.ends_with("/repositories/7") {
            return answer(200, &[], "{\"id\": 7}");
        }
        answer(307, &[("location", "https://ghe.example.org/api/v3/repositories/7")], "")
    });
    let body = json!({"has_wiki": false});
    assert_eq!(github.change(Method::Patch, &path(), Some(&body)).unwrap().body["id"], 7);
    let asked = asked.borrow();
    assert_eq!((asked[1].method, &asked[1].body), (Method::Patch, &asked[0].body));
}

#[test]
fn a_redirect_keeps_what_was_asked_unless_it_asks_something_itself() {
    for (said, expected) in [("", "?ref=next"), ("?ref=other", "?ref=other")] {
        let target = format!("{BASE}/repositories/7{said}");
        let (github, asked) = answering(move |request| {
            let is_there = request.url.contains("/repositories/7");
            if is_there { answer(200, &[], "{}") } else { answer(301, &[("location", &target)], "") }
        });
        github.find(&path().query("ref", "next")).unwrap();
        assert_eq!(asked.borrow()[1].url, format!("{BASE}/repositories/7{expected}"));
    }
}

#[test]
fn what_leads_on_and_on_is_given_up() {
    let again = "https://ghe.example.org/api/v3/repos/acme/shop?token=x";
    let (github, asked) = answering(move |_| answer(302, &[("location", again)], ""));
    let query = path().query("ref", "main");
    let error = github.find(&query).unwrap_err();
    assert!(matches!(&error, Error::Unexpected(_)) && asked.borrow().len() < 10, "{error}");
    assert!(error.to_string().starts_with("/repos/acme/shop leads"), "{error}");
}

#[test]
fn a_list_without_end_is_an_error_and_not_a_short_list() {
    let next = "<https://ghe.example.org/api/v3/repos/acme/shop?page=2>; rel=\"next\"";
    let (github, asked) = answering(move |_| answer(200, &[("link", next)], "[1]"));
    let error = github.list(&path(), items).unwrap_err();
    assert!(matches!(&error, Error::Unexpected(_)) && asked.borrow().len() == 100, "{error}");
}

#[test]
fn every_request_says_what_it_is() {
    let (github, asked) = answering(|_| answer(200, &[], ""));
    assert_eq!(github.change(Method::Put, &path(), Some(&json!({"a": 1}))).unwrap().body, Value::Null);
    let _ = github.find(&path()).unwrap();
    let _ = github.list(&path().query("affiliation", "a&b c"), items).unwrap();
    let asked = asked.borrow();
    let header =
        |at: usize, name: &str| asked[at].headers.iter().find(|(key, _)| *key == name).map(|(_, value)| &**value);
    for at in 0..asked.len() {
        assert_eq!(header(at, "x-github-api-version"), Some("2022-11-28"));
        assert_eq!(header(at, "accept"), Some("application/vnd.github+json"));
    }
    assert_eq!((header(0, "content-type"), header(1, "content-type")), (Some("application/json"), None));
    assert!(asked[2].url.ends_with("/repos/acme/shop?affiliation=a%26b%20c&per_page=100"), "{}", asked[2].url);
}

#[test]
fn what_the_host_says_decides_what_is_to_be_done() {
    let failure = |error: TransportError| {
        let (github, _) = github(move |_| Err(error.clone()));
        github.find(&path()).unwrap_err().failure()
    };
    let seven = std::time::Duration::from_secs(7);
    let said = "You have exceeded a secondary rate limit (https://docs, request 12:AB)";
    let held = failure(TransportError::RateLimited { wait: seven, said: said.to_owned() });
    assert!(
        matches!(&held, capstan_sdk::Failure::RetryAfter(problem, wait) if problem.reason == "RateLimited" && *wait == seven
            && problem.message == format!("{said}: next try in 7 s"))
    );
    for (error, reason, is_terminal) in [
        // A grant can be given without anything happening to the object.
        (TransportError::Denied("no grant".to_owned()), "Denied", false),
        (TransportError::TimedOut, "TimedOut", false),
        (TransportError::TooLarge(9), "TooLarge", false),
        (TransportError::Unreachable("refused".to_owned()), "Unreachable", false),
        (TransportError::Invalid("odd".to_owned()), "InvalidRequest", true),
    ] {
        let failure = failure(error);
        assert_eq!((failure.problem().reason.as_str(), failure.is_terminal()), (reason, is_terminal));
    }
}
