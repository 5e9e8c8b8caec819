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
        let unusable = rule.api_groups.iter().find_map(|group| group_problem(group));
        if let Some(problem) = unusable.or_else(|| rule.kinds.iter().find_map(|kind| kind_problem(kind))) {
            return Err(wrong(problem));
        }
    }
    Ok(())
}

/// Why no provider can manage a kind of this group.
fn group_problem(group: &str) -> Option<String> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'.' || byte == b'-';
    let shown = shown(group);
    if !group.bytes().all(fits) {
        return Some(format!(
            "`{shown}` among its apiGroups: a group has lower-case letters, digits, hyphens and dots only"
        ));
    }
    let inside = group.trim_matches('.').contains('.');
    (!inside).then(|| {
        format!("`{shown}` among its apiGroups: a group has a dot inside; those without are Kubernetes' own, whose kinds are nobody's")
    })
}

/// Why nothing can be of this kind.
fn kind_problem(kind: &str) -> Option<String> {
    let fits = !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (!fits).then(|| format!("`{}` among its kinds: a kind has letters and digits only, and at least one", shown(kind)))
}

/// Of whatever was written there, as much as a message can bear.
fn shown(name: &str) -> String {
    name.escape_debug().take(NAME).collect()
}

/// Characters of a name that are told.
const NAME: usize = 64;
