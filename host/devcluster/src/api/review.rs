//! Access reviews. There are no users and no roles in force here, so that everything is allowed.

use axum::response::Response;
use http::{Method, StatusCode};
use serde_json::json;

use super::{method_not_allowed, response};
use crate::request::body;
use crate::request::path::Address;
use crate::status::Refusal;

pub(crate) const GROUP: &str = "authorization.k8s.io";
pub(crate) const KIND: &str = "SelfSubjectAccessReview";
pub(crate) const PLURAL: &str = "selfsubjectaccessreviews";

pub(super) fn is_review(address: &Address) -> bool {
    let group_version = &address.group_version;
    group_version.group == GROUP && group_version.version == "v1" && address.plural == PLURAL
}

/// Answers "may I?" with yes, which is the truth here.
pub(super) fn allow(method: &Method, bytes: &[u8]) -> Result<Response, Refusal> {
    if *method != Method::POST {
        return Err(method_not_allowed());
    }
    let mut review = body::decode(bytes).map_err(Refusal::bad_request)?.value;
    if !review.is_object() {
        return Err(Refusal::bad_request("a review is an object"));
    }
    review["kind"] = KIND.into();
    review["apiVersion"] = format!("{GROUP}/v1").into();
    review["status"] = json!({"allowed": true, "reason": "this cluster has no authorization"});
    Ok(response::json(StatusCode::CREATED, &review))
}
