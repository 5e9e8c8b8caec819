//! From the API server's `Status`, and from failures of the client, to [`Error`].

use std::{error::Error as StdError, time::Duration};

use kube::core::{Status, response::reason};

use crate::{Clash, Error, FieldOwner};

/// The answer to a request that was refused. `retry_after` is the header's, for answers that are no `Status`: a proxy's.
pub(crate) fn refusal(code: u16, retry_after: Option<Duration>, body: &str) -> Error {
    let status = serde_json::from_str::<Status>(body).unwrap_or_default();
    let code = if status.code == 0 { code } else { status.code };
    let message = match (status.message.is_empty(), body.trim()) {
        (false, _) => status.message.clone(),
        (true, "") => format!("the API server answered with code {code}"),
        (true, text) => format!("the API server answered with code {code}: {}", beginning(text)),
    };
    from_status(&status, code, message, retry_after)
}

fn from_status(status: &Status, code: u16, message: String, retry_after: Option<Duration>) -> Error {
    let kind = if reason::is_known(&status.reason) {
        status.reason.as_str()
    } else {
        reason_of(code)
    };
    match kind {
        // Of an object that is missing the API server says the name; where it serves no such path, it cannot.
        reason::NOT_FOUND if names_an_object(status) => Error::NotFound(message),
        reason::NOT_FOUND => Error::UnknownKind(message),
        reason::ALREADY_EXISTS => Error::AlreadyExists(message),
        reason::CONFLICT => Error::Conflict(Clash {
            owners: owners(status),
            message,
        }),
        reason::FORBIDDEN => Error::Forbidden(message),
        reason::UNAUTHORIZED => Error::Unauthorized(message),
        reason::GONE | reason::EXPIRED => Error::Expired(message),
        reason::INVALID
        | reason::BAD_REQUEST
        | reason::METHOD_NOT_ALLOWED
        | reason::NOT_ACCEPTABLE
        | reason::REQUEST_ENTITY_TOO_LARGE
        | reason::UNSUPPORTED_MEDIA_TYPE => Error::Invalid(message),
        _ => Error::Unavailable {
            message,
            retry_after: wish(status).or(retry_after),
        },
    }
}

/// For answers without a reason of the API server, such as a proxy's.
fn reason_of(code: u16) -> &'static str {
    match code {
        401 => reason::UNAUTHORIZED,
        403 => reason::FORBIDDEN,
        404 => reason::NOT_FOUND,
        409 => reason::CONFLICT,
        410 => reason::GONE,
        408 | 425 | 429 => reason::TOO_MANY_REQUESTS,
        400..=499 => reason::BAD_REQUEST,
        _ => reason::INTERNAL_ERROR,
    }
}

fn names_an_object(status: &Status) -> bool {
    status.details.as_ref().is_some_and(|details| !details.name.is_empty())
}

fn wish(status: &Status) -> Option<Duration> {
    let seconds = status.details.as_ref()?.retry_after_seconds;
    (seconds > 0).then(|| Duration::from_secs(seconds.into()))
}

fn owners(status: &Status) -> Vec<FieldOwner> {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes
        .filter(|cause| cause.reason == "FieldManagerConflict")
        .map(|cause| FieldOwner {
            manager: quoted(&cause.message).unwrap_or(&cause.message).to_owned(),
            field: cause.field.clone(),
        })
        .collect()
}

/// `conflict with "kubectl" using apps/v1`: the API server says the manager's name nowhere else.
fn quoted(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once('"')?;
    let (manager, _) = rest.split_once('"')?;
    (!manager.is_empty()).then_some(manager)
}

/// A request that got no answer.
impl From<kube::Error> for Error {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => from_status(&status, status.code, status.message.clone(), None),
            kube::Error::BuildRequest(error) => Self::Invalid(chain(&error)),
            kube::Error::SerdeError(error) => Self::Malformed(format!("the answer of the API server: {error}")),
            kube::Error::FromUtf8(error) => Self::Malformed(format!("the answer of the API server: {error}")),
            kube::Error::Auth(error) => Self::Unauthorized(chain(&error)),
            error => Self::unavailable(format!("the API server cannot be reached: {}", chain(&error))),
        }
    }
}

impl From<kube::runtime::watcher::Error> for Error {
    fn from(error: kube::runtime::watcher::Error) -> Self {
        use kube::runtime::watcher::Error as Watch;
        match error {
            Watch::InitialListFailed(error) | Watch::WatchStartFailed(error) | Watch::WatchFailed(error) => error.into(),
            Watch::WatchError(status) => from_status(&status, status.code, status.message.clone(), None),
            Watch::NoResourceVersion => Self::Malformed("the API server gave no resourceVersion".to_owned()),
        }
    }
}

/// An error with its sources, as far as they say something new.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        source = error.source();
    }
    text
}

/// Pages of proxies are long.
fn beginning(text: &str) -> &str {
    let end = text.char_indices().nth(200).map_or(text.len(), |(index, _)| index);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn status(code: u16, reason: &str, details: &Value) -> Error {
        let body = json!({"kind": "Status", "message": "text", "reason": reason, "code": code, "details": details});
        refusal(code, None, &body.to_string())
    }

    #[test]
    fn the_reason_decides_and_not_the_text() {
        let text = || "text".to_owned();
        let named = json!({"name": "a"});
        assert_eq!(status(404, "NotFound", &named), Error::NotFound(text()));
        assert_eq!(status(409, "AlreadyExists", &named), Error::AlreadyExists(text()));
        assert_eq!(status(403, "Forbidden", &named), Error::Forbidden(text()));
        assert_eq!(status(422, "Invalid", &named), Error::Invalid(text()));
        assert_eq!(status(401, "Unauthorized", &named), Error::Unauthorized(text()));
        assert_eq!(status(410, "Expired", &named), Error::Expired(text()));
        assert!(status(409, "Conflict", &named).is_conflict());
        assert!(status(500, "InternalError", &named).is_transient());
    }

    #[test]
    fn a_missing_path_is_told_from_a_missing_object() {
        assert!(matches!(refusal(404, None, "404 page not found"), Error::UnknownKind(_)));
        assert!(matches!(status(404, "NotFound", &json!({})), Error::UnknownKind(_)));
    }

    #[test]
    fn without_a_reason_the_code_decides() {
        assert!(matches!(refusal(403, None, "<html>no</html>"), Error::Forbidden(_)));
        assert!(matches!(refusal(413, None, ""), Error::Invalid(_)));
        assert!(matches!(refusal(502, None, "bad gateway"), Error::Unavailable { .. }));
    }

    #[test]
    fn the_wish_to_wait_is_kept() {
        let limited = status(429, "TooManyRequests", &json!({"retryAfterSeconds": 7}));
        assert_eq!(limited.retry_after(), Some(Duration::from_secs(7)));
        let proxy = refusal(503, Some(Duration::from_secs(3)), "busy");
        assert_eq!(proxy.retry_after(), Some(Duration::from_secs(3)));
    }

    #[test]
    fn owners_of_contested_fields_are_named() {
        let cause = |message: &str, field: &str| json!({"reason": "FieldManagerConflict", "message": message, "field": field});
        let details = json!({"name": "a", "causes": [
            cause("conflict with \"kubectl\" using apps/v1", ".spec.replicas"),
            cause("somebody holds it", ".spec.paused"),
            {"reason": "FieldValueInvalid", "message": "\"x\"", "field": "spec"},
        ]});
        let Error::Conflict(clash) = status(409, "Conflict", &details) else {
            panic!("not a conflict");
        };
        let owner = |manager: &str, field: &str| FieldOwner {
            manager: manager.to_owned(),
            field: field.to_owned(),
        };
        assert_eq!(
            clash.owners,
            [owner("kubectl", ".spec.replicas"), owner("somebody holds it", ".spec.paused")]
        );
    }
}
