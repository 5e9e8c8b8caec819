//! What can go wrong between us and the API server.

use std::time::Duration;

use capstan_api::{GroupVersionKind, api_version};
use kube::core::Status;

/// A request that did not succeed. Told apart by code and reason of the answer, never by its text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The object does not exist. Normal.
    #[error("{0}")]
    NotFound(String),
    /// The API server does not serve this kind (yet, or any more).
    #[error("the API server does not serve kind {} in {}: is its CustomResourceDefinition installed?", .0.kind, api_version(.0))]
    UnknownKind(GroupVersionKind),
    /// There is one of this name already. Normal.
    #[error("{0}")]
    AlreadyExists(String),
    /// Somebody else was faster, or owns the fields. Normal.
    #[error("{}", .0.message)]
    Conflict(Clash),
    /// The API server knows us and refuses; the RBAC of the host, or of the account in whose name it asked, lacks a right.
    #[error("{0}")]
    Forbidden(String),
    /// The API server does not know us.
    #[error(
        "{0}: the API server does not accept the host's credentials. They may have expired: renew those of the kubeconfig; in a \
         pod, see whether its ServiceAccount still exists and its token is mounted"
    )]
    Unauthorized(String),
    /// The request makes no sense to the API server, or to us.
    #[error("{0}")]
    Invalid(String),
    /// Not reachable, overloaded, or too slow.
    #[error("{message}")]
    Unavailable {
        /// What happened.
        message: String,
        /// When to come again, if the server said.
        retry_after: Option<Duration>,
    },
    /// The write was not sent: the lease that allows it is lost, so that somebody else may be at work already.
    #[error("not sent: this host holds the lease no more")]
    NotLeader,
    /// The answer makes no sense.
    #[error("the API server's answer cannot be read: {0}")]
    Malformed(String),
}

/// A conflict, with the owners of the fields if an apply met them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clash {
    /// The API server's words.
    pub message: String,
    /// Empty unless an apply met fields of other managers.
    pub owners: Vec<FieldOwner>,
}

/// Who holds a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldOwner {
    /// Its field manager.
    pub manager: String,
    /// `.spec.replicas`, as the API server writes it.
    pub field: String,
}

impl Error {
    /// For conditions, events and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "NotFound",
            Self::UnknownKind(_) => "UnknownKind",
            Self::AlreadyExists(_) => "AlreadyExists",
            Self::Conflict(_) => "Conflict",
            Self::Forbidden(_) => "Forbidden",
            Self::Unauthorized(_) => "Unauthorized",
            Self::Invalid(_) => "Invalid",
            Self::Unavailable { .. } => "Unavailable",
            Self::NotLeader => "NotLeader",
            Self::Malformed(_) => "MalformedAnswer",
        }
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        // Tokens are renewed while the host runs.
        matches!(self, Self::Unavailable { .. } | Self::UnknownKind(_) | Self::Unauthorized(_) | Self::Malformed(_))
    }

    /// How long to stay away, if the API server said.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::Unavailable { message: message.into(), retry_after: None }
    }
}

/// Without [`Error::UnknownKind`], which only the caller can tell.
impl From<kube::Error> for Error {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::from(*status),
            kube::Error::SerdeError(error) => Self::Malformed(error.to_string()),
            other => Self::unavailable(other.to_string()),
        }
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        let message = if status.message.is_empty() {
            format!("the API server answered {}", status.code)
        } else {
            status.message.clone()
        };
        match status.code {
            404 => Self::NotFound(message),
            409 if status.reason == "AlreadyExists" => Self::AlreadyExists(message),
            409 => Self::Conflict(Clash { message, owners: owners(&status) }),
            422 if means_another_object(&status) => Self::Conflict(Clash { message, owners: Vec::new() }),
            401 => Self::Unauthorized(message),
            403 => Self::Forbidden(message),
            408 | 410 | 429 | 500.. => {
                let seconds = status.details.map_or(0, |details| details.retry_after_seconds);
                let retry_after = (seconds > 0).then(|| Duration::from_secs(seconds.into()));
                Self::Unavailable { message, retry_after }
            }
            _ => Self::Invalid(message),
        }
    }
}

/// A patch named a uid, and another object has the name by now: a PUT would be answered with a conflict.
fn means_another_object(status: &Status) -> bool {
    let mut causes = status.details.iter().flat_map(|details| &details.causes);
    causes.any(|cause| cause.field == "metadata.uid" && cause.message.ends_with("field is immutable"))
}

/// The manager stands nowhere but in the text of a cause: `conflict with "kubectl" using v1`.
fn owners(status: &Status) -> Vec<FieldOwner> {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let conflicts = causes.filter(|cause| cause.reason == "FieldManagerConflict");
    conflicts
        .map(|cause| FieldOwner {
            manager: cause.message.split('"').nth(1).unwrap_or(&cause.message).to_owned(),
            field: cause.field.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn error(status: serde_json::Value) -> Error {
        serde_json::from_value::<Status>(status).unwrap().into()
    }

    #[test]
    fn a_patch_of_an_object_that_was_replaced_is_a_conflict() {
        let cause = |field: &str| json!({"reason": "FieldValueInvalid", "message": "Invalid value: \"u\": field is immutable", "field": field});
        let answer = |cause: serde_json::Value| {
            error(json!({"code": 422, "reason": "Invalid", "message": "is invalid", "details": {"causes": [cause]}}))
        };
        assert!(matches!(answer(cause("metadata.uid")), Error::Conflict(_)));
        assert!(matches!(answer(cause("spec.selector")), Error::Invalid(_)));
    }

    #[test]
    fn owners_of_fields_are_told() {
        let found = error(json!({
            "code": 409, "reason": "Conflict", "message": "Apply failed with 1 conflict: conflict with \"a\": .spec.size",
            "details": {"causes": [{"reason": "FieldManagerConflict", "message": "conflict with \"a\" using v1", "field": ".spec.size"}]},
        }));
        let Error::Conflict(clash) = found else { panic!("{found:?}") };
        assert_eq!(clash.owners, [FieldOwner { manager: "a".into(), field: ".spec.size".into() }]);
    }

    #[test]
    fn codes_decide() {
        for (code, reason, expected) in [
            (404, "NotFound", "NotFound"),
            (409, "AlreadyExists", "AlreadyExists"),
            (409, "Conflict", "Conflict"),
            (403, "Forbidden", "Forbidden"),
            (401, "Unauthorized", "Unauthorized"),
            (422, "Invalid", "Invalid"),
            (400, "BadRequest", "Invalid"),
            (503, "ServiceUnavailable", "Unavailable"),
        ] {
            assert_eq!(error(json!({"code": code, "reason": reason, "message": "m"})).reason(), expected);
        }
    }

    #[test]
    fn the_server_says_when_to_come_again() {
        let found = error(json!({"code": 429, "message": "m", "details": {"retryAfterSeconds": 7}}));
        assert_eq!(found, Error::Unavailable { message: "m".into(), retry_after: Some(Duration::from_secs(7)) });
    }
}
