//! A grants file to begin with: what a provider asks for.

use std::fmt::Write;

use capstan_api::{Grants, KubernetesGrant, ManagesGrant, Origins, Verb};
use capstan_sandbox::Descriptor;
use serde_json::json;

/// What the provider asks for, as a file that an administrator can narrow down. Where it leaves open what it is to reach, the
/// rule is a comment: such a thing can be asked for and not granted.
pub(super) fn starting_point(descriptor: &Descriptor) -> String {
    let foreign = descriptor.foreign().map(|kind| ManagesGrant::one(&kind.group, &kind.kind));
    written(&descriptor.name, &descriptor.needs, &foreign.collect::<Vec<_>>())
}

fn written(name: &str, needs: &Grants, manages: &[ManagesGrant]) -> String {
    if manages.is_empty() && needs.kubernetes.is_empty() && needs.http.is_empty() && needs.secrets.is_empty() {
        return format!("# Provider {name} asks for nothing beyond its own kinds.\nkubernetes: []\n");
    }
    let mut text = format!(
        "# What provider {name} asks for. It gets what stands here and nothing else: name the kinds instead of \"*\", and narrow a\n\
         # rule down by adding namespaces: [team-a], names: [foo] or labelSelector: {{team: a}}.\n"
    );
    section(&mut text, "kubernetes", needs.kubernetes.is_empty());
    for rule in &needs.kubernetes {
        kubernetes(&mut text, rule);
    }
    if !manages.is_empty() {
        text.push_str("# Kinds that it does not bring. It may do anything to their objects.\nmanages:\n");
    }
    for rule in manages {
        let _ = writeln!(text, "  - {}", json!(rule));
    }
    let (open, named): (Vec<_>, Vec<_>) = needs.http.iter().partition(|rule| rule.origin == Origins::Any);
    if !needs.http.is_empty() {
        section(&mut text, "http", named.is_empty());
    }
    for rule in named {
        let _ = writeln!(text, "  - {}", json!(rule));
    }
    for rule in open {
        let _ = writeln!(text, "  # - {}   # name the origin", json!(rule));
    }
    let (open, named): (Vec<_>, Vec<_>) = needs.secrets.iter().partition(|rule| rule.origins.contains(&Origins::Any));
    if !needs.secrets.is_empty() {
        section(&mut text, "secrets", named.is_empty());
    }
    for rule in named {
        let _ = writeln!(text, "  - {}", json!(rule));
    }
    for rule in open {
        let _ = writeln!(text, "  # - {}   # name the origins", json!(rule));
    }
    text
}

/// Writing to a string does not fail.
fn section(text: &mut String, name: &str, empty: bool) {
    let _ = writeln!(text, "{name}:{}", if empty { " []" } else { "" });
}

fn kubernetes(text: &mut String, rule: &KubernetesGrant) {
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

/// As it is written.
pub(super) fn word(verb: Verb) -> &'static str {
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
            assert_eq!(Grants::parse(&written("note", &needs, &[])).unwrap(), needs);
        }
    }

    #[test]
    fn kinds_that_it_does_not_bring_are_among_what_is_asked_for() {
        let manages = [ManagesGrant::one("acme.io", "Thing"), ManagesGrant::one("b.io", "Other")];
        let granted = Grants::parse(&written("note", &Grants::default(), &manages)).unwrap();
        assert_eq!(granted, Grants { manages: manages.to_vec(), ..Grants::default() });
    }

    #[test]
    fn what_is_left_open_is_not_granted_unseen() {
        let needs = Grants::parse_needs(
            r#"
http:
  - {origin: "https://api.example.org", methods: [GET], pathPrefix: /repos}
  - {origin: "*"}
secrets:
  - {names: [a], keys: [token], origins: ["https://api.example.org"]}
  - {names: ["*"], keys: [token], origins: ["*"]}
"#,
        )
        .unwrap();
        let text = written("note", &needs, &[]);
        let granted = Grants::parse(&text).unwrap();
        assert_eq!((&granted.http[..], &granted.secrets[..]), (&needs.http[..1], &needs.secrets[..1]));
        assert_eq!(text.matches("\n  # - {").count(), 2, "{text}");
    }
}
