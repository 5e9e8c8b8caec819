//! From bytes to something that can be run, with nothing run yet but `describe`.

use bytes::Bytes;
use capstan_api::{GROUP, Grants, GroupVersionKind};
use capstan_sandbox::{Component, Descriptor, Sandbox};

use crate::ProviderError;

#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) component: Component,
    pub(crate) descriptor: Descriptor,
    pub(crate) grants: Grants,
}

impl Loaded {
    /// If it may manage its kinds, and takes its configuration.
    pub(crate) fn checked(component: Component, descriptor: Descriptor, grants: Grants) -> Result<Self, ProviderError> {
        check_kinds(&descriptor, &grants)?;
        check_limits(&descriptor, &grants)?;
        descriptor.check_config(grants.config.as_ref())?;
        Ok(Self { component, descriptor, grants })
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

/// Refuses with [`ProviderError::ForeignKind`] what wants to manage a kind of Kubernetes or of Capstan, or one that it
/// neither brings nor is granted by name.
pub fn check_kinds(descriptor: &Descriptor, grants: &Grants) -> Result<(), ProviderError> {
    let foreign = descriptor.kinds.iter().find(|managed| {
        let defined = managed.definition.is_some();
        is_built_in(&managed.kind.group) || !(defined || names(grants, &managed.kind))
    });
    match foreign {
        None => Ok(()),
        Some(managed) => {
            let GroupVersionKind { group, kind, .. } = managed.kind.clone();
            Err(ProviderError::ForeignKind { group, kind })
        }
    }
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

/// Whether the administrator speaks of a kind by its name; a `"*"` was not meant for this.
pub(crate) fn names(grants: &Grants, kind: &GroupVersionKind) -> bool {
    grants.kubernetes.iter().any(|rule| rule.api_groups.contains(&kind.group) && rule.kinds.contains(&kind.kind))
}

#[cfg(test)]
mod tests {
    use capstan_sandbox::ManagedKind;

    use super::*;

    #[test]
    fn only_kinds_that_are_brought_or_named_are_managed() {
        let check = |group: &str, defined: bool, grants: &str| {
            let definition = defined.then(|| serde_json::json!({}));
            let kind = GroupVersionKind::gvk(group, "v1", "Note");
            let descriptor = Descriptor {
                name: "note".to_owned(),
                version: "1.0.0".to_owned(),
                kinds: vec![ManagedKind { kind, definition, recoverable: false }],
                needs: Grants::default(),
                config_schema: None,
            };
            check_kinds(&descriptor, &Grants::parse(grants).unwrap()).is_ok()
        };
        let named = "kubernetes: [{apiGroups: [acme.io, apps], kinds: [Note], verbs: [get]}]";
        assert!(check("acme.io", true, ""));
        assert!(check("acme.io", false, named));
        assert!(!check("acme.io", false, ""));
        assert!(!check("apps", true, named));
    }

    #[test]
    fn limits_are_for_kinds_that_are_managed() {
        let kind = GroupVersionKind::gvk("acme.io", "v1", "Note");
        let descriptor = Descriptor {
            name: "note".to_owned(),
            version: "1.0.0".to_owned(),
            kinds: vec![ManagedKind { kind, definition: None, recoverable: false }],
            needs: Grants::default(),
            config_schema: None,
        };
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

    #[test]
    fn a_foreign_kind_must_be_named() {
        let kind = GroupVersionKind::gvk("cert-manager.io", "v1", "Certificate");
        let grants = |group: &str, kind: &str| {
            Grants::parse(&format!("kubernetes: [{{apiGroups: ['{group}'], kinds: ['{kind}'], verbs: [get]}}]"))
                .unwrap()
        };
        assert!(names(&grants("cert-manager.io", "Certificate"), &kind));
        assert!(!names(&grants("*", "*"), &kind));
        assert!(!names(&Grants::default(), &kind));
    }
}
