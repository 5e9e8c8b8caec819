//! The one place that decides what a provider may do, to objects of the cluster and outside of it.
//!
//! Allowed is what the provider asked for in its descriptor *and* the administrator granted; empty means nothing. The
//! provider's own kinds need neither.

mod outside;

use std::{collections::BTreeMap, fmt};

use capstan_api::{GROUP, Grants, GroupVersionKind, KubernetesGrant, ObjectKey, ObjectRef, Verb};
use capstan_cluster::Reach;

use self::outside::Outside;
pub(crate) use self::outside::{SecretKey, Slot};
use crate::Descriptor;

/// What one provider asked for and was granted. Travels as one value with every session.
#[derive(Debug, Clone, Default)]
pub struct Granted {
    own: Vec<GroupVersionKind>,
    asked: Vec<KubernetesGrant>,
    given: Vec<KubernetesGrant>,
    outside: Outside,
    /// Write access there is the right to give grants.
    protected: Option<String>,
}

/// What is to be done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) verb: Verb,
    pub(crate) kind: &'a GroupVersionKind,
    pub(crate) place: Place<'a>,
}

/// What it is to be done to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    /// One object.
    Object(&'a ObjectKey),
    /// All of a namespace, or of all namespaces.
    All(Option<&'a str>),
}

/// A request that is allowed, perhaps only for objects with certain labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Permit {
    /// Any of these; empty: no matter which labels.
    labels: Vec<BTreeMap<String, String>>,
}

/// A request that is not allowed. The message names what is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{request} is not {missing} this provider; {allowed}")]
pub(crate) struct Denied {
    request: String,
    missing: &'static str,
    allowed: String,
}

impl Granted {
    /// The meeting of what a provider needs, by its own account, and what it is granted.
    #[must_use]
    pub fn new(descriptor: &Descriptor, grants: &Grants) -> Self {
        Self {
            own: descriptor.kinds.iter().map(|managed| managed.kind.clone()).collect(),
            asked: descriptor.needs.kubernetes.clone(),
            given: grants.kubernetes.clone(),
            outside: Outside::new(&descriptor.needs, grants),
            protected: None,
        }
    }

    /// Writes to this namespace need a rule that names it: it holds the grants themselves, so that a rule for all
    /// namespaces would be the right to be granted anything.
    #[must_use]
    pub fn protecting(mut self, namespace: &str) -> Self {
        self.protected = Some(namespace.to_owned());
        self
    }

    /// Decides about one request. Nothing reaches the cluster without a permit of this function.
    pub(crate) fn decide(&self, request: &Request<'_>) -> Result<Permit, Denied> {
        if self.owns(request.kind) {
            return Ok(Permit { labels: Vec::new() });
        }
        let asked: Vec<_> = self.asked.iter().filter(|rule| matches(rule, request)).collect();
        let given: Vec<_> =
            self.given.iter().filter(|rule| matches(rule, request) && self.may_enter(rule, request)).collect();
        let both: Vec<BTreeMap<_, _>> =
            asked.iter().flat_map(|asked| given.iter().filter_map(|given| meet(asked, given))).collect();
        if both.is_empty() {
            let missing = if given.is_empty() { "granted to" } else { "among what was asked for (`needs`) by" };
            let allowed = self.allowed(request.kind);
            return Err(Denied { request: request.to_string(), missing, allowed });
        }
        let free = both.iter().any(BTreeMap::is_empty);
        Ok(Permit { labels: if free { Vec::new() } else { both } })
    }

    /// How far the host may look to hear of changes of an object: as far as the provider may read everything there is.
    pub(crate) fn reach(&self, target: &ObjectRef) -> Reach {
        let all = |namespace| {
            let request = Request { verb: Verb::Get, kind: &target.kind, place: Place::All(namespace) };
            self.decide(&request).is_ok_and(|permit| !permit.is_conditional())
        };
        let namespace = target.key.namespace.as_deref();
        if all(None) {
            Reach::Cluster
        } else if namespace.is_some() && all(namespace) {
            Reach::Namespace
        } else {
            Reach::Object
        }
    }

    fn may_enter(&self, rule: &KubernetesGrant, request: &Request<'_>) -> bool {
        let reads = matches!(request.verb, Verb::Get | Verb::List | Verb::Watch);
        let protected = self.protected.is_some() && request.place.namespace() == self.protected.as_deref();
        // A `Provider` holds grants too, and stands in no namespace.
        let grants = request.kind.group == GROUP;
        let named = rule.api_groups.contains(&request.kind.group);
        reads || (!protected || rule.namespaces.is_some()) && (!grants || named)
    }

    /// The versions of a kind are views of the same objects.
    fn owns(&self, kind: &GroupVersionKind) -> bool {
        self.own.iter().any(|own| own.group == kind.group && own.kind == kind.kind)
    }

    fn allowed(&self, kind: &GroupVersionKind) -> String {
        let rules: Vec<String> = self.given.iter().filter(|rule| speaks_of(rule, kind)).map(in_words).collect();
        if rules.is_empty() {
            format!("nothing is granted for {} in {}", kind.kind, group_in_words(&kind.group))
        } else {
            format!("granted: {}", rules.join("; "))
        }
    }
}

impl<'a> Place<'a> {
    fn namespace(&self) -> Option<&'a str> {
        match self {
            Self::Object(key) => key.namespace.as_deref(),
            Self::All(namespace) => *namespace,
        }
    }
}

impl Permit {
    /// Whether the labels of an object play a part at all.
    pub(crate) fn is_conditional(&self) -> bool {
        !self.labels.is_empty()
    }

    /// Whether it holds for an object with these labels.
    pub(crate) fn covers(&self, labels: &BTreeMap<String, String>) -> bool {
        let carries =
            |wanted: &BTreeMap<String, String>| wanted.iter().all(|(key, value)| labels.get(key) == Some(value));
        self.labels.is_empty() || self.labels.iter().any(carries)
    }

    /// The condition as a label selector, if it can be said as one: a selector has no "or".
    pub(crate) fn selector(&self) -> Option<String> {
        match self.labels.as_slice() {
            [only] => Some(only.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")),
            _ => None,
        }
    }
}

fn matches(rule: &KubernetesGrant, request: &Request<'_>) -> bool {
    let verb = rule.verbs.iter().any(|verb| *verb == request.verb || *verb == Verb::Any);
    // A list that names no namespace needs a rule for all of them, and no list can be confined to names: such rules do
    // not match, which refuses the request with a message that names the namespaces and names there are.
    let namespace = request.place.namespace();
    let name = match request.place {
        Place::Object(key) => Some(key.name.as_str()),
        Place::All(_) => None,
    };
    verb && speaks_of(rule, request.kind)
        && listed(rule.namespaces.as_ref(), namespace)
        && listed(rule.names.as_ref(), name)
}

fn speaks_of(rule: &KubernetesGrant, kind: &GroupVersionKind) -> bool {
    let one_of = |list: &[String], text: &str| list.iter().any(|entry| entry == text || entry == "*");
    one_of(&rule.api_groups, &kind.group) && one_of(&rule.kinds, &kind.kind)
}

/// An absent list takes everything, a present one only what is there and in it.
fn listed(list: Option<&Vec<String>>, text: Option<&str>) -> bool {
    list.is_none_or(|list| text.is_some_and(|text| list.iter().any(|entry| entry == text)))
}

/// The labels that both rules together ask for. `None` if they ask for different values of one key.
fn meet(asked: &KubernetesGrant, given: &KubernetesGrant) -> Option<BTreeMap<String, String>> {
    let mut labels = asked.label_selector.clone().unwrap_or_default();
    for (key, value) in given.label_selector.iter().flatten() {
        if labels.insert(key.clone(), value.clone()).is_some_and(|other| other != *value) {
            return None;
        }
    }
    Some(labels)
}

impl fmt::Display for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verb, kind) = (verb_in_words(self.verb), &self.kind.kind);
        match self.place {
            Place::Object(key) => write!(f, "{verb} of {kind} {key}"),
            Place::All(Some(namespace)) => write!(f, "{verb} of {kind} in namespace {namespace}"),
            Place::All(None) => write!(f, "{verb} of {kind} in all namespaces"),
        }
    }
}

fn in_words(rule: &KubernetesGrant) -> String {
    let verbs: Vec<_> = rule.verbs.iter().map(|verb| verb_in_words(*verb)).collect();
    let groups: Vec<_> = rule.api_groups.iter().map(|group| group_in_words(group)).collect();
    let mut words = format!("{} of {} in {}", verbs.join(", "), rule.kinds.join(", "), groups.join(", "));
    for (what, list) in [(" in namespace ", &rule.namespaces), (" named ", &rule.names)] {
        if let Some(list) = list {
            words += what;
            words += &list.join(", ");
        }
    }
    if let Some(labels) = &rule.label_selector {
        let labels: Vec<_> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        words += " with labels ";
        words += &labels.join(",");
    }
    words
}

fn group_in_words(group: &str) -> &str {
    match group {
        "" => "the core group",
        "*" => "any group",
        named => named,
    }
}

fn verb_in_words(verb: Verb) -> &'static str {
    match verb {
        Verb::Get => "get",
        Verb::List => "list",
        Verb::Watch => "watch",
        Verb::Create => "create",
        Verb::Update => "update",
        Verb::Patch => "patch",
        Verb::Delete => "delete",
        Verb::Any => "everything",
    }
}

#[cfg(test)]
mod tests;
