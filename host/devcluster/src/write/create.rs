//! Create.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Part, Writer, Written, check, names, rules};
use crate::apply::{Operation, changes};
use crate::cluster::Cluster;
use crate::crd;
use crate::field_error::FieldError;
use crate::object::{ObjectExt, now, set_member};
use crate::request::path::GroupVersion;
use crate::resource::{Resource, Rules};
use crate::status::Refusal;
use crate::store::Object;

impl Cluster {
    /// Creates an object from its decoded form. `applied` says that its `managedFields` are those of an apply, final.
    pub(crate) fn create(
        &mut self,
        resource: &Arc<Resource>,
        namespace: Option<&str>,
        mut new: Value,
        applied: bool,
        writer: &Writer,
    ) -> Result<Written, Refusal> {
        set_place(resource, namespace, &mut new)?;
        if !new.meta_str("resourceVersion").is_empty() {
            return Err(Refusal::unclassified("resourceVersion should not be set on objects to be created"));
        }
        let generate = new.meta_str("name").is_empty();
        if generate {
            let prefix = new.meta_str("generateName").to_owned();
            if prefix.is_empty() {
                let error = FieldError::required("metadata.name", "name or generateName is required");
                return Err(Refusal::invalid(resource, "", &[error]));
            }
            new.metadata_mut().insert("name".into(), names::generate(&prefix).into());
        }
        let name = new.meta_str("name").to_owned();
        self.check_namespace(resource, namespace, &name)?;
        self.check_definition(resource, &name)?;

        if resource.status {
            set_member(&mut new, "status", None);
        }
        rules::prepare_create(resource, &mut new, generate);
        let metadata = new.metadata_mut();
        metadata.remove("deletionTimestamp");
        metadata.remove("deletionGracePeriodSeconds");
        if resource.generation {
            metadata.insert("generation".into(), json!(1));
        }
        metadata.insert("uid".into(), uuid::Uuid::new_v4().to_string().into());
        let now = now();
        metadata.insert("creationTimestamp".into(), now.clone().into());
        if !applied {
            let manager = writer.as_manager(resource, Operation::Update, Part::Main);
            changes::record_create(&mut new, inherent(resource), resource.storage_schema(), &manager, &now);
        }
        rules::complete_create(resource, &mut new);
        let warnings = check(resource, &name, Part::Main, None, &new)?;

        let at = Self::at(resource, namespace, &name);
        if let Some(existing) = self.store.get(&at) {
            return Err(Refusal::already_exists(resource, &name, existing.value.is_deleting()));
        }
        if writer.dry_run {
            return Ok(Written { object: Object::unsaved(new, 0, resource.schema_id), warnings });
        }
        let object = self.put(resource, &at, new, resource.schema_id);
        self.finish()?;
        Ok(Written { object, warnings })
    }

    /// Refuses content for a namespace that is missing or being deleted.
    fn check_namespace(&self, resource: &Resource, namespace: Option<&str>, name: &str) -> Result<(), Refusal> {
        let Some(namespace) = namespace else { return Ok(()) };
        let group_version = GroupVersion { group: String::new(), version: "v1".to_owned() };
        let Some(namespaces) = self.registry.find(&group_version, "namespaces") else {
            return Ok(());
        };
        let found = self.get(namespaces, &Self::at(namespaces, None, namespace))?;
        if found.value.is_deleting() {
            let cause = format!("unable to create new content in namespace {namespace} because it is being terminated");
            return Err(Refusal::forbidden(resource, name, &cause).with_cause(json!({
                "reason": "NamespaceTerminating",
                "message": format!("namespace {namespace} is being terminated"),
                "field": "metadata.namespace",
            })));
        }
        Ok(())
    }

    /// Refuses objects of a kind whose definition is being deleted.
    fn check_definition(&self, resource: &Resource, name: &str) -> Result<(), Refusal> {
        let terminating = resource.is_custom()
            && self
                .definition(&resource.collection)
                .is_some_and(|definition| crd::status::has_condition(&definition.value, "Terminating", "True"));
        if terminating {
            let cause = "create not allowed while custom resource definition is terminating";
            return Err(Refusal::forbidden(resource, name, cause));
        }
        Ok(())
    }
}

/// Places of the members that objects of built-in kinds have from the start.
fn inherent(resource: &Resource) -> &'static [&'static str] {
    match resource.rules {
        _ if resource.is_custom() => &[],
        Rules::Event | Rules::EventView => {
            &["/eventTime", "/firstTimestamp", "/lastTimestamp", "/reportingComponent", "/reportingInstance", "/source"]
        }
        Rules::CustomResourceDefinition => &["/spec", "/spec/names", "/status"],
        _ => &["/spec", "/status"],
    }
}

/// Puts an object into the namespace of its path; the body may say the same or nothing.
pub(super) fn set_place(resource: &Resource, namespace: Option<&str>, new: &mut Value) -> Result<(), Refusal> {
    let own = new.meta_str("namespace");
    match namespace {
        Some(namespace) if own.is_empty() || own == namespace => {
            new.metadata_mut().insert("namespace".into(), namespace.into());
            Ok(())
        }
        None if own.is_empty() => Ok(()),
        None if !resource.namespaced => {
            new.metadata_mut().remove("namespace");
            Ok(())
        }
        _ => {
            let message = "the namespace of the provided object does not match the namespace sent on the request";
            Err(Refusal::bad_request(message))
        }
    }
}
