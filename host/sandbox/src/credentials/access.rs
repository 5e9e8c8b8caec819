//! What one session does with secrets.

use std::sync::Arc;

use capstan_api::{GroupVersionKind, ObjectKey, ObjectRef};
use capstan_cluster::{Cluster, Error as ClusterError, Object, Watches};
use capstan_engine::{Read, Reads, Seen};
use wasmtime::component::{Resource, ResourceTable, ResourceTableError};

use super::{Handle, credential::Credential, scheme::Scheme, secret::Secret};
use crate::{
    bindings::capstan::provider::credentials::{self as wit, Error},
    cluster::RequestsExhausted,
    gate::{Granted, SecretKey},
    http::Egress,
};

/// Secrets, as one session may use them.
pub(crate) struct Access {
    pub(super) vault: Vault,
    handles: ResourceTable,
    /// Times that one may still be asked for, and how many they were.
    requests: (u32, u32),
}

/// Where they come from.
pub(crate) struct Vault {
    pub(crate) egress: Arc<Egress>,
    pub(crate) granted: Arc<Granted>,
    pub(crate) cluster: Cluster,
    pub(crate) watches: Watches,
    pub(crate) reads: Arc<Reads>,
    /// The namespace of the object being reconciled.
    pub(crate) home: Option<String>,
}

/// Handles at a time: a reconcile needs one or two.
const HANDLES: usize = 64;
/// Each becomes a watch that stays as long as the object, and counts with the other things that are read.
const READS: usize = 64;

impl Access {
    /// One may be asked for so many times.
    pub(crate) fn new(vault: Vault, requests: u32) -> Self {
        let mut handles = ResourceTable::new();
        handles.set_max_capacity(HANDLES);
        Self { vault, handles, requests: (requests, requests) }
    }

    /// Takes one off what is left.
    pub(super) fn spend(&mut self) -> Result<&mut Self, RequestsExhausted> {
        let (left, limit) = &mut self.requests;
        *left = left.checked_sub(1).ok_or(RequestsExhausted(*limit))?;
        Ok(self)
    }

    /// What a handle stands for.
    pub(crate) fn get(&self, handle: &Resource<Handle>) -> Result<Handle, ResourceTableError> {
        self.handles.get(handle).cloned()
    }

    pub(super) fn hold(&mut self, credential: Credential) -> Result<Resource<Handle>, ResourceTableError> {
        self.handles.push(Arc::new(credential))
    }

    pub(super) fn give_back(&mut self, handle: Resource<Handle>) -> Result<(), ResourceTableError> {
        self.handles.delete(handle).map(|_| ())
    }
}

impl Vault {
    pub(super) async fn open(&self, raw: wit::SecretKey, scheme: wit::Scheme) -> Result<Credential, Error> {
        let key = self.key(raw)?;
        let scheme = Scheme::checked(scheme).map_err(Error::Invalid)?;
        let decided = self.granted.decide_secret(&key, scheme.slot(), self.home.as_deref());
        let origins = decided.map_err(|denied| Error::Denied(self.egress.noted(denied).to_string()))?;
        if let Scheme::Exchange(exchange) = &scheme
            && !origins.contains(&exchange.origin)
        {
            let denied = crate::gate::Denied::elsewhere(&exchange.origin, &origins);
            return Err(Error::Denied(self.egress.noted(denied).to_string()));
        }
        let target = ObjectRef {
            kind: GroupVersionKind::gvk("", "v1", "Secret"),
            key: ObjectKey::namespaced(&key.namespace, &key.name),
        };
        let object = self.read(&target).await?;
        let secret = Secret::of(object.json(), &key.key);
        let secret = secret.ok_or_else(|| Error::NotFound(format!("{target} has no key `{}`", key.key)))?;
        let version = object.resource_version().to_owned();
        Credential::new(secret, version, scheme, origins, self.egress.network().fingerprint_key())
            .map_err(|problem| Error::Invalid(format!("{target}, key `{}`: {problem}", key.key)))
    }

    /// The names are put into paths of requests to the API server.
    fn key(&self, raw: wit::SecretKey) -> Result<SecretKey, Error> {
        let is_sound = |name: &str| {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            (1..=253).contains(&name.len()) && name.bytes().all(known) && !matches!(name, "." | "..")
        };
        let namespace = raw.namespace.or_else(|| self.home.clone()).ok_or_else(|| {
            Error::Invalid("the object is in no namespace: say in which one the Secret is".to_owned())
        })?;
        for (what, name) in [("namespace", &namespace), ("name of a Secret", &raw.name), ("key of a Secret", &raw.key)]
        {
            if !is_sound(name) {
                let name = crate::text::cut(name, 253).escape_debug().to_string();
                return Err(Error::Invalid(format!("`{name}` is no valid {what}")));
            }
        }
        Ok(SecretKey { namespace, name: raw.name, key: raw.key })
    }

    /// From a watch that covers it, which an earlier reconcile has made; otherwise from the API server. Written down
    /// either way: the object is reconciled again when the secret changes.
    async fn read(&self, target: &ObjectRef) -> Result<Object, Error> {
        let read = Read::Object(target.clone());
        if !self.reads.admits(&read, READS) {
            return Err(Error::Invalid(format!("more than {READS} different objects are read for one object")));
        }
        self.reads.record(read);
        let object = match self.watches.cached(target) {
            Some(object) => object,
            None => self.cluster.get(target).await.map_err(|error| match error {
                ClusterError::NotFound(_) => {
                    self.reads.saw(target, Seen::Absent);
                    Error::NotFound(format!("{target} does not exist"))
                }
                ClusterError::Forbidden(message) => Error::Denied(message),
                other => Error::Unavailable(other.to_string()),
            })?,
        };
        self.reads.saw(target, Seen::Version(object.resource_version().into()));
        Ok(object)
    }
}
