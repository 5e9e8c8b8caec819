//! The roles that give the host, or the account in whose name it acts, what one provider needs.

use std::collections::BTreeMap;

use capstan_api::ServiceAccount;
use capstan_providers::rights::{ANY, Right, Rights};
use serde_json::{Value, json};

use crate::documents::Document;

/// The label by which the host's own `ClusterRole` adds up those of its providers.
pub(crate) const AGGREGATE: &str = "capstan.dev/aggregate-to-host";

/// Where the host's rights are given to: its `ServiceAccount`, as `capstan manifests` makes it.
const ACCOUNT: &str = "capstan";

/// Whom rights are given to.
#[derive(Clone, Copy)]
enum Holder<'a> {
    /// The host in this namespace.
    Host(&'a str),
    Account(&'a ServiceAccount),
}

/// What a cluster needs so that the API server lets a provider do what it is to do. Without an account all of it is the host's. With
/// one, that account, and for the host no more than to install definitions and to act as that account.
pub(super) fn of_provider(
    provider: &str,
    rights: &Rights,
    labels: &BTreeMap<String, String>,
    namespace: &str,
    account: Option<&ServiceAccount>,
) -> Vec<Document> {
    let (name, host) = (format!("capstan-provider-{provider}"), Holder::Host(namespace));
    let by_provider = rights.own.iter().chain(&rights.granted);
    let Some(account) = account else {
        let all: Vec<&Right> = rights.host.iter().chain(by_provider).collect();
        return roles(&all, &name, labels, host);
    };
    let mut documents = vec![Document::from(json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": account.name(), "namespace": account.namespace(), "labels": {"app.kubernetes.io/part-of": "capstan"}},
    }))];
    documents.extend(roles(&rights.host.iter().collect::<Vec<_>>(), &name, labels, host));
    let name = format!("capstan-account-{provider}");
    documents.extend(roles(&by_provider.collect::<Vec<_>>(), &name, labels, Holder::Account(account)));
    documents
}

/// A `ClusterRole` for what holds everywhere, and a Role with its binding for each namespace that the rights name.
fn roles(all: &[&Right], name: &str, labels: &BTreeMap<String, String>, holder: Holder<'_>) -> Vec<Document> {
    let everywhere: Vec<&Right> = all.iter().copied().filter(|right| right.namespace.is_none()).collect();
    let mut documents = Vec::new();
    if !everywhere.is_empty() {
        let mut labels_of_role = labels.clone();
        // Kubernetes adds up what is the host's; an account is bound to its own.
        if matches!(holder, Holder::Host(_)) {
            labels_of_role.insert(AGGREGATE.to_owned(), "true".to_owned());
        }
        documents.push(Document {
            comment: wildcards(&everywhere),
            object: json!({
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRole",
                "metadata": {"name": name, "labels": labels_of_role},
                "rules": rules(&everywhere),
            }),
        });
        if matches!(holder, Holder::Account(_)) {
            documents.push(binding("ClusterRole", &json!({"name": name, "labels": labels}), holder));
        }
    }
    let mut places: Vec<&str> = all.iter().filter_map(|right| right.namespace.as_deref()).collect();
    places.sort_unstable();
    places.dedup();
    for place in places {
        let here: Vec<&Right> = all.iter().copied().filter(|right| right.namespace.as_deref() == Some(place)).collect();
        let metadata = json!({"name": name, "namespace": place, "labels": labels});
        documents.push(Document {
            comment: wildcards(&here),
            object: json!({
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "Role",
                "metadata": metadata,
                "rules": rules(&here),
            }),
        });
        documents.push(binding("Role", &metadata, holder));
    }
    documents
}

/// Gives the role of the same name.
fn binding(role: &str, metadata: &Value, holder: Holder<'_>) -> Document {
    let (namespace, account) = match holder {
        Holder::Host(namespace) => (namespace, ACCOUNT),
        Holder::Account(account) => (account.namespace(), account.name()),
    };
    Document::from(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": format!("{role}Binding"),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": role, "name": metadata["name"]},
        "metadata": metadata,
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
    }))
}

/// A Role that lets the host read one Secret of its own namespace, and its binding.
pub(super) fn pull_secret(name: &str, namespace: &str) -> Vec<Document> {
    let right = Right {
        namespace: Some(namespace.to_owned()),
        names: vec![name.to_owned()],
        ..Right::new("", "secrets", &["get"])
    };
    let labels = [("app.kubernetes.io/component", "provider"), ("app.kubernetes.io/part-of", "capstan")];
    let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    roles(&[&right], &format!("capstan-pull-{name}"), &labels, Holder::Host(namespace))
}

/// One rule for all resources of a group with the same verbs and names.
fn rules(rights: &[&Right]) -> Vec<Value> {
    let mut merged: Vec<(&Right, Vec<&str>)> = Vec::new();
    for right in rights {
        let alike = |(other, _): &&mut (&Right, Vec<&str>)| {
            other.group == right.group && other.verbs == right.verbs && other.names == right.names
        };
        match merged.iter_mut().find(alike) {
            Some((_, resources)) if resources.contains(&right.resource.as_str()) => {}
            Some((_, resources)) => resources.push(&right.resource),
            None => merged.push((right, vec![&right.resource])),
        }
    }
    let rule = |(right, resources): (&Right, Vec<&str>)| {
        let mut rule = json!({"apiGroups": [right.group], "resources": resources, "verbs": right.verbs});
        if !right.names.is_empty() {
            rule["resourceNames"] = json!(right.names);
        }
        rule
    };
    merged.into_iter().map(rule).collect()
}

/// What an administrator should know who wrote `"*"`.
fn wildcards(rights: &[&Right]) -> Vec<String> {
    let any = rights.iter().any(|right| right.group == ANY || right.resource == ANY);
    let words = [
        r#"Careful: the grants say "*". RBAC takes it for every subresource as well, such as pods/exec, nodes/proxy and"#,
        "serviceaccounts/token, and for kinds that come later. The host lets the provider do no more than its grants say; name",
        "the kinds to bind the host itself.",
    ];
    if any { words.map(str::to_owned).to_vec() } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right(resource: &str, verbs: &[&str]) -> Right {
        Right::new("", resource, verbs)
    }

    fn objects(rights: &Rights) -> Vec<Value> {
        let labels = BTreeMap::from([("capstan.dev/provider".to_owned(), "note".to_owned())]);
        objects_for(rights, &labels, None)
    }

    fn objects_for(rights: &Rights, labels: &BTreeMap<String, String>, account: Option<&ServiceAccount>) -> Vec<Value> {
        of_provider("note", rights, labels, "host", account).into_iter().map(|document| document.object).collect()
    }

    #[test]
    fn rights_with_the_same_verbs_and_names_share_a_rule() {
        let named = Right { names: vec!["a".to_owned()], ..right("configmaps", &["get"]) };
        let granted = vec![right("pods", &["get"]), right("secrets", &["get"]), right("pods", &["get"]), named];
        let made = objects(&Rights { own: vec![right("pods", &["patch"])], granted, ..Rights::default() });
        assert_eq!(
            made,
            [json!({
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRole",
                "metadata": {
                    "name": "capstan-provider-note",
                    "labels": {"capstan.dev/provider": "note", AGGREGATE: "true"},
                },
                "rules": [
                    {"apiGroups": [""], "resources": ["pods"], "verbs": ["patch"]},
                    {"apiGroups": [""], "resources": ["pods", "secrets"], "verbs": ["get"]},
                    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"], "resourceNames": ["a"]},
                ],
            })]
        );
    }

    #[test]
    fn a_namespace_gets_a_role_of_its_own_and_nothing_is_granted_elsewhere() {
        let granted = vec![Right { namespace: Some("team".to_owned()), ..right("pods", &["get"]) }];
        let made = objects(&Rights { granted, ..Rights::default() });
        let [role, binding] = made.as_slice() else { panic!("{made:?}") };
        assert_eq!((&role["kind"], &role["metadata"]["namespace"]), (&json!("Role"), &json!("team")));
        assert_eq!(role["metadata"]["labels"], json!({"capstan.dev/provider": "note"}));
        assert_eq!(binding["metadata"]["namespace"], "team");
        assert_eq!(binding["roleRef"]["name"], role["metadata"]["name"]);
        assert_eq!(binding["subjects"], json!([{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": "host"}]));
    }

    #[test]
    fn an_account_gets_what_is_the_providers_and_the_host_no_more_than_to_act_as_it() {
        let account: ServiceAccount = "team-a/note".parse().unwrap();
        let impersonate = Right {
            namespace: Some("team-a".to_owned()),
            names: vec!["note".to_owned()],
            ..right("serviceaccounts", &["impersonate"])
        };
        let in_team = Right { namespace: Some("team".to_owned()), ..right("secrets", &["get"]) };
        let rights = Rights {
            host: vec![right("customresourcedefinitions", &["patch"]), impersonate],
            own: vec![right("notes", &["patch"])],
            granted: vec![in_team],
            ..Rights::default()
        };
        let made = objects_for(&rights, &BTreeMap::new(), Some(&account));
        let of_account = json!([{"kind": "ServiceAccount", "name": "note", "namespace": "team-a"}]);
        let of_host = json!([{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": "host"}]);
        let told: Vec<_> = made
            .iter()
            .map(|object| {
                let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
                let subjects = object.get("subjects").map(|subjects| {
                    if *subjects == of_account {
                        "account"
                    } else if *subjects == of_host {
                        "host"
                    } else {
                        "?"
                    }
                });
                let aggregated = !object["metadata"]["labels"][AGGREGATE].is_null();
                (
                    text("/kind"),
                    text("/metadata/name"),
                    text("/metadata/namespace"),
                    text("/rules/0/resources/0"),
                    subjects,
                    aggregated,
                )
            })
            .collect();
        let (host, own) = ("capstan-provider-note", "capstan-account-note");
        assert_eq!(
            told,
            [
                ("ServiceAccount", "note", "team-a", "", None, false),
                ("ClusterRole", host, "", "customresourcedefinitions", None, true),
                ("Role", host, "team-a", "serviceaccounts", None, false),
                ("RoleBinding", host, "team-a", "", Some("host"), false),
                ("ClusterRole", own, "", "notes", None, false),
                ("ClusterRoleBinding", own, "", "", Some("account"), false),
                ("Role", own, "team", "secrets", None, false),
                ("RoleBinding", own, "team", "", Some("account"), false),
            ]
        );
        let role = &made[2]["rules"][0];
        assert_eq!((&role["verbs"], &role["resourceNames"]), (&json!(["impersonate"]), &json!(["note"])));
    }

    #[test]
    fn a_wildcard_comes_with_a_word_of_care() {
        let comment = |resource: &str| {
            let rights = Rights { granted: vec![right(resource, &["get"])], ..Rights::default() };
            of_provider("it", &rights, &BTreeMap::new(), "host", None)[0].comment.join(" ")
        };
        assert!(comment("*").contains("pods/exec"));
        assert_eq!(comment("pods"), "");
    }
}
