//! Refusals: what the API server answers when it does not do what it was asked.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::field_error::FieldError;
use crate::resource::{Resource, qualify};

/// The machine-readable `reason` of a `Status` object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    AlreadyExists,
    BadRequest,
    Conflict,
    Expired,
    Forbidden,
    InternalError,
    Invalid,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    RequestEntityTooLarge,
    Timeout,
    UnsupportedMediaType,
}

impl Reason {
    fn as_str(self) -> &'static str {
        match self {
            Self::AlreadyExists => "AlreadyExists",
            Self::BadRequest => "BadRequest",
            Self::Conflict => "Conflict",
            Self::Expired => "Expired",
            Self::Forbidden => "Forbidden",
            Self::InternalError => "InternalError",
            Self::Invalid => "Invalid",
            Self::MethodNotAllowed => "MethodNotAllowed",
            Self::NotAcceptable => "NotAcceptable",
            Self::NotFound => "NotFound",
            Self::RequestEntityTooLarge => "RequestEntityTooLarge",
            Self::Timeout => "Timeout",
            Self::UnsupportedMediaType => "UnsupportedMediaType",
        }
    }

    fn code(self) -> StatusCode {
        match self {
            Self::AlreadyExists | Self::Conflict => StatusCode::CONFLICT,
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Expired => StatusCode::GONE,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::RequestEntityTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }
}

/// A refused request. Boxed: refusals are rare and results travel by value.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.message)]
pub(crate) struct Refusal(Box<Content>);

#[derive(Debug)]
struct Content {
    code: StatusCode,
    reason: Option<Reason>,
    message: String,
    details: Option<Value>,
    continue_token: Option<String>,
    /// Answered as `404 page not found` in plain text, as for a path that no handler serves.
    page_not_found: bool,
    warnings: Vec<String>,
}

impl Refusal {
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self(Box::new(Content {
            code: reason.code(),
            reason: Some(reason),
            message: message.into(),
            details: None,
            continue_token: None,
            page_not_found: false,
            warnings: Vec::new(),
        }))
    }

    /// A 500 without a `reason`: how Kubernetes reports an error that carries no status of its own.
    pub(crate) fn unclassified(message: impl Into<String>) -> Self {
        let mut refusal = Self::new(Reason::InternalError, message);
        refusal.0.reason = None;
        refusal
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(Reason::BadRequest, message)
    }

    pub(crate) fn page_not_found() -> Self {
        let mut refusal = Self::new(Reason::NotFound, "404 page not found");
        refusal.0.page_not_found = true;
        refusal
    }

    /// No route of a served API version fits the path.
    pub(crate) fn no_such_resource() -> Self {
        Self::new(Reason::NotFound, "the server could not find the requested resource").with_details(json!({}))
    }

    /// There is a route, but not for the method of the request.
    pub(crate) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(Reason::MethodNotAllowed, message).with_details(json!({}))
    }

    /// A custom resource is asked for something that it does not do, such as the deletion of its status.
    pub(crate) fn verb_not_supported(resource: &Resource, verb: &str) -> Self {
        let message = format!("{verb} is not supported on resources of kind \"{}\"", resource.qualified());
        Self::new(Reason::MethodNotAllowed, message).with_details(resource_details(resource, ""))
    }

    pub(crate) fn not_found(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", resource.qualified());
        Self::new(Reason::NotFound, message).with_details(resource_details(resource, name))
    }

    pub(crate) fn already_exists(resource: &Resource, name: &str, deleting: bool) -> Self {
        let prefix = if deleting { "object is being deleted: " } else { "" };
        let message = format!("{prefix}{} \"{name}\" already exists", resource.qualified());
        Self::new(Reason::AlreadyExists, message).with_details(resource_details(resource, name))
    }

    /// The optimistic lock failed: the caller's resourceVersion is not the current one.
    pub(crate) fn modified(resource: &Resource, name: &str) -> Self {
        let cause = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(resource, name, cause)
    }

    pub(crate) fn conflict(resource: &Resource, name: &str, cause: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {cause}", resource.qualified());
        Self::new(Reason::Conflict, message).with_details(resource_details(resource, name))
    }

    /// A `DeleteOptions` precondition failed. Unlike other conflicts, this one names the kind.
    pub(crate) fn precondition(resource: &Resource, name: &str, cause: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {cause}", resource.qualified_kind());
        Self::new(Reason::Conflict, message).with_details(kind_details(resource, name))
    }

    pub(crate) fn forbidden(resource: &Resource, name: &str, cause: &str) -> Self {
        let message = format!("{} \"{name}\" is forbidden: {cause}", resource.qualified());
        Self::new(Reason::Forbidden, message).with_details(resource_details(resource, name))
    }

    pub(crate) fn invalid(resource: &Resource, name: &str, errors: &[FieldError]) -> Self {
        Self::invalid_as(&resource.qualified_kind(), kind_details(resource, name), name, errors)
    }

    /// The body is of another kind than the path says. What is built in cannot even read it.
    pub(crate) fn wrong_kind(resource: &Resource, name: &str, found: &str, detail: &str) -> Self {
        if !resource.is_custom() {
            let (kind, version) = (&resource.kind, &resource.group_version.version);
            let cause = format!("it is of another kind: {detail}");
            return Self::bad_request(format!(
                "{found} in version \"{version}\" cannot be handled as a {kind}: {cause}"
            ));
        }
        let error = FieldError::invalid("kind", &json!(found), detail);
        let details = details(name, &resource.storage_group, found);
        Self::invalid_as(&qualify(found, &resource.storage_group), details, name, &[error])
    }

    /// A patch makes of an object what cannot be read as one.
    pub(crate) fn unreadable_patched(patched: &Value, cause: &str) -> Self {
        let error = FieldError::invalid("patch", &json!(patched.to_string()), cause);
        Self::invalid_as("", json!({}), "", &[error])
    }

    /// As [`Refusal::invalid`], but naming the plural: the storage layer, not the validation, refused.
    pub(crate) fn invalid_resource(resource: &Resource, name: &str, errors: &[FieldError]) -> Self {
        Self::invalid_as(resource.qualified(), resource_details(resource, name), name, errors)
    }

    /// Invalid options of the request itself, such as `ListOptions`.
    pub(crate) fn invalid_options(kind: &str, errors: &[FieldError]) -> Self {
        let details = json!({"group": "meta.k8s.io", "kind": kind});
        Self::invalid_as(&format!("{kind}.meta.k8s.io"), details, "", errors)
    }

    /// A `Scale` that no object can have.
    pub(crate) fn invalid_scale(name: &str, error: FieldError) -> Self {
        Self::invalid_as("Scale.autoscaling", details(name, "autoscaling", "Scale"), name, &[error])
    }

    fn invalid_as(kind: &str, mut details: Value, name: &str, errors: &[FieldError]) -> Self {
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let list = if texts.len() == 1 { texts[0].clone() } else { format!("[{}]", texts.join(", ")) };
        details["causes"] = errors.iter().map(FieldError::cause).collect();
        Self::new(Reason::Invalid, format!("{kind} \"{name}\" is invalid: {list}")).with_details(details)
    }

    pub(crate) fn with_details(mut self, details: Value) -> Self {
        self.0.details = Some(details);
        self
    }

    pub(crate) fn with_cause(mut self, cause: Value) -> Self {
        let details = self.0.details.get_or_insert_with(|| json!({}));
        details["causes"] = Value::Array(vec![cause]);
        self
    }

    pub(crate) fn with_continue(mut self, token: String) -> Self {
        self.0.continue_token = Some(token);
        self
    }

    pub(crate) fn with_warnings(mut self, warnings: Vec<String>) -> Self {
        self.0.warnings = warnings;
        self
    }

    pub(crate) fn code(&self) -> StatusCode {
        self.0.code
    }

    pub(crate) fn is_page_not_found(&self) -> bool {
        self.0.page_not_found
    }

    pub(crate) fn warnings(&self) -> &[String] {
        &self.0.warnings
    }

    /// Seconds after which the client should try again, for the `Retry-After` header.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        self.0.details.as_ref()?.get("retryAfterSeconds")?.as_u64()
    }

    /// The `Status` object sent as body (or inside an `ERROR` event of a watch).
    pub(crate) fn to_status(&self) -> Value {
        let content = &*self.0;
        let mut status = Map::new();
        status.insert("kind".into(), "Status".into());
        status.insert("apiVersion".into(), "v1".into());
        let metadata = content.continue_token.as_ref().map_or_else(|| json!({}), |token| json!({"continue": token}));
        status.insert("metadata".into(), metadata);
        status.insert("status".into(), "Failure".into());
        status.insert("message".into(), content.message.clone().into());
        if let Some(reason) = content.reason {
            status.insert("reason".into(), reason.as_str().into());
        }
        if let Some(details) = &content.details {
            status.insert("details".into(), details.clone());
        }
        status.insert("code".into(), content.code.as_u16().into());
        Value::Object(status)
    }
}

/// The `Status` that answers a delete which took effect at once.
pub(crate) fn deleted(resource: &Resource, name: &str, uid: &str) -> Value {
    let mut details = resource_details(resource, name);
    details["uid"] = uid.into();
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

fn resource_details(resource: &Resource, name: &str) -> Value {
    details(name, &resource.storage_group, &resource.plural)
}

fn kind_details(resource: &Resource, name: &str) -> Value {
    details(name, &resource.storage_group, &resource.kind)
}

fn details(name: &str, group: &str, kind: &str) -> Value {
    let mut details = json!({"kind": kind});
    for (key, value) in [("name", name), ("group", group)] {
        if !value.is_empty() {
            details[key] = value.into();
        }
    }
    details
}
