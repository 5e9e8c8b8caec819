//! What is asked for and what is granted, and what of both is allowed.

use capstan_api::provider_kind;

use super::*;

fn granted(needs: &str, grants: &str) -> Granted {
    let rules = |text: &str| Grants::parse(&format!("kubernetes: {text}")).unwrap().kubernetes;
    Granted {
        own: vec![GroupVersionKind::gvk("test.capstan.dev", "v1", "Note")],
        asked: rules(needs),
        given: rules(grants),
        outside: Outside::default(),
        protected: Some("capstan-system".to_owned()),
    }
}

fn config_map() -> GroupVersionKind {
    GroupVersionKind::gvk("", "v1", "ConfigMap")
}

fn get(granted: &Granted, namespace: &str, name: &str) -> Result<Permit, Denied> {
    let key = ObjectKey::namespaced(namespace, name);
    granted.decide(&Request { verb: Verb::Get, kind: &config_map(), place: Place::Object(&key) })
}

fn list(granted: &Granted, namespace: Option<&str>) -> Result<Permit, Denied> {
    granted.decide(&Request { verb: Verb::List, kind: &config_map(), place: Place::All(namespace) })
}

const ALL: &str = "[{apiGroups: ['*'], kinds: ['*'], verbs: ['*']}]";
const TEAM: &str = "[{apiGroups: [''], kinds: [ConfigMap], verbs: [get, list], namespaces: [team-a]}]";
const NAMED: &str = "[{apiGroups: [''], kinds: [ConfigMap], verbs: [get, list], namespaces: [team-a], names: [foo]}]";

#[test]
fn the_namespace_of_the_grants_is_written_only_by_name() {
    let named = "[{apiGroups: ['*'], kinds: ['*'], verbs: ['*'], namespaces: [capstan-system]}]";
    let key = ObjectKey::namespaced("capstan-system", "foo");
    let decide = |grants: &str, verb| {
        granted(ALL, grants).decide(&Request { verb, kind: &config_map(), place: Place::Object(&key) }).is_ok()
    };
    for verb in [Verb::Create, Verb::Update, Verb::Patch, Verb::Delete] {
        assert!(!decide(ALL, verb), "{verb:?}");
        assert!(decide(named, verb), "{verb:?}");
    }
    assert!(decide(ALL, Verb::Get));
}

#[test]
fn objects_that_hold_grants_are_written_only_by_the_name_of_their_group() {
    let named = "[{apiGroups: [capstan.dev], kinds: ['*'], verbs: ['*']}]";
    let decide = |grants: &str, verb| {
        let (kind, key) = (provider_kind(), ObjectKey::cluster("foo"));
        granted(ALL, grants).decide(&Request { verb, kind: &kind, place: Place::Object(&key) }).is_ok()
    };
    for verb in [Verb::Create, Verb::Update, Verb::Patch, Verb::Delete] {
        assert!(!decide(ALL, verb), "{verb:?}");
        assert!(decide(named, verb), "{verb:?}");
    }
    assert!(decide(ALL, Verb::Get));
}

#[test]
fn empty_means_nothing_on_either_side() {
    for (needs, grants) in [("[]", "[]"), (ALL, "[]"), ("[]", ALL)] {
        assert!(get(&granted(needs, grants), "team-a", "foo").is_err(), "{needs} {grants}");
    }
    assert!(get(&granted(ALL, ALL), "team-a", "foo").is_ok());
}

#[test]
fn own_kinds_need_nothing() {
    let key = ObjectKey::namespaced("anywhere", "it");
    for version in ["v1", "v2"] {
        let kind = GroupVersionKind::gvk("test.capstan.dev", version, "Note");
        let request = Request { verb: Verb::Delete, kind: &kind, place: Place::Object(&key) };
        assert!(granted("[]", "[]").decide(&request).is_ok());
    }
    let kind = GroupVersionKind::gvk("other.dev", "v1", "Note");
    let request = Request { verb: Verb::Get, kind: &kind, place: Place::Object(&key) };
    assert!(granted("[]", "[]").decide(&request).is_err());
}

#[test]
fn verbs_namespaces_and_names_narrow() {
    let granted = granted(ALL, NAMED);
    assert!(get(&granted, "team-a", "foo").is_ok());
    assert!(get(&granted, "team-b", "foo").is_err());
    assert!(get(&granted, "team-a", "bar").is_err());
    let key = ObjectKey::namespaced("team-a", "foo");
    let kind = config_map();
    assert!(granted.decide(&Request { verb: Verb::Delete, kind: &kind, place: Place::Object(&key) }).is_err());
    let secret = GroupVersionKind::gvk("", "v1", "Secret");
    assert!(granted.decide(&Request { verb: Verb::Get, kind: &secret, place: Place::Object(&key) }).is_err());
    let foreign = GroupVersionKind::gvk("fake.dev", "v1", "ConfigMap");
    assert!(granted.decide(&Request { verb: Verb::Get, kind: &foreign, place: Place::Object(&key) }).is_err());
    let cluster = ObjectKey::cluster("foo");
    assert!(granted.decide(&Request { verb: Verb::Get, kind: &kind, place: Place::Object(&cluster) }).is_err());
}

#[test]
fn needs_narrow_as_much_as_grants() {
    let granted = granted(NAMED, ALL);
    assert!(get(&granted, "team-a", "foo").is_ok());
    let denied = get(&granted, "team-a", "bar").unwrap_err().to_string();
    assert!(denied.contains("`needs`"), "{denied}");
}

#[test]
fn lists_need_the_place_they_look_at() {
    let team = granted(ALL, TEAM);
    assert!(list(&team, Some("team-a")).is_ok());
    assert!(list(&team, Some("team-b")).is_err());
    let denied = list(&team, None).unwrap_err().to_string();
    assert_eq!(
        denied,
        "list of ConfigMap in all namespaces is not granted to this provider; \
         granted: get, list of ConfigMap in the core group in namespace team-a"
    );
    assert!(list(&granted(ALL, NAMED), Some("team-a")).is_err(), "names cannot confine a list");
    assert!(list(&granted(ALL, ALL), None).is_ok());
}

#[test]
fn labels_become_a_condition() {
    let green = "[{apiGroups: [''], kinds: [ConfigMap], verbs: [get, list], labelSelector: {colour: green}}]";
    let tall = "[{apiGroups: [''], kinds: [ConfigMap], verbs: ['*'], labelSelector: {size: tall}}]";
    let permit = get(&granted(tall, green), "a", "b").unwrap();
    let labels = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    assert!(permit.is_conditional());
    assert!(permit.covers(&labels(&[("colour", "green"), ("size", "tall"), ("more", "x")])));
    assert!(!permit.covers(&labels(&[("colour", "green")])));
    assert_eq!(permit.selector().as_deref(), Some("colour=green,size=tall"));
    assert!(!get(&granted(ALL, ALL), "a", "b").unwrap().is_conditional());
}

#[test]
fn a_rule_without_labels_beside_one_with_them_lifts_the_condition() {
    let both = "[{apiGroups: [''], kinds: [ConfigMap], verbs: [get], labelSelector: {colour: green}}, \
                {apiGroups: [''], kinds: [ConfigMap], verbs: [get], namespaces: [free]}]";
    let granted = granted(ALL, both);
    assert!(get(&granted, "a", "b").unwrap().is_conditional());
    assert!(!get(&granted, "free", "b").unwrap().is_conditional());
}

#[test]
fn labels_that_contradict_each_other_grant_nothing() {
    let rule =
        |colour| format!("[{{apiGroups: [''], kinds: [ConfigMap], verbs: [get], labelSelector: {{c: {colour}}}}}]");
    assert!(get(&granted(&rule("green"), &rule("red")), "a", "b").is_err());
}

#[test]
fn what_is_watched_for_an_object_is_no_more_than_may_be_read() {
    let labelled = "[{apiGroups: [''], kinds: [ConfigMap], verbs: [get], labelSelector: {colour: green}}]";
    let target = ObjectRef { kind: config_map(), key: ObjectKey::namespaced("team-a", "foo") };
    for (grants, reach) in [
        (ALL, Reach::Cluster),
        (TEAM, Reach::Namespace),
        (NAMED, Reach::Object),
        (labelled, Reach::Object),
        ("[{apiGroups: [''], kinds: [ConfigMap], verbs: [list]}]", Reach::Object),
        ("[]", Reach::Object),
    ] {
        assert_eq!(granted(ALL, grants).reach(&target), reach, "{grants}");
    }
    let elsewhere = ObjectRef { kind: config_map(), key: ObjectKey::namespaced("team-b", "foo") };
    assert_eq!(granted(ALL, TEAM).reach(&elsewhere), Reach::Object);
}

#[test]
fn a_refusal_of_an_unknown_kind_says_so() {
    let denied = get(&granted(ALL, "[]"), "team-a", "foo").unwrap_err().to_string();
    assert_eq!(
        denied,
        "get of ConfigMap team-a/foo is not granted to this provider; \
         nothing is granted for ConfigMap in the core group"
    );
}
