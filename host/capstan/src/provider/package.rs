//! `capstan provider package`: everything that a cluster needs for one provider, for somebody with the right to grant.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result, bail};
use capstan_api::{Grants, ServiceAccount, keys};
use capstan_providers::{
    INSTALLED_FOR,
    rights::{Kinds, Rights},
};
use capstan_sandbox::Descriptor;
use serde_json::{Value, json};

use super::{carrier, file::ProviderFile, roles};
use crate::{
    api_server::ApiServer,
    cli,
    documents::{self, Document},
};

pub(super) async fn run(options: cli::Package) -> Result<()> {
    let file = ProviderFile::open(&options.file).await?;
    let name = options.name.clone().unwrap_or_else(|| file.descriptor.name.clone());
    capstan_providers::check_name(&name)?;
    let (text, grants) = match &options.grants {
        Some(path) => read_grants(path)?,
        None => (String::new(), Grants::default()),
    };
    let (text, grants) = match &options.service_account {
        Some(account) => in_the_name_of(account, text, grants)?,
        None => (text, grants),
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
    let roles = roles::of_provider(&name, &rights, &labels, &options.namespace, grants.service_account.as_ref());
    for line in roles.iter().flat_map(|role| &role.comment) {
        eprintln!("{line}");
    }
    documents.extend(roles);
    if !options.without_component {
        let carrier = carrier::config_map(&name, &labels, &options.namespace, &file.packed()?, &text)?;
        documents.push(carrier.into());
    }
    documents::print(&documents, options.output)
}

pub(super) fn read_grants(path: &Path) -> Result<(String, Grants)> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let grants = Grants::parse(&text).with_context(|| format!("{} cannot be used", path.display()))?;
    Ok((text, grants))
}

/// The same grants for a provider that acts as an account.
fn in_the_name_of(account: &ServiceAccount, text: String, grants: Grants) -> Result<(String, Grants)> {
    match &grants.service_account {
        Some(named) if named == account => return Ok((text, grants)),
        Some(named) => {
            bail!("the grants name ServiceAccount {named}, and --service-account names {account}: which is it?")
        }
        None => {}
    }
    let line = format!("serviceAccount: {{namespace: {}, name: {}}}\n", account.namespace(), account.name());
    let amended = if text.is_empty() || text.ends_with('\n') { text + &line } else { text + "\n" + &line };
    let expected = Grants { service_account: Some(account.clone()), ..grants };
    match Grants::parse(&amended) {
        Ok(grants) if grants == expected => Ok((amended, grants)),
        _ => {
            bail!("the grants are not written so that a line can be added: add `{}` to them yourself", line.trim_end())
        }
    }
}

/// All of them, or an error: a right that is silently left out would be missed much later.
async fn rights(descriptor: &Descriptor, grants: &Grants, options: &cli::Package) -> Result<Rights> {
    let mut kinds = Kinds::of(descriptor);
    let mut rights = Rights::of(descriptor, grants, &kinds);
    if rights.unknown.is_empty() {
        return Ok(rights);
    }
    if let Some(kubeconfig) = &options.kubeconfig {
        let client = ApiServer::of(Some(kubeconfig), options.context.clone()).await?.at_once().await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_added_to_the_grants_that_name_none() {
        let account: ServiceAccount = "team-a/note".parse().unwrap();
        let amend = |text: &str| in_the_name_of(&account, text.to_owned(), Grants::parse(text).unwrap());
        for text in ["", "# nothing", "limits: {callTimeout: 10s}", "limits:\n  callTimeout: 10s\n"] {
            let (amended, grants) = amend(text).expect(text);
            assert_eq!(grants.service_account.as_ref(), Some(&account), "{text}");
            assert!(amended.starts_with(text) && Grants::parse(&amended).unwrap() == grants, "{amended}");
        }
        let named = "serviceAccount: {namespace: team-a, name: note}";
        assert_eq!(amend(named).unwrap().0, named);
        let error = amend("serviceAccount: {namespace: team-a, name: other}").unwrap_err().to_string();
        assert!(error.contains("team-a/other"), "{error}");
        let error = amend("{limits: {callTimeout: 10s}}").unwrap_err().to_string();
        assert!(error.contains("add `serviceAccount"), "{error}");
    }
}
