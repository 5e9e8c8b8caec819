//! What a registry wants to see before it answers, and the tokens that it has others give out.

use http::{HeaderMap, HeaderValue, header};
use http_auth::ChallengeParser;
use serde::Deserialize;
use url::Url;

/// How a registry wants to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// With a name and a password.
    Basic,
    /// With a token that is had at this place.
    Bearer { realm: Url, service: Option<String> },
}

/// The first challenge of an answer that can be met; a token rather than a password.
pub(crate) fn challenge(headers: &HeaderMap) -> Option<Challenge> {
    let mut found = None;
    for value in headers.get_all(header::WWW_AUTHENTICATE) {
        // What cannot be read ends this header, and not the ones before.
        for challenge in ChallengeParser::new(value.to_str().unwrap_or_default()).map_while(Result::ok) {
            if challenge.scheme.eq_ignore_ascii_case("basic") {
                found = Some(Challenge::Basic);
            } else if challenge.scheme.eq_ignore_ascii_case("bearer") {
                let value = |name: &str| {
                    let parameter = challenge.params.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
                    parameter.map(|(_, value)| value.to_unescaped())
                };
                if let Some(Ok(realm)) = value("realm").map(|realm| Url::parse(&realm)) {
                    return Some(Challenge::Bearer { realm, service: value("service") });
                }
            }
        }
    }
    found
}

/// Where a token for a repository is had.
pub(crate) fn token_url(mut realm: Url, service: Option<&str>, repository: &str, push: bool) -> Url {
    let actions = if push { "pull,push" } else { "pull" };
    {
        let mut query = realm.query_pairs_mut();
        if let Some(service) = service {
            query.append_pair("service", service);
        }
        query.append_pair("scope", &format!("repository:{repository}:{actions}"));
    }
    realm
}

/// The header that shows a token. `None` if there is none in the answer, or one that no header can hold.
pub(crate) fn bearer(answer: &[u8]) -> Option<HeaderValue> {
    #[derive(Deserialize)]
    struct Token {
        token: Option<String>,
        access_token: Option<String>,
    }
    let Token { token, access_token } = serde_json::from_slice(answer).ok()?;
    secret(&format!("Bearer {}", token.or(access_token)?))
}

/// A header that is not shown.
pub(crate) fn secret(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(values: &[&str]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::WWW_AUTHENTICATE, value.parse().unwrap());
        }
        challenge(&headers)
    }

    #[test]
    fn a_token_is_preferred_to_a_password() {
        let bearer = r#"Bearer realm="https://auth.r.io/token",service="r.io",scope="repository:x:pull""#;
        let expected =
            Challenge::Bearer { realm: "https://auth.r.io/token".parse().unwrap(), service: Some("r.io".to_owned()) };
        for values in [&[bearer][..], &["Basic realm=\"r\"", bearer], &["Negotiate, Basic realm=\"r\"", bearer]] {
            assert_eq!(asked(values), Some(expected.clone()), "{values:?}");
        }
        assert_eq!(asked(&["Basic realm=\"r\""]), Some(Challenge::Basic));
        for values in [&[][..], &["Negotiate"], &["Bearer realm=\"not a url\""], &["Bearer"], &["\u{7f}\""]] {
            let values: Vec<&str> =
                values.iter().copied().filter(|value| HeaderValue::from_str(value).is_ok()).collect();
            assert_eq!(asked(&values), None, "{values:?}");
        }
    }

    #[test]
    fn a_token_is_asked_for_one_repository_and_what_is_to_be_done_there() {
        let realm: Url = "https://auth.r.io/token?a=b".parse().unwrap();
        let url = token_url(realm.clone(), Some("r&s"), "team/x", false);
        assert_eq!(url.as_str(), "https://auth.r.io/token?a=b&service=r%26s&scope=repository%3Ateam%2Fx%3Apull");
        assert!(token_url(realm, None, "x", true).as_str().ends_with("pull%2Cpush"));
    }

    #[test]
    fn a_token_that_no_header_can_hold_is_none() {
        assert_eq!(bearer(br#"{"token": "a"}"#).unwrap(), "Bearer a");
        assert_eq!(bearer(br#"{"access_token": "b", "expires_in": 60}"#).unwrap(), "Bearer b");
        assert!(bearer(br#"{"token": "a"}"#).unwrap().is_sensitive());
        for answer in [&br#"{"token": "a\nb"}"#[..], b"{}", b"", br#"{"token": 1}"#] {
            assert_eq!(bearer(answer), None);
        }
    }
}
