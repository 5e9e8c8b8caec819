//! Reviews: what may I do, and who am I? There are no users and no roles in force here, so that everything is allowed.

use axum::response::Response;
use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{body, response};
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
    status: fn() -> Value,
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
        // Who Kubernetes takes a request for that does not say who sends it.
        status: || json!({"userInfo": {"username": "system:anonymous", "groups": ["system:unauthenticated"]}}),
    },
    Review {
        group: "authorization.k8s.io",
        kind: "SelfSubjectAccessReview",
        singular: "selfsubjectaccessreview",
        plural: "selfsubjectaccessreviews",
        status: || json!({"allowed": true, "reason": "this cluster has no authorization"}),
    },
    Review {
        group: "authorization.k8s.io",
        kind: "SelfSubjectRulesReview",
        singular: "selfsubjectrulesreview",
        plural: "selfsubjectrulesreviews",
        status: || {
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
pub(super) fn answer(review: &Review, method: &Method, media_type: &str, bytes: &Bytes) -> Result<Response, Refusal> {
    if *method != Method::POST {
        return Err(Refusal::method_not_allowed());
    }
    let mut value = body::review(media_type, bytes, review.kind)?.value;
    if !value.is_object() || value.get("kind").is_some_and(|kind| kind != review.kind) {
        let message = format!("the object provided is unrecognized (must be of type {})", review.kind);
        return Err(Refusal::bad_request(message));
    }
    value["kind"] = review.kind.into();
    value["apiVersion"] = format!("{}/{VERSION}", review.group).into();
    value["status"] = (review.status)();
    Ok(response::json(StatusCode::CREATED, &value))
}
