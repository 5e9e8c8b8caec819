use std::time::Duration;

use super::*;

#[test]
fn a_full_file_is_read() {
    let grants = Grants::parse(
        r#"
kubernetes:
  - {apiGroups: [""], kinds: [ConfigMap], verbs: [get, "*"], namespaces: [team-a], names: [foo]}
limits: {callTimeout: 10s, reconcileTimeout: 1m, memory: 64Mi}
"#,
    )
    .unwrap();
    assert_eq!(grants.kubernetes[0].verbs, [Verb::Get, Verb::Any]);
    assert_eq!(grants.limits.call_timeout, Some(Duration::from_secs(10)));
    assert_eq!(grants.limits.reconcile_timeout, Some(Duration::from_mins(1)));
    assert_eq!(grants.limits.memory, Some(64 << 20));
}

#[test]
fn a_kind_has_its_own_limits_and_for_the_rest_those_of_all() {
    let grants = Grants::parse(
        "limits: {callTimeout: 5s, memory: 32Mi, kinds: [{kind: Repo, reconcileTimeout: 2m, memory: 128Mi}]}",
    )
    .unwrap();
    let repo = grants.limits.of_kind("Repo");
    assert_eq!(repo.call_timeout, Some(Duration::from_secs(5)));
    assert_eq!(repo.reconcile_timeout, Some(Duration::from_mins(2)));
    assert_eq!(repo.memory, Some(128 << 20));
    let others = grants.limits.of_kind("Team");
    assert_eq!((others.reconcile_timeout, others.memory), (None, Some(32 << 20)));
    let written = serde_json::to_value(&grants.limits).unwrap();
    assert_eq!(written["kinds"][0], serde_json::json!({"kind": "Repo", "reconcileTimeout": "2m", "memory": 128 << 20}));
}

#[test]
fn what_lies_outside_is_read() {
    let grants = Grants::parse(
        r#"
http:
  - {origin: "https://api.github.com", methods: [GET, PATCH], pathPrefix: /repos}
  - {origin: "http://127.0.0.1:8080", allowPrivate: true, allowPlaintext: true}
secrets:
  - {namespace: team-a, names: [github-token], keys: [token], origins: ["https://api.github.com"]}
  - {names: [hook], keys: [secret], origins: ["https://api.github.com"], bodyMembers: [/config/secret]}
config: {apiUrl: "https://api.github.com", retries: 3}
"#,
    )
    .unwrap();
    assert_eq!(grants.http[0].methods.as_deref(), Some(&[HttpMethod::Get, HttpMethod::Patch][..]));
    assert!(grants.http[1].allow_private && !grants.http[0].allow_private);
    assert_eq!(grants.secrets[0].origins[0].to_string(), "https://api.github.com");
    assert_eq!(grants.secrets[1].body_members.as_deref(), Some(&["/config/secret".to_owned()][..]));
    assert_eq!(grants.config.unwrap()["retries"], 3);
}

#[test]
fn any_origin_can_be_asked_for_and_not_granted() {
    for text in [
        "http: [{origin: '*'}]",
        "secrets: [{names: ['*'], keys: ['*'], origins: ['*']}]",
        "http: [{origin: '*', methods: [GET]}]",
    ] {
        Grants::parse_needs(text).expect(text);
        let error = Grants::parse(text).expect_err(text).to_string();
        assert!(error.contains("must be named"), "{error}");
    }
    assert!(matches!(Grants::parse_needs("config: {}"), Err(GrantError::Config)));
}

#[test]
fn an_account_can_be_given_and_not_asked_for() {
    let text = "serviceAccount: {namespace: team-a, name: patch}";
    assert_eq!(Grants::parse(text).unwrap().service_account, ServiceAccount::new("team-a", "patch").ok());
    assert!(matches!(Grants::parse_needs(text), Err(GrantError::ServiceAccount)));
}

#[test]
fn nothing_grants_nothing() {
    for text in ["", "\n# only a comment\n"] {
        assert_eq!(Grants::parse(text).unwrap(), Grants::default());
    }
}

#[test]
fn whole_numbers_of_a_configuration_are_integers() {
    let grants = Grants::parse("config: {ratio: 1.0, list: [{deep: 2.0}], half: 0.5, large: 1.0e300}").unwrap();
    let config = serde_json::to_value(grants.config).unwrap();
    assert_eq!(config, serde_json::json!({"ratio": 1, "list": [{"deep": 2}], "half": 0.5, "large": 1.0e300}));
}

#[test]
fn mistakes_are_named() {
    for (text, expected) in [
        ("kubernets: []", "kubernets"),
        ("kubernetes: [{apiGroups: [''], kinds: [ConfigMap]}]", "verbs"),
        ("kubernetes: [{apiGroups: [''], kinds: [ConfigMap], verbs: [read]}]", "read"),
        ("kubernetes: [{apiGroups: [''], kinds: [], verbs: [get]}]", "empty list of kinds"),
        ("limits: {memory: 64MB}", "64MB"),
        ("limits: {callTimeout: 25h}", "longer than 24h"),
        ("limits: {reconcileTimeout: 18446744073709551615ms}", "longer than 24h"),
        ("limits: {requests: 0}", "requests is zero"),
        ("limits: {requests: 10001}", "10000 at most"),
        ("limits: {httpRequests: 10001}", "httpRequests is 10001"),
        ("limits: {httpBytes: 2Gi}", "1073741824 at most"),
        ("limits: {memory: 4294967297}", "memory is 4294967297: give 4294967296 at most"),
        ("limits: {kinds: [{kind: A, memory: 5Gi}]}", "4294967296 at most"),
        ("limits: {events: 1001}", "1000 at most"),
        ("limits: {lines: 10001}", "lines is 10001"),
        ("limits: {logBytes: 17Mi}", "16777216 at most"),
        ("limits: {kinds: [{kind: A, events: 1001}]}", "events is 1001"),
        ("manages: [{apiGroups: [a.b], kinds: []}]", "empty list of kinds"),
        ("manages: [{apiGroups: [], kinds: [A]}]", "empty list of apiGroups"),
        ("manages: [{apiGroups: [a.b], kinds: ['*']}]", "must be named"),
        ("manages: [{apiGroups: ['*'], kinds: [A]}]", "must be named"),
        ("manages: [{apiGroups: [a.b], kinds: [A], verbs: [get]}]", "verbs"),
        (
            "manages: [{apiGroups: [''], kinds: [A]}]",
            "`` among its apiGroups: a group has a dot inside; those without are Kubernetes' own",
        ),
        ("manages: [{apiGroups: [a.b, apps], kinds: [A]}]", "`apps` among its apiGroups: a group has a dot"),
        ("manages: [{apiGroups: ['.'], kinds: [A]}]", "`.` among its apiGroups"),
        (
            "manages: [{apiGroups: ['*.acme.io'], kinds: [A]}]",
            "`*.acme.io` among its apiGroups: a group has lower-case",
        ),
        ("manages: [{apiGroups: [Acme.io], kinds: [A]}]", "lower-case letters"),
        ("manages: [{apiGroups: [\"a.b\\n\"], kinds: [A]}]", "`a.b\\n` among its apiGroups"),
        ("manages: [{apiGroups: [a.b], kinds: ['']}]", "`` among its kinds: a kind has letters and digits"),
        ("manages: [{apiGroups: [a.b], kinds: [A, things.a.b]}]", "`things.a.b` among its kinds"),
        ("limits: {callTimeout: 10}", "10"),
        ("limits: {callTimeout: 0s}", "zero"),
        ("limits: {kinds: [{kind: A, memory: 0}]}", "memory is zero"),
        ("limits: {kinds: [{memory: 1Mi}]}", "kind"),
        ("limits: {kinds: [{kind: A, memory: 1Mi}, {kind: A, callTimeout: 1s}]}", "A twice"),
        ("limits: {kinds: [{kind: A}]}", "no limit"),
        ("limits: {kinds: [{kind: A, concurrency: 3}]}", "concurrency"),
        ("http: [{origin: 'https://a.b/', methods: [GET]}]", "write https://a.b"),
        ("http: [{origin: 'http://a.b'}]", "allowPlaintext"),
        ("http: [{origin: 'https://a.b', methods: []}]", "empty list of methods"),
        ("http: [{origin: 'https://a.b', methods: [get]}]", "GET"),
        ("http: [{origin: 'https://a.b', path: /x}]", "pathPrefix"),
        ("http: [{origin: 'https://a.b', pathPrefix: x}]", "absolute path"),
        ("http: [{origin: 'https://a.b', pathPrefix: /x/../y}]", "absolute path"),
        ("http: [{origin: 'https://a.b', allowPrivate: true}, {origin: 'https://a.b'}]", "allowPrivate"),
        ("secrets: [{names: [a], keys: [b]}]", "origins"),
        ("secrets: [{names: [a], keys: [], origins: ['https://a.b']}]", "empty list of keys"),
        ("secrets: [{names: [a], keys: [b], origins: ['https://a.b'], namespaces: [c]}]", "namespace"),
        ("secrets: [{names: [a], keys: [b], origins: ['https://a.b'], bodyMembers: []}]", "empty list of bodyMembers"),
        ("secrets: [{names: [a], keys: [b], origins: ['https://a.b'], bodyMembers: [secret]}]", "JSON pointer"),
        ("secrets: [{names: [a], keys: [b], origins: ['https://a.b'], bodyMembers: ['*']}]", "JSON pointer"),
        ("secrets: [{names: [a], keys: [b], origins: ['https://a.b'], bodyMembers: ['/a~2']}]", "JSON pointer"),
        ("config: 3", "expected mapping start at line 1, column 9"),
        ("serviceAccount: {namespace: team-a}", "name"),
        ("serviceAccount: {namespace: team-a, name: 'system:admin'}", "no name of a ServiceAccount"),
    ] {
        let error = Grants::parse(text).expect_err(text).to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn every_bound_can_be_set_for_all_kinds_and_for_one() {
    let grants = Grants::parse(
        "limits: {requests: 7, httpRequests: 6, httpBytes: 5Ki, events: 4, lines: 3, logBytes: 2Ki, \
         kinds: [{kind: Repo, requests: 70, httpRequests: 60, httpBytes: 50Ki, events: 40, lines: 30, logBytes: 20Ki}]}",
    )
    .unwrap();
    let counted = |limits: &Limits| {
        let Limits { requests, http_requests, http_bytes, events, lines, log_bytes, .. } = limits.clone();
        (requests, http_requests, http_bytes, events, lines, log_bytes)
    };
    let others = (Some(7), Some(6), Some(5 << 10), Some(4), Some(3), Some(2 << 10));
    assert_eq!((counted(&grants.limits), counted(&grants.limits.of_kind("Team"))), (others, others));
    let own = (Some(70), Some(60), Some(50 << 10), Some(40), Some(30), Some(20 << 10));
    assert_eq!(counted(&grants.limits.of_kind("Repo")), own);
}

#[test]
fn what_may_be_managed_is_named_and_nothing_else_says_so() {
    let grants = Grants::parse(
        "manages: [{apiGroups: [a.b, c.d], kinds: [A]}]\nkubernetes: [{apiGroups: [e.f], kinds: [E], verbs: ['*']}]",
    )
    .unwrap();
    assert!(grants.manages("a.b", "A") && grants.manages("c.d", "A"));
    assert!(!grants.manages("a.b", "B") && !grants.manages("e.f", "E") && !grants.manages("e.f", "A"));
    let asked = Grants::parse_needs("manages: [{apiGroups: [a.b], kinds: [A]}]");
    assert!(matches!(asked, Err(GrantError::Manages)));
}
