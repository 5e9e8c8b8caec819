//! Kinds that a provider may manage although it does not bring them.

use serde::{Deserialize, Serialize};

use super::GrantError;

/// Kinds that a provider may make its own without bringing their definition, or although somebody else installed it. Whoever
/// manages a kind may do anything to its objects, so each of them is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ManagesGrant {
    /// `cert-manager.io`
    pub api_groups: Vec<String>,
    /// `Certificate`; each in any of the groups.
    pub kinds: Vec<String>,
}

impl ManagesGrant {
    /// One kind, whatever its version.
    #[must_use]
    pub fn one(group: &str, kind: &str) -> Self {
        Self { api_groups: vec![group.to_owned()], kinds: vec![kind.to_owned()] }
    }

    /// Whether it names the kind.
    #[must_use]
    pub fn names(&self, group: &str, kind: &str) -> bool {
        self.api_groups.iter().any(|named| named == group) && self.kinds.iter().any(|named| named == kind)
    }
}

pub(super) fn check(rules: &[ManagesGrant]) -> Result<(), GrantError> {
    for (index, rule) in rules.iter().enumerate() {
        let wrong = |problem: String| GrantError::Rule { section: "manages", rule: index + 1, problem };
        for (list, named) in [("apiGroups", &rule.api_groups), ("kinds", &rule.kinds)] {
            if named.is_empty() {
                return Err(wrong(format!("an empty list of {list}: name at least one, or remove the rule")));
            }
            if named.iter().any(|name| name == "*") {
                return Err(wrong(format!("`*` among its {list}: what a provider may make its own must be named")));
            }
        }
    }
    Ok(())
}
