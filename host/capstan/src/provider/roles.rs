//! The roles that give the host what one provider needs.

use std::collections::BTreeMap;

use capstan_providers::rights::{ANY, Right, Rights};
use serde_json::{Value, json};

use crate::documents::Document;

/// The label by which the host's own `ClusterRole` adds up those of its providers.
pub(crate) const AGGREGATE: &str = "capstan.dev/aggregate-to-host";

/// Where the host's rights are given to: its `ServiceAccount`, as `capstan manifests` makes it.
const ACCOUNT: &str = "capstan";

/// A `ClusterRole` for what holds everywhere, and a Role with its binding for each namespace that the grants name.
pub(super) fn roles(rights: &Rights, name: &str, labels: &BTreeMap<String, String>, namespace: &str) -> Vec<Document> {
    let all = || rights.own.iter().chain(&rights.granted);
    let mut labels_of_sum = labels.clone();
    labels_of_sum.insert(AGGREGATE.to_owned(), "true".to_owned());
    let everywhere: Vec<&Right> = all().filter(|right| right.namespace.is_none()).collect();
    let mut documents = Vec::new();
    if !everywhere.is_empty() {
        documents.push(Document {
            comment: wildcards(&everywhere),
            object: json!({
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRole",
                "metadata": {"name": name, "labels": labels_of_sum},
                "rules": rules(&everywhere),
            }),
        });
    }
    let mut places: Vec<&str> = all().filter_map(|right| right.namespace.as_deref()).collect();
    places.sort_unstable();
    places.dedup();
    for place in places {
        let here: Vec<&Right> = all().filter(|right| right.namespace.as_deref() == Some(place)).collect();
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
        documents.push(Document::from(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}],
        })));
    }
    documents
}

/// A Role that lets the host read one Secret of its own namespace, and its binding.
pub(super) fn pull_secret(name: &str, namespace: &str) -> Vec<Document> {
    let right = Right {
        namespace: Some(namespace.to_owned()),
        names: vec![name.to_owned()],
        ..Right::new("", "secrets", &["get"])
    };
    let rights = Rights { granted: vec![right], ..Rights::default() };
    let labels = [("app.kubernetes.io/component", "provider"), ("app.kubernetes.io/part-of", "capstan")];
    let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    roles(&rights, &format!("capstan-pull-{name}"), &labels, namespace)
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
        roles(rights, "capstan-provider-note", &labels, "host").into_iter().map(|document| document.object).collect()
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
    fn a_wildcard_comes_with_a_word_of_care() {
        let comment = |resource: &str| {
            let rights = Rights { granted: vec![right(resource, &["get"])], ..Rights::default() };
            roles(&rights, "it", &BTreeMap::new(), "host")[0].comment.join(" ")
        };
        assert!(comment("*").contains("pods/exec"));
        assert_eq!(comment("pods"), "");
    }
}
