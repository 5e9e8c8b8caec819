//! What an origin says of its refusals.

use http::HeaderValue;
use serde_json::Value;

use super::answer::Answer;
use crate::text::line;

/// Bytes of each part, which goes into conditions and logs.
const PART: usize = 256;

/// The `message` of a JSON body with where that is documented and the number of the request, in one line; empty if nothing of
/// that is there. The origin's support asks for the number. What else is in a body is nobody's business, and nothing is if it
/// gives back one of the `secrets` that were sent in headers.
pub(crate) fn words(answer: &Answer, secrets: &[HeaderValue]) -> String {
    let said = said(answer);
    // Also as it is shown: in a header, or hidden from the first look by an escape of JSON.
    let gives_back = |secret: &HeaderValue| is_in(&answer.body, secret) || is_in(said.as_bytes(), secret);
    if secrets.iter().any(gives_back) { String::new() } else { said }
}

fn said(answer: &Answer) -> String {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let text = |name: &str| line(body[name].as_str().unwrap_or_default().trim(), PART);
    let header = |name: &str| Some(line(answer.headers.get(name)?.to_str().ok()?, PART));
    let number = header("x-github-request-id").or_else(|| header("x-request-id")).unwrap_or_default();
    let number = if number.is_empty() { number } else { format!("request {number}") };
    let named: Vec<_> = [text("documentation_url"), number].into_iter().filter(|part| !part.is_empty()).collect();
    match (text("message"), named.join(", ")) {
        (message, named) if named.is_empty() => message,
        (message, named) if message.is_empty() => named,
        (message, named) => format!("{message} ({named})"),
    }
}

/// Whether a body has what a header has behind the name of its scheme.
fn is_in(body: &[u8], secret: &HeaderValue) -> bool {
    let value = secret.as_bytes().rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    !value.is_empty() && body.windows(value.len()).any(|part| part == value)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;

    fn said(id: Option<&'static str>, body: &str) -> String {
        let headers: HeaderMap =
            id.map(|id| ("x-github-request-id".parse().unwrap(), HeaderValue::from_static(id))).into_iter().collect();
        let secrets = [HeaderValue::from_static("Bearer hush")];
        words(&Answer { status: StatusCode::FORBIDDEN, headers, body: body.to_owned().into() }, &secrets)
    }

    #[test]
    fn a_message_goes_with_where_it_is_documented_and_the_number_of_the_request() {
        let body = r#"{"message": "Too\nmany.", "documentation_url": "https://docs", "token": "t"}"#;
        assert_eq!(said(Some("12:AB"), body), "Too\\nmany. (https://docs, request 12:AB)");
        assert_eq!(said(None, r#"{"message": "Too many."}"#), "Too many.");
        assert_eq!(said(Some("12:AB"), "<html>"), "request 12:AB");
        assert_eq!(said(None, ""), "");
        assert_eq!(said(Some("12:AB"), r#"{"message": "Who is hush?"}"#), "", "it gives back what it was sent");
        assert_eq!(said(None, r#"{"message": "Who is h\u0075sh?"}"#), "", "the same in an escape");
        assert_eq!(said(Some("hush"), ""), "", "the same in a header");
        assert!(said(None, &format!(r#"{{"message": "{}"}}"#, "x".repeat(1000))).len() <= PART);
    }
}
