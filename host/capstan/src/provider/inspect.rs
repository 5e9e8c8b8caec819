//! `capstan provider inspect`: what a provider is, before anybody lets it run.

use std::fmt::Write;

use anyhow::{Context, Result};
use capstan_api::{KubernetesGrant, Verb, api_version};
use capstan_sandbox::ManagedKind;
use serde_json::{Value, json};

use super::file::ProviderFile;
use crate::{
    cli::{self, Account},
    documents::print_text,
};

pub(super) async fn run(options: &cli::Inspect) -> Result<()> {
    let file = ProviderFile::open(&options.file).await?;
    let text = match options.output {
        Account::Text => text(&file),
        Account::Json => serde_json::to_string_pretty(&json(&file)).context("no JSON")? + "\n",
        Account::Grants => grants(&file.descriptor.name, &file.descriptor.needs.kubernetes),
    };
    print_text(&text)
}

fn text(file: &ProviderFile) -> String {
    let descriptor = &file.descriptor;
    let mut text = String::new();
    let mut line = |what: &str, value: &str| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{what:<10}{value}");
    };
    line("Name", &descriptor.name);
    line("Version", &descriptor.version);
    line("Contract", &format!("capstan:provider@{}", file.contract()));
    line("Digest", file.component.digest());
    line("Size", &format!("{} bytes, {} with gzip", file.component.size(), file.packed.len()));
    for (index, managed) in descriptor.kinds.iter().enumerate() {
        line(if index == 0 { "Manages" } else { "" }, &kind(managed));
    }
    if descriptor.needs.kubernetes.is_empty() {
        line("Asks for", "nothing beyond its own kinds");
    }
    for (index, rule) in descriptor.needs.kubernetes.iter().enumerate() {
        line(if index == 0 { "Asks for" } else { "" }, &in_words(rule));
    }
    text.push_str("\nA grants file to begin with (`-o grants` prints just this):\n\n");
    text.push_str(&grants(&descriptor.name, &descriptor.needs.kubernetes));
    text
}

fn kind(managed: &ManagedKind) -> String {
    let scope = managed.definition.as_ref().and_then(|definition| definition["spec"]["scope"].as_str());
    let brought = match scope {
        Some("Namespaced") => "namespaced, brings its definition",
        Some(_) => "cluster-scoped, brings its definition",
        None => "brings no definition: name the kind in the grants",
    };
    format!("{} ({}), {brought}", managed.kind.kind, api_version(&managed.kind))
}

fn json(file: &ProviderFile) -> Value {
    let descriptor = &file.descriptor;
    let kinds: Vec<Value> = descriptor
        .kinds
        .iter()
        .map(|managed| {
            json!({
                "apiVersion": api_version(&managed.kind),
                "kind": managed.kind.kind,
                "definition": managed.definition.as_ref().map(|definition| &definition["metadata"]["name"]),
                "scope": managed.definition.as_ref().map(|definition| &definition["spec"]["scope"]),
                "recoverable": managed.recoverable,
            })
        })
        .collect();
    json!({
        "name": descriptor.name,
        "version": descriptor.version,
        "contract": file.contract(),
        "digest": file.component.digest(),
        "size": {"bytes": file.component.size(), "gzipBytes": file.packed.len()},
        "imports": file.component.imports(),
        "kinds": kinds,
        "needs": descriptor.needs,
        "configSchema": descriptor.config_schema,
        "grants": grants(&descriptor.name, &descriptor.needs.kubernetes),
    })
}

fn in_words(rule: &KubernetesGrant) -> String {
    let groups = rule.api_groups.iter().map(|group| match group.as_str() {
        "" => "the core group",
        "*" => "any group",
        named => named,
    });
    let kinds = rule.kinds.iter().map(|kind| if kind == "*" { "every kind" } else { kind });
    let verbs: Vec<&str> =
        rule.verbs.iter().map(|verb| if *verb == Verb::Any { "everything" } else { word(*verb) }).collect();
    let mut words = format!(
        "{} on {} of {}",
        verbs.join(", "),
        kinds.collect::<Vec<_>>().join(", "),
        groups.collect::<Vec<_>>().join(", ")
    );
    if let Some(namespaces) = &rule.namespaces {
        let _ = write!(words, " in {}", namespaces.join(", "));
    }
    if let Some(names) = &rule.names {
        let _ = write!(words, " named {}", names.join(", "));
    }
    if let Some(labels) = &rule.label_selector {
        let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let _ = write!(words, " with labels {}", labels.join(","));
    }
    words
}

/// What the provider asks for, as a file that an administrator can narrow down.
fn grants(name: &str, needs: &[KubernetesGrant]) -> String {
    if needs.is_empty() {
        return format!("# Provider {name} asks for nothing beyond its own kinds.\nkubernetes: []\n");
    }
    let mut text = format!(
        "# What provider {name} asks for. It gets what stands here and nothing else: name the kinds instead of \"*\", and narrow a\n\
         # rule down by adding namespaces: [team-a], names: [foo] or labelSelector: {{team: a}}.\n\
         kubernetes:\n"
    );
    for rule in needs {
        let quoted = |list: &[String]| list.iter().map(|entry| json!(entry).to_string()).collect::<Vec<_>>().join(", ");
        let verbs: Vec<String> = rule.verbs.iter().map(|verb| word(*verb).to_owned()).collect();
        let lists = [
            ("apiGroups", Some(&rule.api_groups)),
            ("kinds", Some(&rule.kinds)),
            ("verbs", Some(&verbs)),
            ("namespaces", rule.namespaces.as_ref()),
            ("names", rule.names.as_ref()),
        ];
        let lists = lists.into_iter().filter_map(|(key, list)| Some((key, list?)));
        for (index, (key, list)) in lists.enumerate() {
            let mark = if index == 0 { "-" } else { " " };
            let _ = writeln!(text, "  {mark} {key}: [{}]", quoted(list));
        }
        if let Some(labels) = &rule.label_selector {
            let _ = writeln!(text, "    labelSelector: {}", json!(labels));
        }
    }
    text
}

fn word(verb: Verb) -> &'static str {
    match verb {
        Verb::Get => "get",
        Verb::List => "list",
        Verb::Watch => "watch",
        Verb::Create => "create",
        Verb::Update => "update",
        Verb::Patch => "patch",
        Verb::Delete => "delete",
        Verb::Any => "*",
    }
}

#[cfg(test)]
mod tests {
    use capstan_api::Grants;

    use super::*;

    #[test]
    fn the_grants_file_grants_what_is_asked_for() {
        for needs in [
            "kubernetes: []",
            r#"
kubernetes:
  - {apiGroups: ["", "*"], kinds: ["*", ConfigMap], verbs: ["*", get, list, watch, create, update, patch, delete]}
  - {apiGroups: [apps], kinds: [Deployment], verbs: [get], namespaces: [a], names: ["no", b], labelSelector: {on: "yes"}}
"#,
        ] {
            let needs = Grants::parse(needs).unwrap();
            assert_eq!(Grants::parse(&grants("note", &needs.kubernetes)).unwrap(), needs);
        }
    }

    #[test]
    fn rules_are_said_in_words() {
        let rule = "{apiGroups: ['', apps], kinds: ['*'], verbs: [get, '*'], namespaces: [a], names: [b], labelSelector: {c: d}}";
        let grants = Grants::parse(&format!("kubernetes: [{rule}]")).unwrap();
        assert_eq!(
            in_words(&grants.kubernetes[0]),
            "get, everything on every kind of the core group, apps in a named b with labels c=d"
        );
    }
}
