use capstan_api::GroupVersionKind;
use serde_json::json;

use super::*;

fn descriptor() -> Descriptor {
    let definition = json!({
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "notes.test.example.org"},
        "spec": {
            "group": "test.example.org", "scope": "Namespaced",
            "names": {"kind": "Note", "plural": "notes"},
            "versions": [{"name": "v1", "served": true, "subresources": {"status": {}}}],
        },
    });
    Descriptor {
        name: "note".to_owned(),
        version: "1.0.0".to_owned(),
        kinds: vec![ManagedKind {
            kind: GroupVersionKind::gvk("test.example.org", "v1", "Note"),
            definition: Some(definition),
            recoverable: true,
        }],
        needs: Grants::default(),
        config_schema: None,
    }
}

fn rights(grants: &str) -> Rights {
    let grants = Grants::parse(&format!("kubernetes: [{grants}]")).unwrap();
    Rights::of(&descriptor(), &grants, &Kinds::of(&descriptor()))
}

fn in_words(rights: &[Right]) -> Vec<String> {
    rights.iter().map(Right::to_string).collect()
}

#[test]
fn own_kinds_need_what_the_lifecycle_does_and_their_definition_by_name() {
    let rights = rights("");
    assert_eq!(
        in_words(&rights.host),
        ["get, list, watch, create, patch of customresourcedefinitions.apiextensions.k8s.io named \
             notes.test.example.org",]
    );
    assert_eq!(
        in_words(&rights.own),
        [
            "get, list, watch, patch of notes.test.example.org",
            "patch of notes/status.test.example.org",
            "update of notes/finalizers.test.example.org",
        ]
    );
    assert_eq!((rights.granted, rights.unknown), (vec![], vec![]));
}

#[test]
fn grants_become_rights() {
    let cases: &[(&str, &[&str])] = &[
        // What is read is watched, so that its change wakes the reader.
        ("{apiGroups: [''], kinds: [Secret], verbs: [get]}", &["get, list, watch of secrets"]),
        ("{apiGroups: [''], kinds: [Secret], verbs: [list]}", &["list, watch of secrets"]),
        ("{apiGroups: [''], kinds: [Secret], verbs: [delete, update]}", &["update, delete of secrets"]),
        // Every verb of the contract, and none besides.
        (
            "{apiGroups: [''], kinds: [Secret], verbs: ['*']}",
            &["get, list, watch, create, update, patch, delete of secrets"],
        ),
        // Names confine everything but a create.
        (
            "{apiGroups: [''], kinds: [ConfigMap], verbs: [get, create, patch], names: [a, b]}",
            &["get, list, watch, patch of configmaps named a, b", "create of configmaps"],
        ),
        (
            "{apiGroups: [''], kinds: [ConfigMap], verbs: [patch], namespaces: [one, two]}",
            &["patch of configmaps in namespace one", "patch of configmaps in namespace two"],
        ),
        // Subresources that hold part of an object's state go with it, where there are any.
        (
            "{apiGroups: [apps, ''], kinds: [Deployment, ConfigMap], verbs: [patch], names: [web]}",
            &[
                "patch of configmaps named web",
                "patch of deployments.apps named web",
                "patch of deployments/status.apps named web",
                "patch of deployments/scale.apps named web",
            ],
        ),
        // A kind without namespaces is never found in one.
        ("{apiGroups: [''], kinds: [Node], verbs: [get], namespaces: [one]}", &[]),
        ("{apiGroups: [''], kinds: [Node], verbs: [get]}", &["get, list, watch of nodes"]),
        ("{apiGroups: [test.example.org], kinds: [Note], verbs: [delete]}", &["delete of notes.test.example.org"]),
        ("{apiGroups: ['*'], kinds: ['*'], verbs: [delete]}", &["delete of *.*"]),
        ("{apiGroups: [apps], kinds: ['*'], verbs: [delete]}", &["delete of *.apps"]),
        ("{apiGroups: ['*'], kinds: [Event], verbs: [delete]}", &["delete of events.*"]),
    ];
    for (grant, expected) in cases {
        let rights = rights(grant);
        assert_eq!(in_words(&rights.granted), *expected, "{grant}");
        assert_eq!(rights.unknown, [], "{grant}");
    }
}

#[test]
fn kinds_that_nobody_knows_are_named() {
    for (grant, expected) in [
        (
            "{apiGroups: [acme.io], kinds: [Thing], verbs: [get]}",
            "rule 1 of the grants names kind Thing of group acme.io",
        ),
        (
            "{apiGroups: ['', acme.io], kinds: [ConfigMap, Thing], verbs: [get]}",
            "rule 1 of the grants names kind Thing of group acme.io",
        ),
        ("{apiGroups: ['', acme.io], kinds: [ConfigMap], verbs: [get]}", "rule 1 of the grants names group acme.io"),
        ("{apiGroups: ['', apps], kinds: [ConfigMap], verbs: [get]}", "rule 1 of the grants names group apps"),
        ("{apiGroups: [''], kinds: [Configmap], verbs: [get]}", "kind Configmap of the core group"),
        ("{apiGroups: ['*'], kinds: [Thing], verbs: [get]}", "kind Thing of group *"),
    ] {
        let rights = rights(grant);
        let [unknown] = rights.unknown.as_slice() else { panic!("{grant}: {:?}", rights.unknown) };
        assert!(unknown.to_string().contains(expected), "{grant}: {unknown}");
    }
}

#[test]
fn what_is_discovered_is_known_and_does_not_overrule() {
    let served = |group: &str, kind: &str, plural: &str| Served {
        group: group.to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
        namespaced: true,
        status: false,
        scale: false,
    };
    let mut kinds = Kinds::of(&descriptor());
    kinds.extend([served("acme.io", "Thing", "things"), served("", "ConfigMap", "other")]);
    let grants = "kubernetes: [{apiGroups: [acme.io, ''], kinds: [Thing, ConfigMap], verbs: [delete]}]";
    let rights = Rights::of(&descriptor(), &Grants::parse(grants).unwrap(), &kinds);
    assert_eq!(in_words(&rights.granted), ["delete of configmaps", "delete of things.acme.io"]);
}

#[test]
fn a_foreign_kind_that_is_managed_has_to_be_known() {
    let mut descriptor = descriptor();
    descriptor.kinds[0].definition = None;
    let rights = Rights::of(&descriptor, &Grants::default(), &Kinds::of(&descriptor));
    assert_eq!(rights.own, []);
    assert!(rights.unknown[0].to_string().contains("the provider manages kind Note"), "{}", rights.unknown[0]);
}

#[test]
fn a_foreign_kind_that_is_managed_needs_what_one_that_is_brought_needs() {
    let mut descriptor = descriptor();
    let brought = rights("").own;
    let (group, kind) = ("test.example.org".to_owned(), "Note".to_owned());
    let mut kinds = Kinds::default();
    kinds.extend([Served { group, kind, plural: "notes".to_owned(), namespaced: true, status: true, scale: false }]);
    descriptor.kinds[0].definition = None;
    let grants = Grants::parse("manages: [{apiGroups: [test.example.org, a.b], kinds: [Note, Other]}]").unwrap();
    let rights = Rights::of(&descriptor, &grants, &kinds);
    assert_eq!(
        (rights.own, rights.granted, rights.host),
        (brought, vec![], vec![]),
        "and what it does not manage needs none"
    );
}

#[test]
fn secrets_that_go_with_requests_are_read_and_watched_by_the_host() {
    let granted = |rule: &str| {
        let grants = Grants::parse(&format!("secrets: [{{{rule}, keys: [a], origins: ['https://a.b']}}]")).unwrap();
        in_words(&Rights::of(&descriptor(), &grants, &Kinds::of(&descriptor())).granted)
    };
    let named = granted("namespace: team-a, names: [token]");
    assert_eq!(named, ["get, list, watch of secrets named token in namespace team-a"]);
    assert_eq!(granted("names: [token]"), ["get, list, watch of secrets named token"], "the objects may be anywhere");
    assert_eq!(granted("namespace: '*', names: ['*']"), ["get, list, watch of secrets"]);
}

#[test]
fn to_act_as_an_account_is_a_right_of_the_host_to_exactly_that_one() {
    let grants = Grants::parse("serviceAccount: {namespace: team-a, name: note}").unwrap();
    let rights = Rights::of(&descriptor(), &grants, &Kinds::of(&descriptor()));
    assert_eq!(in_words(&rights.host)[1], "impersonate of serviceaccounts named note in namespace team-a");
    assert_eq!(rights.host.len(), 2, "no group, and nobody else");
}
