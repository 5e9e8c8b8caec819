//! What a `CustomResourceDefinition` says, and mistakes in it that would only show in a cluster.

use serde_json::Value;

/// The kind that a definition defines.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Definition {
    /// `group/version`
    pub(crate) api_version: String,
    pub(crate) kind: String,
}

impl Definition {
    /// `version` may be left out if only one is served.
    pub(crate) fn of(document: &Value, version: Option<&str>) -> Result<Self, String> {
        let text = |path: &str| {
            let found = document.pointer(path).and_then(Value::as_str);
            found.ok_or_else(|| format!("{} is missing", path[1..].replace('/', ".")))
        };
        if text("/kind")? != "CustomResourceDefinition" || text("/apiVersion")? != "apiextensions.k8s.io/v1" {
            return Err("is not a CustomResourceDefinition of apiextensions.k8s.io/v1".to_owned());
        }
        let group = text("/spec/group")?;
        let kind = text("/spec/names/kind")?;
        let expected = format!("{}.{group}", text("/spec/names/plural")?);
        let name = text("/metadata/name")?;
        if name != expected {
            return Err(format!("metadata.name is `{name}`, but the API server accepts only `{expected}`"));
        }
        let scope = text("/spec/scope")?;
        if scope != "Namespaced" && scope != "Cluster" {
            return Err(format!("spec.scope is `{scope}`: write Namespaced or Cluster"));
        }
        let version = choose(document, version)?;
        let version_name = version.get("name").and_then(Value::as_str).ok_or("a version has no name")?;
        if version.pointer("/subresources/status").is_none() {
            return Err(format!(
                "version `{version_name}` has no `subresources: {{status: {{}}}}`, through which the host writes conditions"
            ));
        }
        if version.pointer("/schema/openAPIV3Schema").is_none() {
            return Err(format!("version `{version_name}` has no schema.openAPIV3Schema"));
        }
        Ok(Self { api_version: format!("{group}/{version_name}"), kind: kind.to_owned() })
    }
}

fn choose<'a>(document: &'a Value, wanted: Option<&str>) -> Result<&'a Value, String> {
    let versions = document.pointer("/spec/versions").and_then(Value::as_array).ok_or("spec.versions is missing")?;
    let name = |version: &Value| version.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let served: Vec<&Value> =
        versions.iter().filter(|version| version.get("served") == Some(&Value::Bool(true))).collect();
    let names = served.iter().map(|version| name(version)).collect::<Vec<_>>().join(", ");
    match (wanted, served.as_slice()) {
        (_, []) => Err("no version is served".to_owned()),
        (None, [only]) => Ok(only),
        (None, _) => Err(format!("serves several versions: name one as second argument ({names})")),
        (Some(wanted), _) => served
            .iter()
            .find(|version| name(version) == wanted)
            .copied()
            .ok_or_else(|| format!("does not serve version `{wanted}` (served: {names})")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "greetings.hello.example.org"},
            "spec": {
                "group": "hello.example.org",
                "names": {"kind": "Greeting", "plural": "greetings"},
                "scope": "Namespaced",
                "versions": [{
                    "name": "v1", "served": true, "storage": true,
                    "subresources": {"status": {}},
                    "schema": {"openAPIV3Schema": {"type": "object"}},
                }],
            },
        })
    }

    #[test]
    fn the_only_served_version_is_taken() {
        let found = Definition::of(&good(), None).unwrap();
        assert_eq!(found, Definition { api_version: "hello.example.org/v1".into(), kind: "Greeting".into() });
    }

    #[test]
    fn several_versions_need_a_choice() {
        let mut document = good();
        let mut second = document["spec"]["versions"][0].clone();
        second["name"] = json!("v2");
        document["spec"]["versions"].as_array_mut().unwrap().push(second);
        assert!(Definition::of(&document, None).unwrap_err().contains("v1, v2"));
        assert_eq!(Definition::of(&document, Some("v2")).unwrap().api_version, "hello.example.org/v2");
        assert!(Definition::of(&document, Some("v3")).unwrap_err().contains("v3"));
    }

    #[test]
    fn mistakes_are_named() {
        for (pointer, value, expected) in [
            ("/kind", json!("Deployment"), "not a CustomResourceDefinition"),
            ("/metadata/name", json!("greeting"), "greetings.hello.example.org"),
            ("/spec/scope", json!("namespaced"), "Namespaced or Cluster"),
            ("/spec/names", json!({}), "spec.names.kind is missing"),
            ("/spec/versions/0/served", json!(false), "no version is served"),
            ("/spec/versions/0/subresources", json!({}), "subresources"),
            ("/spec/versions/0/schema", json!({}), "openAPIV3Schema"),
        ] {
            let mut document = good();
            *document.pointer_mut(pointer).unwrap() = value;
            let problem = Definition::of(&document, None).expect_err(pointer);
            assert!(problem.contains(expected), "{pointer}: {problem}");
        }
    }
}
