//! Grants speak of kinds, RBAC of resources: how one becomes the other.

use std::fmt;

use capstan_api::{GroupVersionKind, KubernetesGrant};
use capstan_sandbox::Descriptor;

use super::{ANY, builtin, defined};

/// How a kind is served, whatever the version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// `""` is the core group.
    pub group: String,
    /// `ConfigMap`
    pub kind: String,
    /// `configmaps`
    pub plural: String,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
    /// Whether it has the subresource `status`.
    pub status: bool,
    /// Whether it has the subresource `scale`.
    pub scale: bool,
}

/// Kinds whose resource is known: those that a provider brings, those of Kubernetes itself, and what was discovered.
#[derive(Debug, Clone, Default)]
pub struct Kinds(Vec<Served>);

/// A kind, or a whole group, of which nobody here knows how it is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownKind {
    /// Which rule of the grants speaks of it, counted from one; `None` for a kind that the provider manages.
    pub rule: Option<usize>,
    /// Where it was looked for.
    pub groups: Vec<String>,
    /// `None`: not one kind of the rule is known in these groups.
    pub kind: Option<String>,
}

impl Kinds {
    /// Those that the provider brings, and those of Kubernetes itself.
    #[must_use]
    pub fn of(descriptor: &Descriptor) -> Self {
        Self(descriptor.kinds.iter().filter_map(defined).chain(builtin::kinds()).collect())
    }

    /// Adds kinds; of two accounts of one kind the first counts.
    pub fn extend(&mut self, more: impl IntoIterator<Item = Served>) {
        for served in more {
            if self.find(&served.group, &served.kind).is_none() {
                self.0.push(served);
            }
        }
    }

    pub(super) fn find(&self, group: &str, kind: &str) -> Option<&Served> {
        self.0.iter().find(|served| served.group == group && served.kind == kind)
    }

    /// The resources that a rule speaks of, and what of it is not known. Groups and kinds are lists side by side, so that
    /// most pairs do not exist: what has to be known is each kind in one of the groups, and in each group one of the kinds.
    pub(super) fn resolve(&self, number: usize, rule: &KubernetesGrant) -> (Vec<Served>, Vec<UnknownKind>) {
        if rule.kinds.iter().any(|kind| kind == ANY) {
            return (rule.api_groups.iter().map(|group| every_kind(group)).collect(), Vec::new());
        }
        let any_group = rule.api_groups.iter().any(|group| group == ANY);
        let found: Vec<&Served> = self
            .0
            .iter()
            .filter(|served| rule.kinds.contains(&served.kind))
            .filter(|served| any_group || rule.api_groups.contains(&served.group))
            .collect();

        let kinds = rule.kinds.iter().filter(|kind| !found.iter().any(|served| served.kind == **kind));
        let groups = rule.api_groups.iter().filter(|group| !found.iter().any(|served| served.group == **group));
        let (kinds, groups): (Vec<_>, Vec<_>) = (kinds.cloned().collect(), groups.cloned().collect());
        let unknown = |groups: &[String], kind| UnknownKind { rule: Some(number), groups: groups.to_vec(), kind };
        let unknown = match (kinds.is_empty(), groups.is_empty() || any_group) {
            (true, true) => Vec::new(),
            (true, false) => vec![unknown(&groups, None)],
            // A kind that is not found is most likely one of a group in which nothing is.
            (false, none_empty) => {
                let groups = if none_empty { &rule.api_groups } else { &groups };
                kinds.into_iter().map(|kind| unknown(groups, Some(kind))).collect()
            }
        };

        let mut resources: Vec<Served> = Vec::new();
        for served in found {
            let group = if any_group { ANY.to_owned() } else { served.group.clone() };
            if !resources.iter().any(|other| other.group == group && other.plural == served.plural) {
                resources.push(Served { group, ..served.clone() });
            }
        }
        (resources, unknown)
    }
}

/// Its subresources are among the resources that `"*"` stands for.
fn every_kind(group: &str) -> Served {
    Served {
        group: group.to_owned(),
        kind: ANY.to_owned(),
        plural: ANY.to_owned(),
        namespaced: true,
        status: false,
        scale: false,
    }
}

impl UnknownKind {
    pub(super) fn managed(kind: &GroupVersionKind) -> Self {
        Self { rule: None, groups: vec![kind.group.clone()], kind: Some(kind.kind.clone()) }
    }
}

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rule {
            Some(rule) => write!(f, "rule {rule} of the grants names ")?,
            None => write!(f, "the provider manages ")?,
        }
        let groups: Vec<String> = self
            .groups
            .iter()
            .map(|group| if group.is_empty() { "the core group".to_owned() } else { format!("group {group}") })
            .collect();
        let groups = groups.join(", ");
        match &self.kind {
            Some(kind) => write!(f, "kind {kind} of {groups}, which is neither brought by the provider nor known here"),
            None => write!(f, "{groups}, where none of its kinds is known here"),
        }
    }
}
