//! Reviews: what may I do, and who am I? There are no users and no roles in force here, so that everything is allowed, and whoever
//! says in whose name he asks is taken at his word.

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, request::Parts};
use serde_json::{Value, json};

use super::{body, media_type, response};
use crate::request::path::Address;
use crate::status::Refusal;

/// A kind of review. Reviews are answered and not stored: `create` is their only verb.
#[derive(Debug)]
pub(crate) struct Review {
    pub(crate) group: &'static str,
    pub(crate) kind: &'static str,
    /// In lower case.
    pub(crate) singular: &'static str,
    pub(crate) plural: &'static str,
    status: fn(&HeaderMap) -> Value,
}

/// The version of all reviews.
pub(crate) const VERSION: &str = "v1";

/// All reviews, those of one group side by side.
pub(crate) const REVIEWS: &[Review] = &[
    Review {
        group: "authentication.k8s.io",
        kind: "SelfSubjectReview",
        singular: "selfsubjectreview",
        plural: "selfsubjectreviews",
        status: |headers| json!({"userInfo": user(headers)}),
    },
    Review {
        group: "authorization.k8s.io",
        kind: "SelfSubjectAccessReview",
        singular: "selfsubjectaccessreview",
        plural: "selfsubjectaccessreviews",
        status: |_| json!({"allowed": true, "reason": "this cluster has no authorization"}),
    },
    Review {
        group: "authorization.k8s.io",
        kind: "SelfSubjectRulesReview",
        singular: "selfsubjectrulesreview",
        plural: "selfsubjectrulesreviews",
        status: |_| {
            json!({
                "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
                "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
                "incomplete": false,
            })
        },
    },
];

/// The review that an address stands for.
pub(super) fn find(address: &Address) -> Option<&'static Review> {
    let group_version = &address.group_version;
    let is_it = |review: &&Review| {
        group_version.group == review.group && group_version.version == VERSION && address.plural == review.plural
    };
    REVIEWS.iter().find(is_it)
}

/// Answers a review with the truth about this server, whatever it asks in particular.
pub(super) fn answer(review: &Review, parts: &Parts, bytes: &Bytes) -> Result<Response, Refusal> {
    if parts.method != Method::POST {
        return Err(Refusal::method_not_allowed());
    }
    let mut value = body::review(media_type(&parts.headers), bytes, review.kind)?.value;
    if !value.is_object() || value.get("kind").is_some_and(|kind| kind != review.kind) {
        let message = format!("the object provided is unrecognized (must be of type {})", review.kind);
        return Err(Refusal::bad_request(message));
    }
    value["kind"] = review.kind.into();
    value["apiVersion"] = format!("{}/{VERSION}", review.group).into();
    value["status"] = (review.status)(&parts.headers);
    Ok(response::json(StatusCode::CREATED, &value))
}

/// Who asks, as Kubernetes would have it of somebody who may impersonate everybody.
fn user(headers: &HeaderMap) -> Value {
    let said = |name: &'static str| headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    let Some(user) = said("impersonate-user").next().filter(|user| !user.is_empty()) else {
        // Who Kubernetes takes a request for that does not say who sends it.
        return json!({"username": "system:anonymous", "groups": ["system:unauthenticated"]});
    };
    let mut groups: Vec<String> = said("impersonate-group").map(str::to_owned).collect();
    let of_service_account = user.strip_prefix("system:serviceaccount:").and_then(|names| names.split_once(':'));
    if let Some((namespace, _)) = of_service_account.filter(|_| groups.is_empty()) {
        groups = vec!["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")];
    }
    if !groups.iter().any(|group| matches!(group.as_str(), "system:authenticated" | "system:unauthenticated")) {
        groups.push("system:authenticated".to_owned());
    }
    json!({"username": user, "groups": groups})
}
