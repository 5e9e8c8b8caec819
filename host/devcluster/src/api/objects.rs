//! Which operation a request about a resource is.

use axum::response::Response;
use http::Method;

use super::{ResourceRequest, read, scale, writes};
use crate::resource::Rules;
use crate::status::Refusal;
use crate::write::Part;

pub(super) fn answer(request: &ResourceRequest<'_>) -> Result<Response, Refusal> {
    match (&request.address.name, &request.address.subresource) {
        (None, _) => collection(request),
        (Some(name), None) => object(request, name, Part::Main),
        (Some(name), Some(subresource)) => match part(request, subresource) {
            Some(Part::Scale) => scale::answer(request, name),
            Some(part) => object(request, name, part),
            // As in Kubernetes, where custom resources are behind one handler and the others behind a route each.
            None if request.resource.is_custom() => Err(Refusal::not_found(&request.resource, name)),
            None => Err(Refusal::no_such_resource()),
        },
    }
}

fn part(request: &ResourceRequest<'_>, subresource: &str) -> Option<Part> {
    let resource = &request.resource;
    match subresource {
        "status" if resource.status => Some(Part::Status),
        "scale" if resource.scale.is_some() => Some(Part::Scale),
        "finalize" if resource.rules == Rules::Namespace && request.method == Method::PUT => Some(Part::Finalize),
        _ => None,
    }
}

fn collection(request: &ResourceRequest<'_>) -> Result<Response, Refusal> {
    let everywhere = request.resource.namespaced && request.address.namespace.is_none();
    match request.method {
        Method::GET if request.query.is_watch() => read::watch(request),
        Method::GET => read::list(request),
        Method::POST if !everywhere => writes::create(request),
        Method::DELETE if !everywhere && request.resource.rules != Rules::Namespace => {
            writes::delete_collection(request)
        }
        Method::PATCH | Method::PUT if request.resource.is_custom() => {
            Err(Refusal::bad_request("name must be provided"))
        }
        _ => Err(not_allowed(request)),
    }
}

fn object(request: &ResourceRequest<'_>, name: &str, part: Part) -> Result<Response, Refusal> {
    if request.resource.namespaced && request.address.namespace.is_none() {
        return Err(Refusal::no_such_resource());
    }
    match (&request.method, part) {
        (&Method::GET, Part::Main | Part::Status) => read::get(request, name),
        (&Method::PUT, _) => writes::update(request, name, part),
        (&Method::PATCH, Part::Main | Part::Status) => writes::patch(request, name, part),
        (&Method::DELETE, Part::Main) => writes::delete(request, name),
        _ => Err(not_allowed(request)),
    }
}

/// The refusal of a method. The one handler of custom resources says what it was asked for.
pub(super) fn not_allowed(request: &ResourceRequest<'_>) -> Refusal {
    let verb = match request.method {
        _ if !request.resource.is_custom() => return Refusal::method_not_allowed(),
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if request.address.name.is_none() => "deletecollection",
        Method::DELETE => "delete",
        _ => return Refusal::method_not_allowed(),
    };
    Refusal::verb_not_supported(&request.resource, verb)
}
