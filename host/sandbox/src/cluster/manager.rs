//! The field manager of a provider's patches.

use std::fmt::Write;

use capstan_api::ObjectRef;
use sha2::{Digest, Sha256};

/// Bytes of the hash that are used: enough that two of a million objects do not meet.
const HASH: usize = 10;

/// `capstan-<provider>-<hash>`, one for each object being reconciled: an apply drops what the same manager applied before
/// and now leaves out, so two objects must never share one. The version of the kind plays no part, an object is the
/// same in all of them.
///
/// A provider's name has at most 63 bytes, so this has less than the 128 that the API server takes.
pub(crate) fn field_manager(provider: &str, object: &ObjectRef) -> String {
    let mut hasher = Sha256::new();
    let namespace = object.key.namespace.as_deref().unwrap_or_default();
    for part in [&object.kind.group, &object.kind.kind, namespace, &object.key.name] {
        hasher.update(part.as_bytes());
        // No part can hold it, so no two objects make the same text.
        hasher.update([0]);
    }
    let mut manager = format!("capstan-{provider}-");
    for byte in &hasher.finalize()[..HASH] {
        // Writing to a string does not fail.
        let _ = write!(manager, "{byte:02x}");
    }
    manager
}

#[cfg(test)]
mod tests {
    use capstan_api::{GroupVersionKind, ObjectKey};

    use super::*;

    fn object(version: &str, namespace: &str, name: &str) -> ObjectRef {
        let kind = GroupVersionKind::gvk("test.capstan.dev", version, "Note");
        ObjectRef { kind, key: ObjectKey::namespaced(namespace, name) }
    }

    #[test]
    fn one_for_each_object_and_the_same_in_all_versions() {
        let manager = field_manager("note", &object("v1", "ab", "c"));
        assert!(manager.starts_with("capstan-note-"));
        assert_eq!(manager, field_manager("note", &object("v2", "ab", "c")));
        assert_ne!(manager, field_manager("note", &object("v1", "a", "bc")));
        assert!(field_manager(&"x".repeat(63), &object("v1", "a", "b")).len() <= 128);
    }
}
