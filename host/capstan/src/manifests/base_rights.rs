//! Whether the host has the rights that its manifests would give it.

use capstan_providers::rights::{self, Right};
use kube::Client;
use serde_json::Value;

/// Warns of each right that is missing, with the command that gives it. The host starts all the same: with some rights less
/// it may still be of use, and those that come later are used as soon as they are there.
pub(crate) async fn warn_about_missing(client: &Client, namespace: &str) {
    let missing = match super::rights(namespace) {
        Ok(roles) => rights::missing(client, &mut rights::Rulebook::default(), &of(&roles)).await,
        Err(error) => {
            tracing::error!(%error, "the manifests cannot be read");
            return;
        }
    };
    match missing {
        Ok(missing) => {
            for right in missing {
                tracing::warn!(
                    reason = "RightsMissing",
                    "the host has not the right to {right} -- give it with `capstan manifests --part rbac --namespace \
                     {namespace} | kubectl apply -f -`"
                );
            }
        }
        Err(error) => tracing::warn!(%error, "rights not checked"),
    }
}

/// The rules of roles; bindings and other objects say nothing.
fn of(roles: &[Value]) -> Vec<Right> {
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
    };
    let mut rights = Vec::new();
    for role in roles {
        let namespace = role["metadata"]["namespace"].as_str().map(str::to_owned);
        for rule in role["rules"].as_array().into_iter().flatten() {
            for group in texts(&rule["apiGroups"]) {
                for resource in texts(&rule["resources"]) {
                    rights.push(Right {
                        group: group.clone(),
                        resource,
                        verbs: texts(&rule["verbs"]),
                        namespace: namespace.clone(),
                        names: texts(&rule["resourceNames"]),
                    });
                }
            }
        }
    }
    rights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rights_are_those_of_the_manifests() {
        let rights = of(&super::super::rights("elsewhere").unwrap());
        let words: Vec<String> = rights.iter().map(Right::to_string).collect();
        assert_eq!(
            words,
            [
                "list, watch of configmaps in namespace elsewhere",
                "get, list, watch, create, update, delete of leases.coordination.k8s.io in namespace elsewhere",
                "create, patch of events.events.k8s.io",
                "get, list, watch, create, patch, delete of providers.capstan.dev",
                "patch of providers/status.capstan.dev",
            ]
        );
    }
}
