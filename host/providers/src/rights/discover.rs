//! Asking a cluster how the kinds of a group are served.

use std::{collections::BTreeSet, time::Duration};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResourceList;
use kube::Client;
use tokio::time::timeout;

use super::{ANY, Kinds, Served, UnknownKind};

/// For all questions together. Small answers, a few for each group.
const PATIENCE: Duration = Duration::from_secs(15);

impl Kinds {
    /// Adds the kinds of the groups in which something was looked for and not found. A group that the cluster does not
    /// serve adds nothing.
    pub async fn discover(&mut self, client: &Client, unknown: &[UnknownKind]) -> Result<(), kube::Error> {
        let groups: BTreeSet<&str> = unknown.iter().flat_map(|unknown| &unknown.groups).map(String::as_str).collect();
        if groups.is_empty() {
            return Ok(());
        }
        let found =
            timeout(PATIENCE, served(client, &groups)).await.map_err(|late| kube::Error::Service(late.into()))?;
        self.extend(found?);
        Ok(())
    }
}

async fn served(client: &Client, groups: &BTreeSet<&str>) -> Result<Vec<Served>, kube::Error> {
    let wanted = |group: &str| groups.contains(group) || groups.contains(ANY);
    let mut found = Vec::new();
    if wanted("") {
        found.extend(kinds_of("", &client.list_core_api_resources("v1").await?));
    }
    for group in client.list_api_groups().await?.groups {
        if !wanted(&group.name) {
            continue;
        }
        for version in &group.versions {
            found.extend(kinds_of(&group.name, &client.list_api_group_resources(&version.group_version).await?));
        }
    }
    Ok(found)
}

fn kinds_of(group: &str, list: &APIResourceList) -> Vec<Served> {
    let has = |resource: &str, subresource: &str| {
        let path = format!("{resource}/{subresource}");
        list.resources.iter().any(|other| other.name == path)
    };
    let resources = list.resources.iter().filter(|resource| !resource.name.contains('/'));
    resources
        .map(|resource| Served {
            group: group.to_owned(),
            kind: resource.kind.clone(),
            plural: resource.name.clone(),
            namespaced: resource.namespaced,
            status: has(&resource.name, "status"),
            scale: has(&resource.name, "scale"),
        })
        .collect()
}

#[cfg(test)]
mod tests;
