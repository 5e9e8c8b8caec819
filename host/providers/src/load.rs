//! From bytes to something that can be run, with nothing run yet but `describe`.

use bytes::Bytes;
use capstan_api::{GROUP, Grants, GroupVersionKind, ManagesGrant, Permissions};
use capstan_sandbox::{Component, Descriptor, LoadError, Sandbox};
use tokio::task::spawn_blocking;

use crate::ProviderError;

#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) component: Component,
    pub(crate) descriptor: Descriptor,
    pub(crate) grants: Grants,
}

impl Loaded {
    /// If it may manage its kinds, and takes its configuration.
    pub(crate) async fn checked(
        component: Component,
        descriptor: Descriptor,
        grants: Grants,
    ) -> Result<Self, ProviderError> {
        check_kinds(&descriptor, &grants)?;
        check_limits(&descriptor, &grants)?;
        let loaded = Self { component, descriptor, grants };
        // The schema is a stranger's.
        let check = move || loaded.descriptor.check_config(loaded.grants.config.as_ref()).map(|()| loaded);
        let checked = spawn_blocking(check).await;
        Ok(checked.map_err(|error| LoadError::Host(error.to_string()))??)
    }

    /// The version of the contract that it was built for.
    pub(crate) fn contract(&self) -> &str {
        let version = self.component.exports().iter().find_map(|name| {
            let (interface, version) = name.split_once('@')?;
            interface.starts_with("capstan:provider/").then_some(version)
        });
        version.unwrap_or_default()
    }

    pub(crate) fn kinds(&self) -> impl Iterator<Item = &GroupVersionKind> + Clone {
        self.descriptor.kinds.iter().map(|managed| &managed.kind)
    }
}

/// Compiles a component and asks it what it is. Takes from milliseconds to seconds.
pub async fn describe(component: Bytes, sandbox: &Sandbox) -> Result<(Component, Descriptor), ProviderError> {
    let component = sandbox.load(component).await?;
    let descriptor = component.describe().await.map_err(ProviderError::Describe)?;
    Ok((component, descriptor))
}

/// Refuses what wants to manage a kind of Kubernetes or of Capstan ([`ProviderError::BuiltInKind`]), or one that it neither
/// brings nor is granted to manage ([`ProviderError::ForeignKind`]).
pub fn check_kinds(descriptor: &Descriptor, grants: &Grants) -> Result<(), ProviderError> {
    let named = |managed: &GroupVersionKind| (managed.group.clone(), managed.kind.clone());
    if let Some(managed) = descriptor.kinds.iter().find(|managed| is_built_in(&managed.kind.group)) {
        let (group, kind) = named(&managed.kind);
        return Err(ProviderError::BuiltInKind { group, kind });
    }
    match descriptor.foreign().find(|kind| !grants.manages(&kind.group, &kind.kind)) {
        None => Ok(()),
        Some(foreign) => {
            let (group, kind) = named(foreign);
            Err(ProviderError::ForeignKind { group, kind })
        }
    }
}

/// What a provider asks for: what it says that it needs, and to manage the kinds that it does not bring.
pub(crate) fn requested(descriptor: &Descriptor) -> Permissions {
    let foreign = descriptor.foreign().map(|kind| ManagesGrant::one(&kind.group, &kind.kind));
    Permissions { manages: foreign.collect(), ..Permissions::from(&descriptor.needs) }
}

/// Refuses with [`ProviderError::LimitsOfNoKind`] limits for a kind that the provider does not manage.
pub fn check_limits(descriptor: &Descriptor, grants: &Grants) -> Result<(), ProviderError> {
    let managed: Vec<&str> = descriptor.kinds.iter().map(|managed| managed.kind.kind.as_str()).collect();
    match grants.limits.kinds.iter().find(|limits| !managed.contains(&limits.kind.as_str())) {
        None => Ok(()),
        Some(limits) => Err(ProviderError::LimitsOfNoKind { kind: limits.kind.clone(), managed: managed.join(", ") }),
    }
}

/// A provider may do anything to objects of its own kinds, so none of these can be: those of Kubernetes and of the host.
fn is_built_in(group: &str) -> bool {
    !group.contains('.') || group.ends_with(".k8s.io") || group == GROUP
}

#[cfg(test)]
mod tests {
    use capstan_sandbox::ManagedKind;

    use super::*;

    fn managing(group: &str, defined: bool) -> Descriptor {
        let definition = defined.then(|| serde_json::json!({}));
        let kind = GroupVersionKind::gvk(group, "v1", "Note");
        Descriptor {
            name: "note".to_owned(),
            version: "1.0.0".to_owned(),
            kinds: vec![ManagedKind { kind, definition, recoverable: false }],
            needs: Grants::default(),
            config_schema: None,
        }
    }

    #[test]
    fn only_kinds_that_are_brought_or_granted_to_be_managed_are_managed() {
        let check = |group: &str, defined: bool, grants: &str| {
            check_kinds(&managing(group, defined), &Grants::parse(grants).unwrap())
        };
        let granted = "manages: [{apiGroups: [acme.io, networking.k8s.io], kinds: [Note]}]";
        assert!(check("acme.io", true, "").is_ok());
        assert!(check("acme.io", false, granted).is_ok());
        assert!(check("acme.io", false, "").is_err());
        assert!(check("acme.io", false, "manages: [{apiGroups: [acme.io], kinds: [Other]}]").is_err());
        for defined in [true, false] {
            for group in ["networking.k8s.io", "apps"] {
                let error = check(group, defined, granted).unwrap_err();
                assert_eq!(error.reason(), "ForeignKind");
                assert!(error.to_string().contains("of Kubernetes"), "{error}");
            }
        }
    }

    #[test]
    fn to_reach_a_kind_is_not_to_manage_it() {
        let grants = |verbs: &str| {
            Grants::parse(&format!("kubernetes: [{{apiGroups: [acme.io], kinds: [Note], verbs: [{verbs}]}}]")).unwrap()
        };
        for verbs in ["get", "get, list, watch, create, update, patch, delete", "'*'"] {
            let error = check_kinds(&managing("acme.io", false), &grants(verbs)).unwrap_err();
            assert_eq!(error.reason(), "ForeignKind");
            // What it says to add is what mends it.
            let said = error.to_string();
            assert!(said.contains("a rule under `kubernetes` is not enough for that"), "{said}");
            let yaml = said.split('`').find(|part| part.starts_with("manages:")).unwrap_or_else(|| panic!("{said}"));
            assert!(check_kinds(&managing("acme.io", false), &Grants::parse(yaml).unwrap()).is_ok(), "{yaml}");
        }
    }

    #[test]
    fn a_kind_that_is_not_brought_is_asked_for() {
        assert_eq!(requested(&managing("acme.io", false)).manages, [ManagesGrant::one("acme.io", "Note")]);
        assert_eq!(requested(&managing("acme.io", true)).manages, []);
    }

    #[test]
    fn limits_are_for_kinds_that_are_managed() {
        let descriptor = managing("acme.io", false);
        let check = |kind: &str| {
            let grants = Grants::parse(&format!("limits: {{kinds: [{{kind: {kind}, memory: 1Mi}}]}}")).unwrap();
            check_limits(&descriptor, &grants)
        };
        assert!(check("Note").is_ok());
        let error = check("note").unwrap_err();
        assert_eq!(error.reason(), "GrantsInvalid");
        assert!(error.to_string().contains("kind note, ") && error.to_string().contains("Note"), "{error}");
    }

    #[test]
    fn kinds_of_kubernetes_are_nobodys_own() {
        for group in ["", "apps", "rbac.authorization.k8s.io", "apiextensions.k8s.io", "capstan.dev"] {
            assert!(is_built_in(group), "{group}");
        }
        for group in ["krateo.io", "test.example.org"] {
            assert!(!is_built_in(group), "{group}");
        }
    }
}
