//! The requests for one `Lease`.

use std::{fmt, time::Duration};

use capstan_api::{GroupVersionKind, ObjectKey};
use http::Method;
use kube::core::ApiResource;
use serde_json::Value;
use tokio::time::timeout;

use super::{LeaseError, record::Record};
use crate::{
    Error, Object, Resource,
    request::{self, Body, Outgoing, Terms},
    transport::Transport,
};

/// Reads and writes one `Lease`, with the verbs that roles for leader election give: get, create and update.
pub(super) struct Requests {
    /// With slots of its own: a renewal must not wait in line behind the requests that need it.
    transport: Transport,
    kind: GroupVersionKind,
    key: ObjectKey,
    collection: String,
    item: String,
    timeout: Duration,
}

impl Requests {
    /// `timeout` is for each of them.
    pub(super) fn new(transport: &Transport, key: ObjectKey, timeout: Duration) -> Result<Self, Error> {
        let kind = GroupVersionKind::gvk("coordination.k8s.io", "v1", "Lease");
        // Known without asking, so that there is one thing less to fail.
        let resource = Resource { api: ApiResource::from_gvk_with_plural(&kind, "leases"), namespaced: true };
        let collection = resource.collection(key.namespace.as_deref())?;
        let item = resource.item(&key)?;
        // As many slots as there can be tasks with the same lease.
        Ok(Self { transport: transport.with_slots(2), kind, key, collection, item, timeout })
    }

    pub(super) fn key(&self) -> &ObjectKey {
        &self.key
    }

    /// `None` if it does not exist.
    pub(super) async fn get(&self) -> Result<Option<Record>, LeaseError> {
        match self.send("get", Method::GET, &self.item, None).await {
            Ok(record) => Ok(Some(record)),
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(self.failed("get", error)),
        }
    }

    pub(super) async fn create(&self, body: &Value) -> Result<Record, LeaseError> {
        self.send("create", Method::POST, &self.collection, Some(body)).await.map_err(|error| match error {
            Error::NotFound(_) => LeaseError::NamespaceMissing(self.key.clone()),
            error => self.failed("create", error),
        })
    }

    /// Refused if it is not the newest.
    pub(super) async fn update(&self, body: &Value) -> Result<Record, LeaseError> {
        self.send("update", Method::PUT, &self.item, Some(body)).await.map_err(|error| match error {
            Error::NotFound(_) => LeaseError::Deleted,
            error => self.failed("update", error),
        })
    }

    fn failed(&self, verb: &'static str, error: Error) -> LeaseError {
        match error {
            Error::Conflict(_) | Error::AlreadyExists(_) => LeaseError::Contended,
            Error::Forbidden(message) => LeaseError::RightMissing { verb, lease: self.key.clone(), message },
            error => error.into(),
        }
    }

    async fn send(
        &self,
        verb: &'static str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Record, Error> {
        let body = body.map(|body| Body { content_type: "application/json", bytes: body.to_string().into_bytes() });
        // Without a fence: these are the requests that open it.
        let terms = Terms::default();
        let outgoing = Outgoing { verb, method, path_and_query: path, body };
        let sent = request::send(&self.transport, &terms, &self.kind, outgoing);
        let text = timeout(self.timeout, sent)
            .await
            .map_err(|_| Error::unavailable(format!("no answer from the API server within {:?}", self.timeout)))??;
        let malformed = |error: &dyn fmt::Display| Error::Malformed(error.to_string());
        let object = Object::parse(&text, None).map_err(|error| malformed(&error))?;
        Record::of(&object).map_err(|error| malformed(&error))
    }
}

impl fmt::Display for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)
    }
}
