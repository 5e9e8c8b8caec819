//! What the server says about a CRD: accepted names, stored versions, conditions.

use serde_json::{Value, json};

use super::names::NameConflict;
use super::{strings, text};
use crate::object::now;

/// The status of a new CRD, before its names are looked at.
pub(crate) fn initial(crd: &Value) -> Value {
    json!({"conditions": null, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": stored_versions(crd)})
}

/// Sets names, versions and conditions. `conflict` says which name another CRD has already.
pub(crate) fn update(crd: &mut Value, names: Value, conflict: Option<NameConflict>) {
    let versions = stored_versions(crd);
    if !crd["status"].is_object() {
        crd["status"] = initial(crd);
    }
    crd["status"]["storedVersions"] = json!(versions);
    crd["status"]["acceptedNames"] = names;
    match conflict {
        None => {
            set_condition(crd, "NamesAccepted", "True", "NoConflicts", "no conflicts found");
            let message = "the initial names have been accepted";
            set_condition(crd, "Established", "True", "InitialNamesAccepted", message);
        }
        Some(NameConflict { reason, message }) => {
            set_condition(crd, "NamesAccepted", "False", reason, &message);
            if !has_condition(crd, "Established", "True") {
                set_condition(crd, "Established", "False", "NotAccepted", "not all names are accepted");
            }
        }
    }
}

/// Says that the CRD is deleted, and that its objects are next.
pub(crate) fn set_pending(crd: &mut Value) {
    let message = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon";
    set_condition(crd, "Terminating", "True", "InstanceDeletionPending", message);
}

/// Says that the objects of the kind are being deleted.
pub(crate) fn set_terminating(crd: &mut Value) {
    let message = "CustomResource deletion is in progress";
    set_condition(crd, "Terminating", "True", "InstanceDeletionInProgress", message);
}

pub(crate) fn has_condition(crd: &Value, ty: &str, status: &str) -> bool {
    let conditions = crd["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|condition| condition["type"] == ty && condition["status"] == status)
}

/// The versions that objects were ever stored in, the current storage version among them.
pub(super) fn stored_versions(crd: &Value) -> Vec<String> {
    let mut stored = strings(&crd["status"]["storedVersions"]);
    let versions = crd["spec"]["versions"].as_array().into_iter().flatten();
    let storage = versions.filter(|version| version["storage"] == true).map(|version| text(version, "/name"));
    // There is one, or the CRD is refused.
    if let Some(version) = storage.take(1).find(|version| !stored.iter().any(|other| other == version)) {
        stored.push(version.to_owned());
    }
    stored
}

fn set_condition(crd: &mut Value, ty: &str, status: &str, reason: &str, message: &str) {
    let conditions = &mut crd["status"]["conditions"];
    if !conditions.is_array() {
        *conditions = json!([]);
    }
    let Some(conditions) = conditions.as_array_mut() else {
        return;
    };
    let found = conditions.iter_mut().find(|condition| condition["type"] == ty);
    let mut condition = json!({"type": ty, "status": status, "reason": reason, "message": message});
    if let Some(found) = found {
        let same = found["status"] == condition["status"];
        condition["lastTransitionTime"] = if same { found["lastTransitionTime"].clone() } else { json!(now()) };
        *found = condition;
    } else {
        condition["lastTransitionTime"] = json!(now());
        conditions.push(condition);
    }
}
