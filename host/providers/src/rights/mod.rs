//! What the API server must let the host do for one provider, or the account in whose name it does it.
//!
//! Said once, as data: `capstan provider package` prints it as roles, and the host asks the API server about it before it
//! takes a provider into service. The host never writes roles itself.

mod builtin;
mod discover;
mod identity;
mod kinds;
mod review;
mod rulebook;

use std::fmt;

use capstan_api::{Grants, KubernetesGrant, SecretGrant, ServiceAccount, Verb};
use capstan_sandbox::{Descriptor, ManagedKind};

pub(crate) use identity::check as check_identity;
pub use kinds::{Kinds, Served, UnknownKind};
pub use review::{ReviewError, missing};
pub use rulebook::Rulebook;

/// Stands for every group or every resource, subresources included.
pub const ANY: &str = "*";

/// Verbs on one resource in one place, in the words of RBAC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    /// `""` is the core group, [`ANY`] every group.
    pub group: String,
    /// The plural (`configmaps`), perhaps with a subresource (`deployments/scale`), or [`ANY`].
    pub resource: String,
    /// At least one.
    pub verbs: Vec<String>,
    /// `None`: in all namespaces, or of a cluster-scoped kind.
    pub namespace: Option<String>,
    /// Empty: whatever its name.
    pub names: Vec<String>,
}

/// All that one provider needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    /// Without these it cannot be run, and the host itself needs them whoever the provider acts as: for its definitions, and to act as
    /// its account.
    pub host: Vec<Right>,
    /// Without these it cannot be run: objects of the kinds that it manages.
    pub own: Vec<Right>,
    /// What its grants speak of. Without these it runs, and what it tries fails.
    pub granted: Vec<Right>,
    /// Kinds that nobody here knows: nothing above is said of them.
    pub unknown: Vec<UnknownKind>,
}

impl Rights {
    /// What a provider needs that says this of itself and was granted that.
    #[must_use]
    pub fn of(descriptor: &Descriptor, grants: &Grants, kinds: &Kinds) -> Self {
        let mut rights = Self { host: definitions(descriptor), ..Self::default() };
        rights.host.extend(grants.service_account.as_ref().map(impersonation));
        for managed in &descriptor.kinds {
            match kinds.find(&managed.kind.group, &managed.kind.kind) {
                Some(served) => rights.own.extend(managing(served)),
                None => rights.unknown.push(UnknownKind::managed(&managed.kind)),
            }
        }
        for (index, rule) in grants.kubernetes.iter().enumerate() {
            let (resources, unknown) = kinds.resolve(index + 1, rule);
            rights.granted.extend(resources.iter().flat_map(|served| granted(rule, served)));
            rights.unknown.extend(unknown);
        }
        rights.granted.extend(grants.secrets.iter().map(secrets));
        rights
    }
}

/// To act as exactly this account. The API server knows its groups by itself.
fn impersonation(account: &ServiceAccount) -> Right {
    Right {
        namespace: Some(account.namespace().to_owned()),
        names: vec![account.name().to_owned()],
        ..Right::new("", "serviceaccounts", &["impersonate"])
    }
}

/// Installing the definitions and waiting for them. A `create` by name is possible because they are applied: the name of
/// what an apply makes is known to the API server beforehand.
fn definitions(descriptor: &Descriptor) -> Vec<Right> {
    let brought = descriptor.kinds.iter().filter_map(|managed| managed.definition.as_ref());
    let names: Vec<String> =
        brought.filter_map(|definition| definition["metadata"]["name"].as_str().map(str::to_owned)).collect();
    if names.is_empty() {
        return Vec::new();
    }
    let verbs = ["get", "list", "watch", "create", "patch"];
    vec![Right { names, ..Right::new("apiextensions.k8s.io", "customresourcedefinitions", &verbs) }]
}

/// What the lifecycle does to the objects of a managed kind, wherever they are.
fn managing(served: &Served) -> Vec<Right> {
    let Served { group, plural, .. } = served;
    let mut rights = vec![Right::new(group, plural, &["get", "list", "watch", "patch"])];
    if served.status {
        rights.push(Right::new(group, &format!("{plural}/status"), &["patch"]));
    }
    // Where OwnerReferencesPermissionEnforcement is on, whoever makes an object that holds up the deletion of its owner has
    // to have this right to the owner.
    rights.push(Right::new(group, &format!("{plural}/finalizers"), &["update"]));
    rights
}

/// One rule of the grants, on one resource.
fn granted(rule: &KubernetesGrant, served: &Served) -> Vec<Right> {
    let verbs = verbs(rule);
    let names = rule.names.clone().unwrap_or_default();
    let places: Vec<Option<String>> = match &rule.namespaces {
        None => vec![None],
        // The gate lets nothing pass that the API server could not be asked for.
        Some(_) if !served.namespaced => Vec::new(),
        Some(namespaces) => namespaces.iter().cloned().map(Some).collect(),
    };
    let mut rights = Vec::new();
    for namespace in places {
        let mut add = |resource: &str, verbs: &[&str], names: &[String]| {
            if !verbs.is_empty() {
                let right = Right::new(&served.group, resource, verbs);
                rights.push(Right { namespace: namespace.clone(), names: names.to_vec(), ..right });
            }
        };
        if names.is_empty() {
            add(&served.plural, &verbs, &[]);
        } else {
            let (create, others): (Vec<_>, Vec<_>) = verbs.iter().partition(|verb| **verb == "create");
            add(&served.plural, &others, &names);
            // RBAC knows no names for a create by POST. The gate of the host does.
            add(&served.plural, &create, &[]);
        }
        // The contract lets a provider patch these with their object.
        if verbs.contains(&"patch") {
            for (has, subresource) in [(served.status, "status"), (served.scale, "scale")] {
                if has {
                    add(&format!("{}/{subresource}", served.plural), &["patch"], &names);
                }
            }
        }
    }
    rights
}

/// Secrets that the host reads for a provider, and watches from then on. Where the object being reconciled says in which
/// namespace they are, that is any.
fn secrets(rule: &SecretGrant) -> Right {
    let namespace = rule.namespace.clone().filter(|namespace| namespace != ANY);
    let any_name = rule.names.iter().any(|name| name == ANY);
    let names = if any_name { Vec::new() } else { rule.names.clone() };
    Right { namespace, names, ..Right::new("", "secrets", &["get", "list", "watch"]) }
}

/// The verbs of a rule. What a provider reads, the host lists and watches from then on, one object as well as many; a `"*"`
/// is what the contract has calls for, and not what RBAC means by it (`escalate`, `bind`, `impersonate`, ...).
fn verbs(rule: &KubernetesGrant) -> Vec<&'static str> {
    let has = |any_of: &[Verb]| rule.verbs.iter().any(|verb| *verb == Verb::Any || any_of.contains(verb));
    let verbs = [
        ("get", has(&[Verb::Get])),
        ("list", has(&[Verb::Get, Verb::List, Verb::Watch])),
        ("watch", has(&[Verb::Get, Verb::List, Verb::Watch])),
        ("create", has(&[Verb::Create])),
        ("update", has(&[Verb::Update])),
        ("patch", has(&[Verb::Patch])),
        ("delete", has(&[Verb::Delete])),
    ];
    verbs.into_iter().filter_map(|(verb, wanted)| wanted.then_some(verb)).collect()
}

impl Right {
    /// In all namespaces, whatever the name.
    #[must_use]
    pub fn new(group: &str, resource: &str, verbs: &[&str]) -> Self {
        Self {
            group: group.to_owned(),
            resource: resource.to_owned(),
            verbs: verbs.iter().map(|&verb| verb.to_owned()).collect(),
            namespace: None,
            names: Vec::new(),
        }
    }
}

/// `list, watch of deployments.apps named web in namespace team-a`, a resource as kubectl writes it.
impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.verbs.join(", "), self.resource)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        if !self.names.is_empty() {
            write!(f, " named {}", self.names.join(", "))?;
        }
        match &self.namespace {
            Some(namespace) => write!(f, " in namespace {namespace}"),
            None => Ok(()),
        }
    }
}

/// The kinds that a provider brings itself, as its definitions say they are served.
fn defined(managed: &ManagedKind) -> Option<Served> {
    let definition = managed.definition.as_ref()?;
    let text = |pointer| definition.pointer(pointer).and_then(serde_json::Value::as_str);
    let versions = definition.pointer("/spec/versions").and_then(serde_json::Value::as_array);
    let has = |subresource: &str| {
        versions.into_iter().flatten().any(|version| version["subresources"].get(subresource).is_some())
    };
    Some(Served {
        group: managed.kind.group.clone(),
        kind: managed.kind.kind.clone(),
        plural: text("/spec/names/plural")?.to_owned(),
        namespaced: text("/spec/scope") == Some("Namespaced"),
        status: has("status"),
        scale: has("scale"),
    })
}

#[cfg(test)]
mod tests;
