//! `capstan provider package`: everything that a cluster needs for one provider, for somebody with the right to grant.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result, bail};
use capstan_api::{Grants, keys};
use capstan_providers::{
    INSTALLED_FOR,
    rights::{Kinds, Rights},
};
use capstan_sandbox::Descriptor;
use serde_json::{Value, json};

use super::{carrier, file::ProviderFile, roles};
use crate::{
    cli,
    documents::{self, Document},
    host,
};

pub(super) async fn run(options: cli::Package) -> Result<()> {
    let file = ProviderFile::open(&options.file).await?;
    let name = options.name.clone().unwrap_or_else(|| file.descriptor.name.clone());
    capstan_providers::check_name(&name)?;
    let (text, grants) = match &options.grants {
        Some(path) => read_grants(path)?,
        None => (String::new(), Grants::default()),
    };
    capstan_providers::check_kinds(&file.descriptor, &grants)?;
    capstan_providers::check_limits(&file.descriptor, &grants)?;
    if options.grants.is_none() && !file.descriptor.needs.kubernetes.is_empty() {
        eprintln!(
            "note: nothing is granted beyond the provider's own kinds; `capstan provider inspect {} -o grants` prints a file for \
             --grants",
            options.file.display()
        );
    }
    let rights = rights(&file.descriptor, &grants, &options).await?;

    let labels = labels(&name, &file.descriptor);
    let mut documents = Vec::<Document>::new();
    if !options.without_definitions {
        documents.extend(definitions(&name, &file.descriptor).map(Document::from));
    }
    let roles = roles::roles(&rights, &format!("capstan-provider-{name}"), &labels, &options.namespace);
    for line in roles.iter().flat_map(|role| &role.comment) {
        eprintln!("{line}");
    }
    documents.extend(roles);
    if !options.without_component {
        let carrier = carrier::config_map(&name, &labels, &options.namespace, &file.packed, &text)?;
        documents.push(carrier.into());
    }
    documents::print(&documents, options.output)
}

pub(super) fn read_grants(path: &Path) -> Result<(String, Grants)> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let grants = Grants::parse(&text).with_context(|| format!("{} cannot be used", path.display()))?;
    Ok((text, grants))
}

/// All of them, or an error: a right that is silently left out would be missed much later.
async fn rights(descriptor: &Descriptor, grants: &Grants, options: &cli::Package) -> Result<Rights> {
    let mut kinds = Kinds::of(descriptor);
    let mut rights = Rights::of(descriptor, grants, &kinds);
    if rights.unknown.is_empty() {
        return Ok(rights);
    }
    if let Some(kubeconfig) = &options.kubeconfig {
        let client = host::connect(Some(kubeconfig), options.context.clone()).await?;
        kinds.discover(&client, &rights.unknown).await.context("the cluster cannot be asked about kinds")?;
        rights = Rights::of(descriptor, grants, &kinds);
    }
    if rights.unknown.is_empty() {
        return Ok(rights);
    }
    let unknown: Vec<String> = rights.unknown.iter().map(ToString::to_string).collect();
    let advice = if options.kubeconfig.is_some() {
        "nor does the cluster serve it: correct the name, or install its definition first"
    } else {
        "correct the name, or give --kubeconfig FILE so that a cluster that serves it can be asked"
    };
    bail!("{}; {advice}", unknown.join("; "))
}

/// As the host installs them, so that it knows them for its own.
fn definitions(provider: &str, descriptor: &Descriptor) -> impl Iterator<Item = Value> {
    descriptor.kinds.iter().filter_map(|managed| managed.definition.clone()).map(move |mut definition| {
        definition["metadata"]["annotations"][INSTALLED_FOR] = json!(provider);
        definition
    })
}

/// On everything but definitions; what was made for a provider is found, and removed, by its name.
fn labels(provider: &str, descriptor: &Descriptor) -> BTreeMap<String, String> {
    // A label knows no `+`.
    let version: String = descriptor.version.replace('+', "_").chars().take(63).collect();
    [
        ("app.kubernetes.io/name", provider),
        ("app.kubernetes.io/version", version.trim_end_matches(['.', '-', '_'])),
        ("app.kubernetes.io/component", "provider"),
        ("app.kubernetes.io/part-of", "capstan"),
        (keys::PROVIDER_LABEL, provider),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}
