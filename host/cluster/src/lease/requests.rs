//! The requests for the host's `Lease`s.

use std::time::Duration;

use capstan_api::{GroupVersionKind, ObjectKey};
use http::Method;
use kube::core::ApiResource;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{LeaseError, record::SORT_LABEL};
use crate::{
    Error, Object, Resource, Selection,
    request::{self, Body, Outgoing, Terms},
    transport::Transport,
};

/// Reads and writes the Leases of one namespace.
pub(super) struct Requests {
    /// With slots of its own: a renewal must not wait in line behind the requests that need it.
    transport: Transport,
    resource: Resource,
    namespace: String,
    timeout: Duration,
}

/// All Leases that replicas in this namespace share.
pub(super) fn selection(namespace: &str) -> Selection {
    Selection { kind: kind(), namespace: Some(namespace.to_owned()), labels: Some(SORT_LABEL.to_owned()), name: None }
}

fn kind() -> GroupVersionKind {
    GroupVersionKind::gvk("coordination.k8s.io", "v1", "Lease")
}

impl Requests {
    /// `timeout` is for each of them.
    pub(super) fn new(transport: &Transport, namespace: &str, timeout: Duration) -> Result<Self, Error> {
        // Known without asking, so that there is one thing less to fail.
        let api = ApiResource::from_gvk_with_plural(&kind(), "leases");
        let resource = Resource { api, namespaced: true, subresources: Vec::new() };
        resource.collection(Some(namespace))?;
        // One for the renewal, one for the rest.
        Ok(Self { transport: transport.with_slots(2), resource, namespace: namespace.to_owned(), timeout })
    }

    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// `None` if it does not exist.
    pub(super) async fn get(&self, name: &str) -> Result<Option<Object>, LeaseError> {
        match self.send("get", Method::GET, &self.item(name)?, None).await {
            Ok(lease) => Ok(Some(lease)),
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(self.failed("get", name, error)),
        }
    }

    pub(super) async fn create(&self, body: &Value) -> Result<Object, LeaseError> {
        let name = body["metadata"]["name"].as_str().unwrap_or_default();
        let path = self.resource.collection(Some(&self.namespace))?;
        self.send("create", Method::POST, &path, Some(body)).await.map_err(|error| match error {
            Error::NotFound(_) => LeaseError::NamespaceMissing(self.key(name)),
            error => self.failed("create", name, error),
        })
    }

    /// Refused if it is not the newest.
    pub(super) async fn update(&self, body: &Value) -> Result<Object, LeaseError> {
        let name = body["metadata"]["name"].as_str().unwrap_or_default();
        self.send("update", Method::PUT, &self.item(name)?, Some(body)).await.map_err(|error| match error {
            Error::NotFound(_) => LeaseError::Deleted,
            error => self.failed("update", name, error),
        })
    }

    /// Refused if it is not the newest. One that is gone already is fine.
    pub(super) async fn delete(&self, name: &str, resource_version: &str) -> Result<(), LeaseError> {
        let body = json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"resourceVersion": resource_version},
        });
        match self.text("delete", Method::DELETE, &self.item(name)?, Some(&body)).await {
            Ok(_) | Err(Error::NotFound(_)) => Ok(()),
            Err(error) => Err(self.failed("delete", name, error)),
        }
    }

    fn key(&self, name: &str) -> ObjectKey {
        ObjectKey::namespaced(self.namespace.as_str(), name)
    }

    fn item(&self, name: &str) -> Result<String, Error> {
        self.resource.item(&self.key(name))
    }

    fn failed(&self, verb: &'static str, name: &str, error: Error) -> LeaseError {
        match error {
            Error::Conflict(_) | Error::AlreadyExists(_) => LeaseError::Contended,
            Error::Forbidden(message) => LeaseError::RightMissing { verb, lease: self.key(name), message },
            error => error.into(),
        }
    }

    async fn send(
        &self,
        verb: &'static str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Object, Error> {
        let text = self.text(verb, method, path, body).await?;
        Object::parse(&text, None).map_err(|error| Error::Malformed(error.to_string()))
    }

    async fn text(
        &self,
        verb: &'static str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<String, Error> {
        let body = body.map(|body| Body { content_type: "application/json", bytes: body.to_string().into_bytes() });
        // Without a fence: these are the requests that open it.
        let (terms, kind) = (Terms::default(), kind());
        let sent = request::send(&self.transport, &terms, &kind, Outgoing::write(verb, method, path, body));
        let late = || Error::unavailable(format!("no answer from the API server within {:?}", self.timeout));
        Ok(timeout(self.timeout, sent).await.map_err(|_| late())??)
    }
}
