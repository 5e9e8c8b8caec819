//! What the API server lists of the rights of whoever asks: many questions answered at once.

use std::{collections::HashMap, time::Duration};

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, ResourceRule, SelfSubjectRulesReview, SelfSubjectRulesReviewSpec,
};
use kube::{Api, Client, api::PostParams};
use tokio::time::Instant;

use super::ANY;

/// For so long a list counts. A right that is taken away meanwhile is missed when it is used.
const FRESH: Duration = Duration::from_secs(2);
/// Lists are told for one namespace, with what holds everywhere. No namespace has a dot in its name, so that there nothing else
/// holds.
const EVERYWHERE: &str = "all.namespaces";

/// The rights of one who asks, by namespace, as they were listed a moment ago.
///
/// What is not in it may be allowed all the same: some authorizers cannot list what they allow. Their lists are not looked at,
/// since such an authorizer may also refuse what others allow.
#[derive(Debug, Default)]
pub struct Rulebook(HashMap<Option<String>, (Instant, Vec<ResourceRule>)>);

impl Rulebook {
    /// Whether anything in it still counts.
    pub(crate) fn is_fresh(&self) -> bool {
        self.0.values().any(|(listed, _)| is_fresh(*listed))
    }

    /// Whether this is allowed by a rule that is listed.
    pub(super) async fn allows(&mut self, client: &Client, question: &ResourceAttributes) -> bool {
        self.0.retain(|_, (listed, _)| is_fresh(*listed));
        if !self.0.contains_key(&question.namespace) {
            // Whatever becomes of it: who is refused a list is not asked for it before each question.
            let rules = list(client, question.namespace.as_deref()).await.unwrap_or_else(|error| {
                tracing::debug!(%error, "the API server does not list what it allows");
                Vec::new()
            });
            self.0.insert(question.namespace.clone(), (Instant::now(), rules));
        }
        let rules = self.0.get(&question.namespace);
        rules.is_some_and(|(_, rules)| rules.iter().any(|rule| allows(rule, question)))
    }
}

fn is_fresh(listed: Instant) -> bool {
    listed.elapsed() < FRESH
}

async fn list(client: &Client, namespace: Option<&str>) -> Result<Vec<ResourceRule>, kube::Error> {
    let spec = SelfSubjectRulesReviewSpec { namespace: Some(namespace.unwrap_or(EVERYWHERE).to_owned()) };
    let review = SelfSubjectRulesReview { spec, ..SelfSubjectRulesReview::default() };
    let answer = Api::<SelfSubjectRulesReview>::all(client.clone()).create(&PostParams::default(), &review).await?;
    let complete = answer.status.filter(|status| !status.incomplete);
    Ok(complete.map(|status| status.resource_rules).unwrap_or_default())
}

/// As RBAC reads its rules.
fn allows(rule: &ResourceRule, question: &ResourceAttributes) -> bool {
    let has = |list: &[String], wanted: &str| list.iter().any(|entry| entry == ANY || entry == wanted);
    let among = |list: &Option<Vec<String>>, wanted: &Option<String>| {
        has(list.as_deref().unwrap_or_default(), wanted.as_deref().unwrap_or_default())
    };
    let resource = question.resource.as_deref().unwrap_or_default();
    let resources = rule.resources.as_deref().unwrap_or_default();
    let resource = match &question.subresource {
        None => has(resources, resource),
        Some(subresource) => {
            has(resources, &format!("{resource}/{subresource}")) || has(resources, &format!("{ANY}/{subresource}"))
        }
    };
    let among_names = match rule.resource_names.as_deref() {
        None | Some([]) => true,
        Some(names) => question.name.as_ref().is_some_and(|name| names.contains(name)),
    };
    resource
        && among_names
        && has(&rule.verbs, question.verb.as_deref().unwrap_or_default())
        && among(&rule.api_groups, &question.group)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(group: &str, resource: &str, verb: &str, names: &[&str]) -> ResourceRule {
        let list = |entry: &str| Some(vec![entry.to_owned()]);
        ResourceRule {
            api_groups: list(group),
            resources: list(resource),
            verbs: vec![verb.to_owned()],
            resource_names: Some(names.iter().map(|&name| name.to_owned()).collect()),
        }
    }

    /// `RESOURCE.GROUP` or `RESOURCE/SUBRESOURCE.GROUP`.
    fn question(verb: &str, resource: &str, name: Option<&str>) -> ResourceAttributes {
        let (resource, group) = resource.split_once('.').unwrap();
        let (resource, subresource) = match resource.split_once('/') {
            Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
            None => (resource, None),
        };
        ResourceAttributes {
            verb: Some(verb.to_owned()),
            group: Some(group.to_owned()),
            resource: Some(resource.to_owned()),
            subresource,
            name: name.map(str::to_owned),
            ..ResourceAttributes::default()
        }
    }

    #[test]
    fn rules_are_read_as_rbac_reads_them() {
        let get = |resource| question("get", resource, None);
        for (rule, question, allowed) in [
            (rule("apps", "deployments", "get", &[]), get("deployments.apps"), true),
            (rule("apps", "deployments", "get", &[]), question("get", "deployments.apps", Some("a")), true),
            (rule("apps", "deployments", "list", &[]), get("deployments.apps"), false),
            (rule("", "deployments", "get", &[]), get("deployments.apps"), false),
            (rule("apps", "daemonsets", "get", &[]), get("deployments.apps"), false),
            (rule("*", "*", "*", &[]), get("deployments.apps"), true),
            (rule("*", "*", "*", &[]), get("*.*"), true),
            (rule("apps", "*", "get", &[]), get("deployments/scale.apps"), true),
            (rule("apps", "deployments", "get", &[]), get("deployments/scale.apps"), false),
            (rule("apps", "deployments/scale", "get", &[]), get("deployments/scale.apps"), true),
            (rule("apps", "*/scale", "get", &[]), get("deployments/scale.apps"), true),
            (rule("apps", "*/status", "get", &[]), get("deployments/scale.apps"), false),
            (rule("apps", "deployments/scale", "get", &[]), get("deployments.apps"), false),
            (rule("apps", "deployments", "get", &["a"]), get("deployments.apps"), false),
            (rule("apps", "deployments", "get", &["a"]), question("get", "deployments.apps", Some("a")), true),
            (rule("apps", "deployments", "get", &["a"]), question("get", "deployments.apps", Some("b")), false),
            // Who may do something to each resource that there is has not the right to whatever there may be.
            (rule("apps", "deployments", "get", &[]), get("*.apps"), false),
        ] {
            assert_eq!(allows(&rule, &question), allowed, "{rule:?} {question:?}");
        }
    }
}
