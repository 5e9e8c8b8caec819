//! Where bytes and texts of strangers come in, one function for each way, so that tests can throw anything at them.
//!
//! Behind the feature `fuzz`, which nothing has that ships.

use std::net::IpAddr;

use capstan_api::{GroupVersionKind, HttpMethod, ObjectKey, ObjectRef, Origin, Verb};
use http::{HeaderMap, Uri};
use serde_json::Value;
use url::Url;

pub use crate::bindings::capstan::provider::cluster::PatchKind;
use crate::{
    Descriptor, Granted, LoadError,
    bindings::capstan::provider::{cluster::Error, http::Request as RawRequest, types::ObjectRef as RawRef},
    bindings::exports::capstan::provider::describe,
    cluster::{body, names},
    gate, http as outside,
    inspect::{self, Shape},
};

/// Names of imports and of exports of a component that could be compiled.
pub fn inspect(bytes: &[u8], limit: usize) -> Result<(Vec<String>, Vec<String>), LoadError> {
    inspect::inspect(bytes, limit).map(|Shape { imports, exports }| (imports, exports))
}

/// The object that a guest names.
pub fn object_ref(api_version: &str, kind: &str, namespace: Option<&str>, name: &str) -> Result<ObjectRef, String> {
    let raw = RawRef {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
    };
    names::target(raw).map_err(told)
}

/// An object that a guest creates.
pub fn object(text: &str) -> Result<(ObjectRef, Value), String> {
    body::object(text).map_err(told)
}

/// What is sent as a guest's patch of an object.
pub fn patch(kind: PatchKind, text: &str, target: &ObjectRef) -> Result<Value, String> {
    body::patch(kind, text, target).map_err(told)
}

/// The same patch of the object with this uid alone.
pub fn pinned(kind: PatchKind, mut body: Value, uid: &str) -> Result<Value, String> {
    body::pin(kind, &mut body, uid).map(|()| body).map_err(told)
}

/// What a provider says of itself: its name, its version, and apiVersion and kind of the one kind that it manages. Empty
/// texts of the others are none.
pub fn described(words: [&str; 4], definition: &str, needs: &str, schema: &str) -> Result<Descriptor, String> {
    let [name, version, api_version, kind] = words.map(str::to_owned);
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let kind = describe::ObjectKind { api_version, kind };
    Descriptor::checked(describe::Descriptor {
        name,
        version,
        kinds: vec![describe::ManagedKind { kind, definition: text(definition), recoverable: false }],
        needs: needs.to_owned(),
        config_schema: text(schema),
    })
}

fn told(error: Error) -> String {
    match error {
        Error::Invalid(message) => message,
        other => format!("not said of a text: {other:?}"),
    }
}

/// A guest's request, as it is decided about and sent.
#[derive(Debug)]
pub struct Checked {
    /// Its method.
    pub method: HttpMethod,
    /// What is decided about.
    pub url: Url,
    /// What is sent.
    pub uri: Uri,
    /// Without those of the host.
    pub headers: HeaderMap,
}

/// A guest's request.
pub fn request(method: &str, url: &str, headers: Vec<(String, String)>) -> Result<Checked, String> {
    let mut raw = RawRequest {
        method: method.to_owned(),
        url: url.to_owned(),
        headers,
        body: None,
        timeout_ms: None,
        auth: None,
        body_secret: None,
    };
    let checked = outside::Checked::of(&mut raw).map_err(|failed| failed.to_string())?;
    let headers = checked.headers().clone();
    Ok(Checked { method: checked.kind, url: checked.url, uri: checked.uri, headers })
}

/// Whether something may be done to an object.
pub fn decide(granted: &Granted, verb: Verb, kind: &GroupVersionKind, key: &ObjectKey) -> Result<(), String> {
    let request = gate::Request { verb, kind, place: gate::Place::Object(key) };
    granted.decide(&request).map(drop).map_err(|denied| denied.to_string())
}

/// Whether a request may be sent, and to which origin.
pub fn decide_http(granted: &Granted, method: HttpMethod, url: &Url) -> Result<Origin, String> {
    granted.decide_http(method, url).map_err(|denied| denied.to_string())
}

/// Whether an address may be connected to: by everybody, or by who was granted private ones.
#[must_use]
pub fn may_connect(address: IpAddr, private: bool) -> bool {
    match outside::place(address, &[]) {
        outside::Place::Public => true,
        outside::Place::Private => private,
        outside::Place::Forbidden => false,
    }
}
