//! What an object's annotations allow to be done outside. Follows the executed truth table of Krateo's provider-runtime,
//! row by row, its odd ones included: `observe-delete` deletes whatever the deletion policy says.

use std::collections::BTreeMap;

use crate::keys;

/// `krateo.io/management-policy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManagementPolicy {
    /// Absent, or `default`.
    Default,
    /// `observe`: look, and change nothing outside.
    Observe,
    /// `observe-create-update`: never delete outside.
    ObserveCreateUpdate,
    /// `observe-delete`: never create or update outside.
    ObserveDelete,
    /// Any other text, taken as a mistake: nothing is allowed but to look.
    Unknown(String),
}

/// `krateo.io/deletion-policy`. Consulted only where the management policy is [`ManagementPolicy::Default`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// Absent, or `delete`.
    Delete,
    /// `orphan`, and every other text: leaving the external resource is the harmless reading of a mistake.
    Orphan,
}

/// Which external actions the policies allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed {
    /// May create what does not exist.
    pub create: bool,
    /// May update what differs.
    pub update: bool,
    /// May delete when the object is deleted.
    pub delete: bool,
}

/// Both policies of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policies {
    /// See [`ManagementPolicy`].
    pub management: ManagementPolicy,
    /// See [`DeletionPolicy`].
    pub deletion: DeletionPolicy,
}

impl Policies {
    /// Reads the annotations of an object.
    #[must_use]
    pub fn of(annotations: &BTreeMap<String, String>) -> Self {
        let text = |key| annotations.get(key).map(String::as_str);
        Self {
            management: match text(keys::MANAGEMENT_POLICY) {
                None | Some("default") => ManagementPolicy::Default,
                Some("observe") => ManagementPolicy::Observe,
                Some("observe-create-update") => ManagementPolicy::ObserveCreateUpdate,
                Some("observe-delete") => ManagementPolicy::ObserveDelete,
                Some(other) => ManagementPolicy::Unknown(other.to_owned()),
            },
            deletion: match text(keys::DELETION_POLICY) {
                None | Some("delete") => DeletionPolicy::Delete,
                Some(_) => DeletionPolicy::Orphan,
            },
        }
    }

    /// What may be done outside.
    #[must_use]
    pub fn allowed(&self) -> Allowed {
        let (create, update, delete) = match self.management {
            ManagementPolicy::Default => (true, true, self.deletion == DeletionPolicy::Delete),
            ManagementPolicy::ObserveCreateUpdate => (true, true, false),
            ManagementPolicy::ObserveDelete => (false, false, true),
            ManagementPolicy::Observe | ManagementPolicy::Unknown(_) => (false, false, false),
        };
        Allowed { create, update, delete }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truth_table() {
        let managements = [
            (None, [(true, true, true), (true, true, false), (true, true, false)]),
            (Some("default"), [(true, true, true), (true, true, false), (true, true, false)]),
            (Some("observe-create-update"), [(true, true, false); 3]),
            (Some("observe-delete"), [(false, false, true); 3]),
            (Some("observe"), [(false, false, false); 3]),
            (Some("Default"), [(false, false, false); 3]),
            (Some("foo"), [(false, false, false); 3]),
        ];
        let deletions: [&[Option<&str>]; 3] = [&[None, Some("delete")], &[Some("orphan")], &[Some("Delete")]];
        for (management, columns) in managements {
            for (spellings, (create, update, delete)) in deletions.iter().zip(columns) {
                for deletion in *spellings {
                    let annotations = [(keys::MANAGEMENT_POLICY, management), (keys::DELETION_POLICY, *deletion)]
                        .into_iter()
                        .filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())))
                        .collect();
                    let allowed = Policies::of(&annotations).allowed();
                    assert_eq!(allowed, Allowed { create, update, delete }, "{management:?} {deletion:?}");
                }
            }
        }
    }
}
