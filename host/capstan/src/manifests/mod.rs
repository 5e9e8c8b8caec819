//! `capstan manifests`: what a cluster needs to run the host.
//!
//! The files of `deploy/` are the truth, comments and all; here they are read, and only what the command line says otherwise
//! is changed.

mod base_rights;
mod fill;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{
    cli::{self, DEFAULT_NAMESPACE, Format, Part},
    documents::{self, Document},
};

pub(crate) use base_rights::warn_about_missing;

const NAMESPACE: &str = include_str!("../../../../deploy/10-namespace.yaml");
const PROVIDER: &str = include_str!("../../../../deploy/10-provider-crd.yaml");
const RIGHTS: &str = include_str!("../../../../deploy/20-rights.yaml");
const WORKLOAD: &str = include_str!("../../../../deploy/30-workload.yaml");
const SERVICE_MONITOR: &str = include_str!("../../../../deploy/optional/service-monitor.yaml");

pub(crate) fn run(options: &cli::Manifests) -> Result<()> {
    let documents: Vec<Document> = objects(options)?.into_iter().map(Document::from).collect();
    documents::print(&documents, Format::Yaml)
}

/// The definitions of the host's own kinds.
pub(crate) fn definitions() -> Result<Vec<Value>> {
    documents::parse(PROVIDER).context("deploy/10-provider-crd.yaml")
}

/// What the host itself has to be allowed, in its own namespace and everywhere.
fn rights(namespace: &str) -> Result<Vec<Value>> {
    let mut objects = documents::parse(RIGHTS).context("deploy/20-rights.yaml")?;
    for object in &mut objects {
        fill::namespace(object, namespace);
    }
    Ok(objects)
}

fn objects(options: &cli::Manifests) -> Result<Vec<Value>> {
    let mut files = Vec::new();
    let with_rights = matches!(options.part, Part::Rbac | Part::All);
    if with_rights {
        files.push(NAMESPACE);
    }
    if matches!(options.part, Part::Crds | Part::All) {
        files.push(PROVIDER);
    }
    if with_rights {
        files.push(RIGHTS);
    }
    if matches!(options.part, Part::Workload | Part::All) {
        files.push(WORKLOAD);
        if options.service_monitor {
            files.push(SERVICE_MONITOR);
        }
    }
    let mut objects = Vec::new();
    for file in files {
        objects.extend(documents::parse(file).context("deploy/")?);
    }
    for object in &mut objects {
        if options.namespace != DEFAULT_NAMESPACE {
            fill::namespace(object, &options.namespace);
        }
        fill::workload(object, options.image.as_deref(), options.replicas.get());
    }
    Ok(objects)
}

#[cfg(test)]
mod tests;
