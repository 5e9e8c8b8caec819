use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::{Grants, Limits};

fn definition() -> Value {
    serde_saphyr::from_str(include_str!("../../../../deploy/10-provider-crd.yaml")).unwrap()
}

fn full_spec() -> Value {
    json!({
        "source": {"configMap": {"name": "carrier"}},
        "digest": format!("sha256:{}", "0".repeat(64)),
        "grants": {
            "kubernetes": [{
                "apiGroups": [""], "kinds": ["ConfigMap"], "verbs": ["get"], "namespaces": ["a"], "names": ["b"],
                "labelSelector": {"c": "d"},
            }],
            "manages": [{"apiGroups": ["e.f"], "kinds": ["G"]}],
            "http": [{
                "origin": "http://a.b", "methods": ["GET"], "pathPrefix": "/c", "allowPrivate": true, "allowPlaintext": true,
            }],
            "secrets": [{
                "namespace": "a", "names": ["b"], "keys": ["c"], "origins": ["https://a.b"], "bodyMembers": ["/d"],
            }],
        },
        "serviceAccount": {"namespace": "team-a", "name": "patch"},
        "limits": full_limits(&json!({"kinds": [full_limits(&json!({"kind": "Repo"}))]})),
        "concurrency": 4,
        "weight": 2,
        "pollInterval": "90s",
        "paused": true,
        "config": {"any": {"thing": 1}},
    })
}

/// Every bound, and what else there is to say.
fn full_limits(more: &Value) -> Value {
    let mut limits = json!({
        "callTimeout": "10s", "reconcileTimeout": "1m", "memory": 67_108_864, "requests": 1, "httpRequests": 2,
        "httpBytes": 3, "events": 4, "lines": 5, "logBytes": 6,
    });
    limits.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    limits
}

fn full_oci() -> Value {
    json!({"oci": {
        "reference": "localhost:5000/patch:1", "pullSecret": {"name": "registry"}, "plainHttp": true, "interval": "10s",
    }})
}

#[test]
fn a_full_oci_source_survives_a_round_trip() {
    let source: Source = serde_json::from_value(full_oci()).unwrap();
    assert_eq!(serde_json::to_value(&source).unwrap(), full_oci());
    let plain = Source::Oci(OciSource::new("r.io/patch:1"));
    assert_eq!(serde_json::to_value(&plain).unwrap(), json!({"oci": {"reference": "r.io/patch:1"}}));
    assert_eq!(plain.to_string(), "artifact r.io/patch:1");
}

#[test]
fn a_full_spec_survives_a_round_trip() {
    let spec: ProviderSpec = serde_json::from_value(full_spec()).unwrap();
    assert_eq!(spec.poll_interval, Some(Duration::from_secs(90)));
    assert_eq!(serde_json::to_value(&spec).unwrap(), full_spec());
    let grants = spec.grants().unwrap();
    assert_eq!((grants.limits.memory, grants.config.unwrap()["any"]["thing"].as_i64()), (Some(64 << 20), Some(1)));
}

#[test]
fn what_a_grants_file_says_is_what_its_provider_says() {
    let file = "kubernetes: [{apiGroups: [''], kinds: [Pod], verbs: [get]}]\nlimits: {callTimeout: 500ms}\nconfig: {a: 1}\n\
         serviceAccount: {namespace: team-a, name: patch}";
    let grants = Grants::parse(file).unwrap();
    let spec = ProviderSpec::new(Source::File { name: "a.wasm".to_owned() }, grants.clone());
    assert_eq!(spec.grants().unwrap(), grants);
}

#[test]
fn a_source_is_exactly_one_and_unknown_keys_are_refused() {
    let parse = |source: Value, more: Value| {
        let mut spec = json!({"source": source});
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value::<ProviderSpec>(spec)
    };
    assert!(parse(json!({"oci": {"reference": "r"}}), json!({})).is_ok());
    assert!(parse(json!({}), json!({})).is_err());
    assert!(parse(json!({"file": {"name": "a"}, "configMap": {"name": "b"}}), json!({})).is_err());
    assert!(parse(json!({"file": {"name": "a", "path": "b"}}), json!({})).is_err());
    assert!(parse(json!({"oci": {"reference": "r", "insecure": true}}), json!({})).is_err());
    assert!(parse(json!({"file": {"name": "a"}}), json!({"pause": true})).is_err());
}

#[test]
fn rules_are_checked_as_those_of_a_file() {
    let spec = json!({"source": {"file": {"name": "a"}}, "grants": {"http": [{"origin": "http://a.b"}]}});
    let spec: ProviderSpec = serde_json::from_value(spec).unwrap();
    assert!(spec.grants().unwrap_err().to_string().contains("allowPlaintext"));
}

/// Every key of `value` that the schema does not know, by path.
fn unknown(value: &Value, schema: &Value, path: &str, found: &mut Vec<String>) {
    if schema["x-kubernetes-preserve-unknown-fields"] == true {
        return;
    }
    for (key, value) in value.as_object().into_iter().flatten() {
        let path = format!("{path}.{key}");
        match (schema["properties"].get(key), schema.get("additionalProperties")) {
            (Some(schema), _) | (None, Some(schema)) => unknown(value, schema, &path, found),
            (None, None) => found.push(path),
        }
    }
    for item in value.as_array().into_iter().flatten() {
        unknown(item, &schema["items"], path, found);
    }
}

#[test]
fn the_definition_knows_every_field() {
    let definition = definition();
    let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    let mut conditions = crate::Conditions::default();
    conditions.set(ProviderCondition::Loaded.is(false, "Why", "because"), Some(1), "2026-01-01T00:00:00Z");
    let status = ProviderStatus {
        observed_generation: Some(1),
        digest: Some("d".to_owned()),
        manifest_digest: Some("m".to_owned()),
        size: Some(1),
        version: Some("1.0.0".to_owned()),
        wit_version: Some("0.1.0".to_owned()),
        imports: vec!["i".to_owned()],
        kinds: vec![KindName { api_version: "v1".to_owned(), kind: "K".to_owned() }],
        kind_names: "K".to_owned(),
        permissions: Some(PermissionsStatus { missing: vec!["m".to_owned()], ..PermissionsStatus::default() }),
        instance: Some("i".to_owned()),
        counters: Some(ProviderCounters::default()),
        usage: [("memory".to_owned(), BoundUsage::default())].into(),
        last_error: Some(LastError::default()),
        last_known_good_digest: Some("d".to_owned()),
        conditions,
    };
    let object = json!({"spec": full_spec(), "status": status});
    let mut found = Vec::new();
    unknown(&json!({"spec": {"source": full_oci()}}), schema, "", &mut found);
    unknown(&object, schema, "", &mut found);
    assert_eq!(found, [""; 0]);
    let known: Vec<_> = schema["properties"]["spec"]["properties"].as_object().unwrap().keys().collect();
    let written = full_spec();
    assert_eq!(known, written.as_object().unwrap().keys().collect::<Vec<_>>(), "and no other");
    assert_eq!(definition["metadata"]["name"], "providers.capstan.dev");
}

#[test]
fn the_definition_and_the_host_have_the_same_bounds() {
    let definition = definition();
    let limits =
        &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["limits"];
    for properties in [&limits["properties"], &limits["properties"]["kinds"]["items"]["properties"]] {
        for (limit, most) in [
            ("memory", Limits::MAX_MEMORY),
            ("requests", Limits::MAX_REQUESTS.into()),
            ("httpRequests", Limits::MAX_REQUESTS.into()),
            ("httpBytes", Limits::MAX_HTTP_BYTES),
            ("events", Limits::MAX_EVENTS.into()),
            ("lines", Limits::MAX_LINES.into()),
            ("logBytes", Limits::MAX_LOG_BYTES),
        ] {
            let schema = &properties[limit];
            assert_eq!((&schema["minimum"], &schema["maximum"]), (&json!(1), &json!(most)), "{limit}");
        }
    }
}
