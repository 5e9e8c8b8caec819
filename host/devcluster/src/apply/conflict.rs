//! Conflicts between an apply and the other owners of its fields.

use serde_json::{Value, json};

use super::field_set::FieldSet;
use super::managed::Manager;
use crate::status::{Reason, Refusal};

/// The 409 that names each owner and each field that it owns.
pub(super) fn refusal(conflicts: &[(Manager, FieldSet)]) -> Refusal {
    let mut owners: Vec<(String, Vec<String>)> =
        conflicts.iter().map(|(manager, fields)| (manager.describe(), fields.paths())).collect();
    owners.sort();
    let count: usize = owners.iter().map(|(_, paths)| paths.len()).sum();
    let message = if let [(owner, paths)] = &owners[..]
        && let [path] = &paths[..]
    {
        format!("Apply failed with 1 conflict: conflict with {owner}: {path}")
    } else {
        let lists: Vec<String> =
            owners.iter().map(|(owner, paths)| format!("conflicts with {owner}:\n- {}", paths.join("\n- "))).collect();
        format!("Apply failed with {count} conflicts: {}", lists.join("\n"))
    };
    let causes: Vec<Value> = owners
        .iter()
        .flat_map(|(owner, paths)| paths.iter().map(move |path| (owner, path)))
        .map(|(owner, path)| {
            json!({"reason": "FieldManagerConflict", "message": format!("conflict with {owner}"), "field": path})
        })
        .collect();
    Refusal::new(Reason::Conflict, message).with_details(json!({"causes": causes}))
}
