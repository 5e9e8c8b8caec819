//! `capstan provider inspect`: what a provider is, before anybody lets it run.

use std::fmt::Write;

use anyhow::{Context, Result};
use capstan_api::{HttpGrant, KubernetesGrant, Origins, SecretGrant, Verb, api_version};
use capstan_sandbox::ManagedKind;
use serde_json::{Value, json};

use super::{
    file::ProviderFile,
    grants_file::{starting_point, word},
};
use crate::{
    cli::{self, Account},
    documents::print_text,
};

pub(super) async fn run(options: &cli::Inspect) -> Result<()> {
    let file = ProviderFile::open(&options.file).await?;
    let text = match options.output {
        Account::Text => text(&file, file.packed()?.len()),
        Account::Json => serde_json::to_string_pretty(&json(&file, file.packed()?.len())).context("no JSON")? + "\n",
        Account::Grants => starting_point(&file.descriptor),
    };
    print_text(&text)
}

/// `packed`: bytes with gzip.
fn text(file: &ProviderFile, packed: usize) -> String {
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
    line("Size", &format!("{} bytes, {packed} with gzip", file.component.size()));
    for (index, managed) in descriptor.kinds.iter().enumerate() {
        line(if index == 0 { "Manages" } else { "" }, &kind(managed));
    }
    let needs = &descriptor.needs;
    let rules = needs.kubernetes.iter().map(in_words);
    let rules = rules.chain(needs.http.iter().map(requests_in_words)).chain(needs.secrets.iter().map(secrets_in_words));
    let rules: Vec<String> = rules.collect();
    if rules.is_empty() {
        line("Asks for", "nothing beyond its own kinds");
    }
    for (index, rule) in rules.iter().enumerate() {
        line(if index == 0 { "Asks for" } else { "" }, rule);
    }
    if descriptor.config_schema.is_some() {
        line("Config", "takes some: `-o json` has its schema");
    }
    text.push_str("\nA grants file to begin with (`-o grants` prints just this):\n\n");
    text.push_str(&starting_point(descriptor));
    text
}

fn kind(managed: &ManagedKind) -> String {
    let scope = managed.definition.as_ref().and_then(|definition| definition["spec"]["scope"].as_str());
    let brought = match scope {
        Some("Namespaced") => "namespaced, brings its definition",
        Some(_) => "cluster-scoped, brings its definition",
        None => "brings no definition: grant it under `manages`",
    };
    format!("{} ({}), {brought}", managed.kind.kind, api_version(&managed.kind))
}

fn json(file: &ProviderFile, packed: usize) -> Value {
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
        "size": {"bytes": file.component.size(), "gzipBytes": packed},
        "imports": file.component.imports(),
        "kinds": kinds,
        "needs": descriptor.needs,
        "configSchema": descriptor.config_schema,
        "grants": starting_point(descriptor),
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

fn requests_in_words(rule: &HttpGrant) -> String {
    let methods: Vec<&str> = rule.methods.iter().flatten().map(|method| method.as_str()).collect();
    let methods = if methods.is_empty() { "any request".to_owned() } else { methods.join(", ") };
    let path = rule.path_prefix.as_ref().map(|prefix| format!(" below {prefix}")).unwrap_or_default();
    format!("{methods} to {}{path}", origin_in_words(&rule.origin))
}

fn secrets_in_words(rule: &SecretGrant) -> String {
    let any = |list: &[String], what: &str| match list {
        [one] if one == "*" => format!("any {what}"),
        named => format!("{what} {}", named.join(", ")),
    };
    let place = match rule.namespace.as_deref() {
        None => "the namespace of its object",
        Some("*") => "any namespace",
        Some(named) => named,
    };
    let origins: Vec<String> = rule.origins.iter().map(origin_in_words).collect();
    let (keys, names) = (any(&rule.keys, "key"), any(&rule.names, "Secret"));
    let members = rule.body_members.as_ref().map(|members| format!(" as {} of bodies", members.join(", ")));
    format!("to send {keys} of {names} in {place} to {}{}", origins.join(", "), members.unwrap_or_default())
}

fn origin_in_words(origin: &Origins) -> String {
    match origin {
        Origins::Any => "whatever you name".to_owned(),
        Origins::One(origin) => origin.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use capstan_api::Grants;

    use super::*;

    #[test]
    fn rules_are_said_in_words() {
        let rule = "{apiGroups: ['', apps], kinds: ['*'], verbs: [get, '*'], namespaces: [a], names: [b], labelSelector: {c: d}}";
        let grants = Grants::parse(&format!("kubernetes: [{rule}]")).unwrap();
        assert_eq!(
            in_words(&grants.kubernetes[0]),
            "get, everything on every kind of the core group, apps in a named b with labels c=d"
        );
    }

    #[test]
    fn requests_and_secrets_are_said_in_words() {
        let needs = Grants::parse_needs(
            r#"
http:
  - {origin: "https://api.example.org", methods: [GET, PATCH], pathPrefix: /repos}
  - {origin: "*"}
secrets:
  - {names: ["*"], keys: [token], origins: ["*"]}
"#,
        )
        .unwrap();
        assert_eq!(requests_in_words(&needs.http[0]), "GET, PATCH to https://api.example.org below /repos");
        assert_eq!(requests_in_words(&needs.http[1]), "any request to whatever you name");
        assert_eq!(
            secrets_in_words(&needs.secrets[0]),
            "to send key token of any Secret in the namespace of its object to whatever you name"
        );
    }
}
