//! The `CustomResourceDefinition`s: what Krateo's have is there.

use capstan_github::kinds::repo::Settings;
use capstan_sdk::{Value, json};

fn definition(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

fn spec(definition: &Value) -> &Value {
    &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
}

#[test]
fn names_columns_and_required_fields_are_krateos() {
    let kinds = [
        (include_str!("../../crds/repoes.yaml"), "Repo", "repoes", json!(["credentials", "org", "name"])),
        (
            include_str!("../../crds/collaborators.yaml"),
            "Collaborator",
            "collaborators",
            json!(["credentials", "org", "repo", "username", "permission"]),
        ),
        (
            include_str!("../../crds/teamrepoes.yaml"),
            "TeamRepo",
            "teamrepoes",
            json!(["credentials", "org", "teamSlug", "owner", "repo", "permission"]),
        ),
    ];
    for (text, kind, plural, required) in kinds {
        let definition = definition(text);
        let names = &definition["spec"]["names"];
        assert_eq!((&names["kind"], &names["plural"]), (&json!(kind), &json!(plural)));
        assert_eq!(names["categories"], json!(["krateo", "github"]));
        assert_eq!(definition["metadata"]["name"], format!("{plural}.github.krateo.io"));
        assert_eq!(definition["spec"]["scope"], "Namespaced");
        assert_eq!(spec(&definition)["required"], required);
        let columns = definition["spec"]["versions"][0]["additionalPrinterColumns"].as_array().unwrap();
        assert_eq!((&columns[0]["name"], &columns[1]["name"]), (&json!("READY"), &json!("SYNCED")));
        for field in required
            .as_array()
            .unwrap()
            .iter()
            .filter(|field| !["credentials", "permission"].contains(&field.as_str().unwrap()))
        {
            let field = field.as_str().unwrap();
            let rule = format!("self.{field} == oldSelf.{field}");
            let rules = spec(&definition)["x-kubernetes-validations"].as_array().unwrap();
            assert!(rules.iter().any(|each| each["rule"] == rule), "{kind}: {field} can be changed");
        }
        assert_eq!(
            spec(&definition)["properties"]["credentials"]["required"],
            Value::Null,
            "secretRef is optional in the schema"
        );
    }
}

/// The rules are tried on servers by the scenarios; here, that they are there.
#[test]
fn names_that_github_would_change_and_rules_twice_are_refused() {
    let repo = definition(include_str!("../../crds/repoes.yaml"));
    let name = &spec(&repo)["properties"]["name"];
    assert_eq!((&name["maxLength"], name["x-kubernetes-validations"].as_array().map(Vec::len)), (&json!(100), Some(1)));
    let protection = definition(include_str!("../../crds/branchprotections.yaml"));
    let rules = &spec(&protection)["properties"]["rules"]["x-kubernetes-validations"];
    assert_eq!(rules[0]["message"], "one rule of each type is wanted");
    for text in [include_str!("../../crds/collaborators.yaml"), include_str!("../../crds/teamrepoes.yaml")] {
        let definition = definition(text);
        let permission = &spec(&definition)["properties"]["permission"];
        assert_eq!(permission["pattern"], r"^\S([^\r\n\t]*\S)?$");
    }
}

#[test]
fn every_setting_is_in_the_schema_and_none_has_a_default() {
    let definition = definition(include_str!("../../crds/repoes.yaml"));
    let properties = spec(&definition)["properties"].as_object().unwrap();
    for (name, _) in Settings::NAMES {
        assert!(properties.contains_key(name), "{name}");
    }
    for (name, schema) in properties {
        assert_eq!(schema.get("default"), None, "{name}: a default would own a field that nobody set");
    }
}

/// Every field that a sample has is known to its definition, and every kind has a sample.
#[test]
fn each_kind_has_a_sample_that_its_definition_knows() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let samples =
        std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    let samples: Vec<Value> = samples.map(|text| definition(&text)).collect();
    for kind in capstan_github::PROVIDER.kinds() {
        let kind = kind.kind();
        let definition: Value = capstan_sdk::serde_json::from_str(kind.definition().unwrap()).unwrap();
        let sample = samples.iter().find(|sample| sample["kind"] == kind.name());
        let sample = sample.unwrap_or_else(|| panic!("{} has no sample", kind.name()));
        for (field, _) in sample["spec"].as_object().unwrap() {
            assert!(!spec(&definition)["properties"][field].is_null(), "{}: {field}", kind.name());
        }
        assert_eq!(definition["spec"]["names"]["categories"], json!(["krateo", "github"]));
    }
}

/// Another organisation or name would be another thing, and this one would be left behind.
#[test]
fn what_an_object_stands_for_cannot_be_changed() {
    let identities: [(&str, &[&str]); 8] = [
        ("Repo", &["org", "name"]),
        ("Collaborator", &["org", "repo", "username"]),
        ("TeamRepo", &["org", "teamSlug", "owner", "repo"]),
        ("Team", &["org", "name"]),
        ("TeamMembership", &["org", "teamSlug", "username"]),
        ("BranchProtection", &["org", "repo"]),
        ("RepoFile", &["org", "repo", "path"]),
        ("Webhook", &["org", "repo"]),
    ];
    for kind in capstan_github::PROVIDER.kinds() {
        let kind = kind.kind();
        let definition: Value = capstan_sdk::serde_json::from_str(kind.definition().unwrap()).unwrap();
        let (_, identity) = identities.iter().find(|(name, _)| *name == kind.name()).unwrap();
        let rules = spec(&definition)["x-kubernetes-validations"].as_array().unwrap();
        for field in *identity {
            let rule = format!("self.{field} == oldSelf.{field}");
            assert!(rules.iter().any(|each| each["rule"] == rule), "{}: {field} can be changed", kind.name());
            let required = spec(&definition)["required"].as_array().unwrap();
            assert!(required.contains(&json!(field)), "{}: {field} can be left out", kind.name());
            // Names at GitHub stand in paths. A team's name is of any letters: its slug is what does.
            if (kind.name(), *field) != ("Team", "name") && *field != "path" {
                let schema = &spec(&definition)["properties"][field];
                assert_eq!(schema["pattern"], r"^[^/\\]+$", "{}: {field} can have slashes", kind.name());
                assert_eq!(schema["not"]["enum"], json!([".", ".."]), "{}: {field} can climb", kind.name());
            }
        }
    }
}

#[test]
fn where_a_repository_is_and_who_sees_it_is_shown() {
    let repo = definition(include_str!("../../crds/repoes.yaml"));
    let columns = repo["spec"]["versions"][0]["additionalPrinterColumns"].as_array().unwrap();
    let shown: Vec<_> =
        columns.iter().map(|column| ["name", "type", "jsonPath"].map(|name| column[name].as_str().unwrap())).collect();
    let expected = [
        ["READY", "string", ".status.conditions[?(@.type==\"Ready\")].status"],
        ["SYNCED", "string", ".status.conditions[?(@.type==\"Synced\")].status"],
        ["URL", "string", ".status.htmlUrl"],
        ["VISIBILITY", "string", ".status.visibility"],
        ["AGE", "date", ".metadata.creationTimestamp"],
    ];
    assert_eq!(shown, expected);
}

#[test]
fn how_it_is_and_since_when_is_shown_of_every_kind() {
    for kind in capstan_github::PROVIDER.kinds() {
        let kind = kind.kind();
        let definition: Value = capstan_sdk::serde_json::from_str(kind.definition().unwrap()).unwrap();
        let columns = definition["spec"]["versions"][0]["additionalPrinterColumns"].as_array().unwrap();
        for (name, path) in [
            ("READY", ".status.conditions[?(@.type==\"Ready\")].status"),
            ("SYNCED", ".status.conditions[?(@.type==\"Synced\")].status"),
            ("AGE", ".metadata.creationTimestamp"),
        ] {
            let is_shown = |column: &Value| column["name"] == name && column["jsonPath"] == path;
            assert!(columns.iter().any(is_shown), "{}: {name}", kind.name());
        }
    }
}
