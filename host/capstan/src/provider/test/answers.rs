//! Other systems, played by a case.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use capstan_sandbox::Respond;
use http::{Request, Response};
use serde_json::Value;

use super::{
    case::{Answered, Asked, Exchange},
    subset::difference,
};

/// Answers as the step says. Exchanges for the same method and URL are used one after the other, and the last of them again and
/// again: how often a provider looks is its own affair.
#[derive(Debug, Default)]
pub(super) struct Answers(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// With how often each was used.
    exchanges: Vec<(Exchange, usize)>,
    /// Requests that nothing stands for.
    unexpected: Vec<String>,
}

impl Answers {
    /// From now on these.
    pub(super) fn set(&self, exchanges: &[Exchange]) {
        let mut state = self.lock();
        state.exchanges = exchanges.iter().map(|exchange| (exchange.clone(), 0)).collect();
        state.unexpected.clear();
    }

    /// What was sent and not expected; an error for good.
    pub(super) fn unexpected(&self) -> Option<String> {
        self.lock().unexpected.first().cloned()
    }

    /// What is expected and was not sent yet.
    pub(super) fn missing(&self) -> Option<String> {
        let state = self.lock();
        let (Exchange { request, .. }, _) = state.exchanges.iter().find(|(_, used)| *used == 0)?;
        Some(format!("{} {} was not sent", request.method, request.url))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each request is noted by one push or one addition.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Respond for Answers {
    async fn respond(&self, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        let mut state = self.lock();
        let stands_for = |asked: &Asked| asked.method == request.method().as_str() && request.uri() == &*asked.url;
        let candidates = state.exchanges.iter().enumerate().filter(|(_, (exchange, _))| stands_for(&exchange.request));
        let candidates: Vec<(usize, usize)> = candidates.map(|(index, (_, used))| (index, *used)).collect();
        let next = candidates.iter().find(|(_, used)| *used == 0).or(candidates.last());
        let sent = format!("{} {}", request.method(), request.uri());
        let Some(&(index, _)) = next else {
            let problem = format!("{sent} was sent, and nothing under `http` answers it");
            state.unexpected.push(problem.clone());
            return Err(problem);
        };
        let (exchange, used) = &mut state.exchanges[index];
        *used += 1;
        if let Some(problem) = wrong(&exchange.request, &request) {
            let problem = format!("{sent}: {problem}");
            state.unexpected.push(problem.clone());
            return Err(problem);
        }
        answer(&exchange.response)
    }
}

/// What is not as it was expected.
fn wrong(expected: &Asked, sent: &Request<Bytes>) -> Option<String> {
    let header = expected.headers.iter().find_map(|(name, value)| {
        let found = sent.headers().get(name).map(|found| String::from_utf8_lossy(found.as_bytes()));
        // The value may be a secret; which one was sent is not told.
        (found.as_deref() != Some(value)).then(|| format!("its header {name} is not the expected one"))
    });
    let body = expected.body.as_ref().and_then(|expected| {
        let found: Value = serde_json::from_slice(sent.body())
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(sent.body()).into_owned()));
        Some(format!("its body differs at {}", difference(expected, &found)?))
    });
    header.or(body)
}

fn answer(answered: &Answered) -> Result<Response<Bytes>, String> {
    let mut response = Response::builder().status(answered.status);
    let body = match &answered.body {
        None => Vec::new(),
        Some(Value::String(text)) => text.clone().into_bytes(),
        Some(value) => {
            if !answered.headers.keys().any(|name| name.eq_ignore_ascii_case("content-type")) {
                response = response.header("content-type", "application/json");
            }
            value.to_string().into_bytes()
        }
    };
    for (name, value) in &answered.headers {
        response = response.header(name, value);
    }
    response.body(body.into()).map_err(|error| format!("the answer of the case cannot be one: {error}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn exchange(value: Value) -> Exchange {
        serde_json::from_value(value).unwrap()
    }

    async fn ask(answers: &Answers, method: &str, body: &str) -> Result<(u16, String), String> {
        let request = Request::builder().method(method).uri("https://a.example/x?y=1").header("authorization", "b");
        let request = request.body(Bytes::from(body.to_owned())).unwrap();
        let response = answers.respond(request).await?;
        Ok((response.status().as_u16(), String::from_utf8(response.body().to_vec()).unwrap()))
    }

    #[tokio::test]
    async fn exchanges_are_used_in_their_order_and_the_last_again() {
        let answers = Answers::default();
        let url = "https://a.example/x?y=1";
        answers.set(&[
            exchange(json!({"request": {"url": url}, "response": {"status": 404}})),
            exchange(json!({"request": {"url": url}, "response": {"body": {"z": 1}}})),
            exchange(json!({"request": {"method": "POST", "url": url, "body": {"a": 1}}})),
        ]);
        assert_eq!(ask(&answers, "GET", "").await.unwrap(), (404, String::new()));
        assert_eq!(ask(&answers, "GET", "").await.unwrap(), (200, r#"{"z":1}"#.to_owned()));
        assert_eq!(ask(&answers, "GET", "").await.unwrap().0, 200);
        assert_eq!(answers.missing().unwrap(), format!("POST {url} was not sent"));
        ask(&answers, "POST", r#"{"a": 1, "b": 2}"#).await.unwrap();
        assert_eq!((answers.missing(), answers.unexpected()), (None, None));
    }

    #[tokio::test]
    async fn what_nothing_stands_for_is_named() {
        let answers = Answers::default();
        let url = "https://a.example/x?y=1";
        answers.set(&[exchange(json!({"request": {"method": "POST", "url": url, "body": {"a": 1}}}))]);
        assert!(ask(&answers, "GET", "").await.unwrap_err().contains("nothing under `http` answers it"));
        assert!(ask(&answers, "POST", r#"{"a": 2}"#).await.unwrap_err().contains("a: expected 1, found 2"));
        assert!(answers.unexpected().unwrap().starts_with("GET https://a.example/x?y=1"));
        answers.set(&[exchange(json!({"request": {"url": url, "headers": {"authorization": "c"}}}))]);
        let refused = ask(&answers, "GET", "").await.unwrap_err();
        assert!(refused.contains("header authorization") && !refused.contains(": b"), "{refused}");
    }
}
