//! Delete: at once, or marked and held by finalizers.

use std::sync::Arc;

use serde_json::{Value, json};

use super::update::is_held_by_spec;
use crate::cluster::Cluster;
use crate::crd;
use crate::field_error::FieldError;
use crate::object::{ObjectExt, now, set_or_remove};
use crate::request::query::{Query, dry_run, is_dry_run};
use crate::resource::{Resource, Rules};
use crate::settle::{FOREGROUND_FINALIZER, ORPHAN_FINALIZER};
use crate::status::Refusal;
use crate::store::{Object, ObjectRef};

/// Namespaces that the cluster cannot be without.
const PROTECTED_NAMESPACES: &[&str] = &["default", "kube-public", "kube-system"];

/// What happens to the dependents of a deleted object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Propagation {
    /// They are deleted after it.
    #[default]
    Background,
    /// They are deleted before it.
    Foreground,
    /// They stay, without an owner.
    Orphan,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) dry_run: bool,
    pub(crate) propagation: Propagation,
    pub(crate) uid: Option<String>,
    pub(crate) resource_version: Option<String>,
}

impl DeleteOptions {
    /// Options come in the body; in the query only if there is none.
    pub(crate) fn parse(query: &Query, body: &Value) -> Result<Self, Refusal> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let from_query = body.is_null();
        let policy = text(&body["propagationPolicy"]);
        let policy = policy.or_else(|| query.get("propagationPolicy").filter(|_| from_query).map(str::to_owned));
        let propagation = match policy.as_deref() {
            None if body["orphanDependents"] == true => Propagation::Orphan,
            None | Some("Background") => Propagation::Background,
            Some("Foreground") => Propagation::Foreground,
            Some("Orphan") => Propagation::Orphan,
            Some(other) => {
                let supported = ["Foreground", "Background", "Orphan", "nil"].map(Value::from);
                let error = FieldError::not_supported("propagationPolicy", &json!(other), &supported);
                return Err(Refusal::invalid_options("DeleteOptions", &[error]));
            }
        };
        if policy.is_some() && body["orphanDependents"].is_boolean() {
            let detail = "orphanDependents and deletionPropagation cannot be both set";
            let error = FieldError::invalid("propagationPolicy", &json!(policy), detail);
            return Err(Refusal::invalid_options("DeleteOptions", &[error]));
        }
        Ok(Self {
            dry_run: if from_query { dry_run(query, "DeleteOptions")? } else { dry_run_of_body(&body["dryRun"])? },
            propagation,
            uid: text(&body["preconditions"]["uid"]),
            resource_version: text(&body["preconditions"]["resourceVersion"]),
        })
    }
}

/// What would be done in earnest by mistake is refused, whatever it is.
fn dry_run_of_body(value: &Value) -> Result<bool, Refusal> {
    let values: Option<Vec<&str>> = match value {
        Value::Null => Some(Vec::new()),
        Value::Array(values) => values.iter().map(Value::as_str).collect(),
        _ => None,
    };
    let values = values.ok_or_else(|| Refusal::bad_request("dryRun of DeleteOptions is not a list of texts"))?;
    is_dry_run(&values, "DeleteOptions")
}

/// What a delete did.
#[derive(Debug)]
pub(crate) enum Deleted {
    /// The object is gone. This is its last state, not that of the event that tells of its end.
    Gone(Arc<Object>),
    /// The object waits for its finalizers.
    Waiting(Arc<Object>),
}

impl Cluster {
    pub(crate) fn delete(
        &mut self,
        resource: &Arc<Resource>,
        at: &ObjectRef,
        options: &DeleteOptions,
    ) -> Result<Deleted, Refusal> {
        let deleted = self.mark_deleted(resource, at, options)?;
        self.finish()?;
        Ok(deleted)
    }

    /// As [`Cluster::delete`], leaving what follows to the caller.
    pub(crate) fn mark_deleted(
        &mut self,
        resource: &Arc<Resource>,
        at: &ObjectRef,
        options: &DeleteOptions,
    ) -> Result<Deleted, Refusal> {
        let current = self.get(resource, at)?;
        check_preconditions(resource, at, &current.value, options)?;
        if resource.rules == Rules::Namespace && PROTECTED_NAMESPACES.contains(&at.name.as_str()) {
            return Err(Refusal::forbidden(resource, &at.name, "this namespace may not be deleted"));
        }
        let mut value = current.value.clone();
        set_finalizers(resource, &mut value, options.propagation);
        let held = !value.meta_strings("finalizers").is_empty() || is_held_by_spec(resource, &value);
        if !held {
            if !options.dry_run {
                self.remove(at);
            }
            return Ok(Deleted::Gone(current));
        }
        if !value.is_deleting() {
            let metadata = value.metadata_mut();
            metadata.insert("deletionTimestamp".into(), now().into());
            if resource.rules == Rules::Namespace {
                value["status"]["phase"] = "Terminating".into();
            } else {
                metadata.insert("deletionGracePeriodSeconds".into(), json!(0));
            }
            if resource.rules == Rules::CustomResourceDefinition {
                crd::status::set_pending(&mut value);
            }
            if resource.generation {
                let generation = value["metadata"]["generation"].as_i64().unwrap_or(0) + 1;
                value.metadata_mut().insert("generation".into(), json!(generation));
            }
        }
        if value == current.value {
            return Ok(Deleted::Waiting(current));
        }
        if options.dry_run {
            return Ok(Deleted::Waiting(Object::unsaved(value, current.revision, current.schema_id)));
        }
        let object = self.put(resource, at, value, current.schema_id);
        if options.propagation != Propagation::Background {
            self.work.push_back(crate::settle::Work::Owner(at.clone()));
        }
        Ok(Deleted::Waiting(object))
    }
}

/// Adds or takes away the finalizers that stand for the propagation policy, and that of definitions.
fn set_finalizers(resource: &Resource, value: &mut Value, propagation: Propagation) {
    let wanted = match propagation {
        Propagation::Background => None,
        Propagation::Foreground => Some(FOREGROUND_FINALIZER),
        Propagation::Orphan => Some(ORPHAN_FINALIZER),
    };
    let mut finalizers: Vec<String> = value.meta_strings("finalizers").into_iter().map(str::to_owned).collect();
    if !value.is_deleting() {
        finalizers.retain(|name| name != FOREGROUND_FINALIZER && name != ORPHAN_FINALIZER);
    }
    let cleanup =
        (resource.rules == Rules::CustomResourceDefinition && !value.is_deleting()).then_some(crd::CLEANUP_FINALIZER);
    for finalizer in [wanted, cleanup].into_iter().flatten() {
        if !finalizers.iter().any(|name| name == finalizer) {
            finalizers.push(finalizer.to_owned());
        }
    }
    set_or_remove(value.metadata_mut(), "finalizers", (!finalizers.is_empty()).then(|| json!(finalizers)));
}

fn check_preconditions(
    resource: &Resource,
    at: &ObjectRef,
    current: &Value,
    options: &DeleteOptions,
) -> Result<(), Refusal> {
    let uid = current.meta_str("uid");
    if let Some(wanted) = options.uid.as_deref().filter(|wanted| *wanted != uid) {
        let cause = format!(
            "the UID in the precondition ({wanted}) does not match the UID in record ({uid}). The object might have \
             been deleted and then recreated"
        );
        return Err(Refusal::precondition(resource, &at.name, &cause));
    }
    let version = current.meta_str("resourceVersion");
    if let Some(wanted) = options.resource_version.as_deref().filter(|wanted| *wanted != version) {
        let cause = format!(
            "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record \
             ({version}). The object might have been modified"
        );
        return Err(Refusal::precondition(resource, &at.name, &cause));
    }
    Ok(())
}
