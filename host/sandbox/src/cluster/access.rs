//! What one session does to the cluster.

use std::sync::Arc;

use capstan_api::{GroupVersionKind, ObjectRef, Verb};
use capstan_cluster::{Clash, Cluster, Error as ClusterError, Manner, Object, Patch, Selection, Watches};
use capstan_engine::{Read, Reads, Seen};

use super::{body, names};
use crate::{
    bindings::capstan::provider::{
        cluster::{Error, PatchKind, PatchOptions, Selection as RawSelection},
        types::ObjectRef as RawRef,
    },
    counts::Counters,
    gate::{Granted, Permit, Place, Request},
};

/// The cluster, as one session may use it.
pub(crate) struct Access {
    pub(crate) cluster: Cluster,
    pub(crate) watches: Watches,
    pub(crate) granted: Arc<Granted>,
    pub(crate) reads: Arc<Reads>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) provider: Arc<str>,
    /// The field manager of patches.
    pub(crate) manager: String,
    /// Requests that may still be made, and how many they were.
    pub(crate) requests: (u32, u32),
}

/// Ends a call into the guest: it made more requests than it may.
#[derive(Debug, thiserror::Error)]
#[error("more than {0} requests in one reconcile")]
pub(crate) struct RequestsExhausted(pub(crate) u32);

/// Subresources that the contract knows. They are granted with their object.
const SUBRESOURCES: [&str; 2] = ["status", "scale"];

/// Each becomes a watch that stays as long as the object. A list counts as one, however long.
pub(super) const READS: usize = 64;

impl Access {
    /// Requests so far.
    pub(crate) fn used(&self) -> u32 {
        let (left, limit) = self.requests;
        limit - left
    }

    /// Takes one request off what is left.
    pub(crate) fn spend(&mut self) -> Result<&mut Self, RequestsExhausted> {
        let (left, limit) = &mut self.requests;
        *left = left.checked_sub(1).ok_or(RequestsExhausted(*limit))?;
        Ok(self)
    }

    pub(super) async fn read(&self, target: RawRef) -> Result<String, Error> {
        let target = names::target(target)?;
        let permit = self.permit(Verb::Get, &target.kind, Place::Object(&target.key))?;
        let read = Read::Object(target.clone());
        self.note(read.clone())?;
        let object = match self.watches.cached(&target) {
            Some(object) => object,
            None => self.answered(&read, self.fetch(&target).await)?,
        };
        self.saw(&target, &object);
        if !holds(&permit, &object) {
            return Err(not_found(&target));
        }
        Ok(object.json().to_owned())
    }

    pub(super) async fn list(&self, selection: RawSelection) -> Result<Vec<String>, Error> {
        let kind = names::kind(&selection.kind.api_version, &selection.kind.kind)?;
        if let Some(namespace) = &selection.namespace {
            names::check("namespace", namespace)?;
        }
        let permit = self.permit(Verb::List, &kind, Place::All(selection.namespace.as_deref()))?;
        // Narrowed by the API server where that can be said, so that the watch that follows is as narrow. What decides is
        // the check of each object below.
        let labels: Vec<String> =
            selection.labels.into_iter().filter(|labels| !labels.is_empty()).chain(permit.selector()).collect();
        let labels = (!labels.is_empty()).then(|| labels.join(","));
        let read = Read::List { kind: kind.clone(), namespace: selection.namespace.clone(), labels: labels.clone() };
        self.note(read.clone())?;
        let selection = Selection { kind, namespace: selection.namespace, labels, name: None };
        let objects = self.answered(&read, self.cluster.list(&selection).await)?;
        Ok(objects.iter().filter(|object| holds(&permit, object)).map(|object| object.json().to_owned()).collect())
    }

    /// Every thing that is read is watched afterwards, so there is a bound to how many.
    fn note(&self, read: Read) -> Result<(), Error> {
        if !self.reads.admits(&read, READS) {
            return Err(Error::Invalid(format!(
                "more than {READS} different objects and lists are read for one object: list them by a selector instead"
            )));
        }
        self.reads.record(read);
        Ok(())
    }

    pub(super) async fn create(&self, text: &str) -> Result<String, Error> {
        let (target, body) = body::object(text)?;
        let permit = self.permit(Verb::Create, &target.kind, Place::Object(&target.key))?;
        self.must_label(&permit, &body, &target)?;
        let object = self.cluster.create(&body).await?;
        Ok(self.written(&target, &object, body::content(&body)))
    }

    pub(super) async fn patch(
        &self,
        target: RawRef,
        kind: PatchKind,
        text: &str,
        options: &PatchOptions,
    ) -> Result<String, Error> {
        let target = names::target(target)?;
        let subresource = options.subresource.as_deref();
        if let Some(unknown) = subresource.filter(|name| !SUBRESOURCES.contains(name)) {
            let unknown = crate::text::cut(unknown, 64).escape_debug().to_string();
            return Err(Error::Invalid(format!("`{unknown}` is no subresource to patch: status and scale are")));
        }
        let mut body = body::patch(kind, text, &target)?;
        let place = Place::Object(&target.key);
        let patch = self.permit(Verb::Patch, &target.kind, place)?;
        // An apply makes what is not there, unless it says which object it means.
        let makes = kind == PatchKind::Apply && !body::names_uid(&body);
        let create = if makes { Some(self.permit(Verb::Create, &target.kind, place)?) } else { None };
        let delete = if body::changes_owners(&body) { Some(self.permit_owners(&target)?) } else { None };
        let permits = [Some(&patch), create.as_ref(), delete.as_ref()];
        if permits.into_iter().flatten().any(Permit::is_conditional) {
            let held = |object: &Object| {
                [Some(&patch), delete.as_ref()].into_iter().flatten().all(|permit| holds(permit, object))
            };
            match (self.cluster.get(&target).await, create) {
                (Ok(object), _) if held(&object) => body::pin(kind, &mut body, object.uid())?,
                (Ok(_), _) => return Err(not_found(&target)),
                (Err(ClusterError::NotFound(_)), Some(create)) => self.must_label(&create, &body, &target)?,
                (Err(error), _) => return Err(missing(error, &target)),
            }
        }
        let patch = |force: bool| match kind {
            PatchKind::Apply => Patch::Apply { body: &body, manager: &self.manager, force },
            PatchKind::Merge => Patch::Merge(&body),
            PatchKind::Json => Patch::Json(&body),
        };
        let manner = Manner { manager: Some(&self.manager), dry_run: options.dry_run };
        let send = |force| self.cluster.patch_in(&target, subresource, patch(force), manner);
        let object = match send(options.force).await {
            // Its own patches are another manager to the API server than its applies, and no one to ask.
            Err(ClusterError::Conflict(clash)) if self.owns(&clash) => send(true).await?,
            answer => answer.map_err(|error| self.without_own(error))?,
        };
        if options.dry_run {
            return Ok(object.json().to_owned());
        }
        Ok(self.written(&target, &object, body::content(&body)))
    }

    /// Whether the fields that are in the way of an apply belong to the object's own patches alone.
    fn owns(&self, clash: &Clash) -> bool {
        !clash.owners.is_empty() && clash.owners.iter().all(|owner| owner.manager == self.manager)
    }

    fn without_own(&self, mut error: ClusterError) -> ClusterError {
        if let ClusterError::Conflict(clash) = &mut error {
            clash.owners.retain(|owner| owner.manager != self.manager);
        }
        error
    }

    pub(super) async fn delete(&self, target: RawRef) -> Result<(), Error> {
        let target = names::target(target)?;
        let permit = self.permit(Verb::Delete, &target.kind, Place::Object(&target.key))?;
        let mut uid = None;
        if permit.is_conditional() {
            let object = self.cluster.get(&target).await.map_err(|error| missing(error, &target))?;
            if !holds(&permit, &object) {
                return Err(not_found(&target));
            }
            uid = Some(object.uid().to_owned());
        }
        self.cluster.delete(&target, uid.as_deref()).await?;
        // If a finalizer keeps it for a while, that it is still there is news.
        self.reads.saw(&target, Seen::Absent);
        Ok(())
    }

    async fn fetch(&self, target: &ObjectRef) -> Result<Object, Error> {
        let answer = self.cluster.get(target).await;
        if let Err(ClusterError::NotFound(_)) = answer {
            self.reads.saw(target, Seen::Absent);
        }
        answer.map_err(|error| missing(error, target))
    }

    /// What cannot be asked, as it is in a namespace and its kind is not or the other way round, is not watched either.
    fn answered<T, E: Into<Error>>(&self, read: &Read, answer: Result<T, E>) -> Result<T, Error> {
        let answer = answer.map_err(Into::into);
        if let Err(Error::Invalid(_)) = answer {
            self.reads.strike(read);
        }
        answer
    }

    fn saw(&self, target: &ObjectRef, object: &Object) {
        self.reads.saw(target, Seen::Version(object.resource_version().into()));
    }

    fn permit(&self, verb: Verb, kind: &GroupVersionKind, place: Place<'_>) -> Result<Permit, Error> {
        self.granted.decide(&Request { verb, kind, place }).map_err(|denied| {
            self.counters.denied();
            tracing::warn!(provider = self.provider.as_ref(), "{denied}");
            denied.into()
        })
    }

    /// Whoever says whose an object is can have it deleted, by naming an owner that there is not.
    fn permit_owners(&self, target: &ObjectRef) -> Result<Permit, Error> {
        self.permit(Verb::Delete, &target.kind, Place::Object(&target.key)).map_err(|error| match error {
            Error::Denied(text) => Error::Denied(format!("owner references are changed by who may delete: {text}")),
            other => other,
        })
    }

    /// What is made must fall under the grant that it is made by.
    fn must_label(&self, permit: &Permit, body: &serde_json::Value, target: &ObjectRef) -> Result<(), Error> {
        if permit.covers(&body::labels(body)) {
            return Ok(());
        }
        self.counters.denied();
        let wanted = permit.selector().unwrap_or_else(|| "those of one of the grants".to_owned());
        let text = format!("create of {target} without the labels that the grant asks for: {wanted}");
        tracing::warn!(provider = self.provider.as_ref(), "{text}");
        Err(Error::Denied(text))
    }

    /// An object after a write of ours: everybody in this process knows it from now on.
    fn written(&self, target: &ObjectRef, object: &Object, content: u64) -> String {
        // A scale is an object of its own kind, and no state of the target.
        if *object.kind() == target.kind {
            self.watches.remember(object);
            self.reads.wrote(target, object.resource_version(), content);
        }
        object.json().to_owned()
    }
}

fn holds(permit: &Permit, object: &Object) -> bool {
    !permit.is_conditional() || permit.covers(&object.labels())
}

/// The same words for what is not there and for what the labels of a grant leave out, so that nobody can tell them apart.
fn not_found(target: &ObjectRef) -> Error {
    Error::NotFound(format!("{target} does not exist"))
}

fn missing(error: ClusterError, target: &ObjectRef) -> Error {
    match error {
        ClusterError::NotFound(_) => not_found(target),
        other => other.into(),
    }
}
