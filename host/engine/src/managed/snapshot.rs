//! What the lifecycle reads of a managed object.

use std::time::Duration;

use capstan_api::{Allowed, DeletionPolicy, ManagementPolicy, Policies, keys};
use capstan_cluster::Object;
use serde_json::{Value, json};

use super::{
    annotations::CreateRecord,
    metadata::Metadata,
    poll::{self, InvalidInterval, PollLimits},
};

/// One state of a managed object, taken apart.
#[derive(Clone)]
pub(crate) struct Snapshot {
    object: Object,
    metadata: Metadata,
    spec: Value,
    status: Value,
}

impl Snapshot {
    pub(crate) fn of(object: Object) -> Self {
        let mut value = object.value();
        let mut member = |name: &str| value.get_mut(name).map(Value::take).unwrap_or_default();
        // The API server does not store metadata of another shape.
        let metadata = serde_json::from_value(member("metadata")).unwrap_or_default();
        Self { metadata, spec: member("spec"), status: member("status"), object }
    }

    pub(crate) fn object(&self) -> &Object {
        &self.object
    }

    pub(crate) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    pub(crate) fn spec(&self) -> &Value {
        &self.spec
    }

    pub(crate) fn status(&self) -> &Value {
        &self.status
    }

    pub(crate) fn generation(&self) -> Option<i64> {
        self.metadata.generation
    }

    /// Exactly `true`: other spellings do not pause.
    pub(crate) fn is_paused(&self) -> bool {
        self.annotation(keys::PAUSED) == Some("true")
    }

    /// Exactly `true`: a paused object is let go when it is deleted.
    pub(crate) fn is_let_go_while_paused(&self) -> bool {
        self.annotation(keys::DELETE_WHILE_PAUSED) == Some("true")
    }

    pub(crate) fn is_verbose(&self) -> bool {
        self.annotation(keys::VERBOSE) == Some("true")
    }

    pub(crate) fn is_deleting(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }

    /// Whether `Ready` says `Deleting`, which it does from the first time that the external resource was found during the
    /// deletion.
    pub(crate) fn was_seen_deleting(&self) -> bool {
        self.says("Ready", "Deleting")
    }

    /// Whether its conditions tell that it is paused.
    pub(crate) fn says_paused(&self) -> bool {
        self.says("Synced", "ReconcilePaused")
    }

    fn says(&self, kind: &str, reason: &str) -> bool {
        let conditions = self.status["conditions"].as_array();
        let mut conditions = conditions.into_iter().flatten();
        conditions.any(|condition| condition["type"] == kind && condition["reason"] == reason)
    }

    /// Whether our finalizer keeps it.
    pub(crate) fn is_held(&self) -> bool {
        self.metadata.finalizers.iter().any(|finalizer| finalizer == keys::FINALIZER)
    }

    /// The finalizers that others put on it.
    pub(crate) fn foreign_finalizers(&self) -> impl Iterator<Item = &str> {
        self.metadata.finalizers.iter().map(String::as_str).filter(|finalizer| *finalizer != keys::FINALIZER)
    }

    pub(crate) fn allowed(&self) -> Allowed {
        Policies::of(&self.metadata.annotations).allowed()
    }

    /// What is wrong with its management policy: nothing that it asks for is done.
    pub(crate) fn management_problem(&self) -> Option<String> {
        let ManagementPolicy::Unknown(text) = Policies::of(&self.metadata.annotations).management else {
            return None;
        };
        Some(format!(
            "{} is {text:?}, which is not a policy: nothing is created, updated or deleted; write default, observe, \
             observe-create-update or observe-delete",
            keys::MANAGEMENT_POLICY
        ))
    }

    /// What is wrong with its deletion policy, which is in the way of nothing until the object is deleted. Nothing if
    /// another management policy than the default one decides what happens then.
    pub(crate) fn deletion_problem(&self) -> Option<String> {
        let text = self.annotation(keys::DELETION_POLICY)?;
        let Policies { management, deletion } = Policies::of(&self.metadata.annotations);
        let decides = matches!(management, ManagementPolicy::Default);
        (decides && deletion == DeletionPolicy::Orphan && text != "orphan").then(|| {
            format!(
                "{} is {text:?}, which is not a policy and counts as orphan; write delete or orphan",
                keys::DELETION_POLICY
            )
        })
    }

    /// The poll interval of its own, within the limits.
    pub(crate) fn poll_interval(&self, limits: PollLimits) -> Option<Result<Duration, InvalidInterval>> {
        self.annotation(keys::POLL_INTERVAL).map(|text| poll::interval(text, limits))
    }

    pub(crate) fn creates(&self) -> CreateRecord {
        CreateRecord::of(&self.metadata.annotations)
    }

    pub(crate) fn annotation(&self, key: &str) -> Option<&str> {
        self.metadata.annotations.get(key).map(String::as_str)
    }

    /// A merge patch that puts our finalizer on it; refused if this state is not the newest.
    pub(crate) fn holding(&self) -> Value {
        let finalizers: Vec<_> = self.metadata.finalizers.iter().map(String::as_str).chain([keys::FINALIZER]).collect();
        self.guarded(&json!({ "finalizers": finalizers }))
    }

    /// A merge patch that takes our finalizer off it, however often it is there; refused if this state is not the
    /// newest.
    pub(crate) fn releasing(&self) -> Value {
        self.guarded(&json!({ "finalizers": self.foreign_finalizers().collect::<Vec<_>>() }))
    }

    /// A merge patch of metadata that is refused if this state is not the newest.
    pub(crate) fn guarded(&self, metadata: &Value) -> Value {
        self.guard(json!({ "metadata": metadata }))
    }

    /// The same merge patch, refused if this state is not the newest.
    pub(crate) fn guard(&self, mut patch: Value) -> Value {
        patch["metadata"]["resourceVersion"] = json!(self.object.resource_version());
        patch
    }

    /// A merge patch of annotations that is applied to whatever state is the newest, but to no other object of the same
    /// name: a changed uid is refused.
    pub(crate) fn annotating(&self, annotations: &Value) -> Value {
        json!({ "metadata": { "uid": self.object.uid(), "annotations": annotations } })
    }
}
