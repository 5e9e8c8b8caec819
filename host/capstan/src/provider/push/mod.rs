//! `capstan provider push`: a provider to a registry, and the object that lets a host pull it from there.

mod credentials;

use anyhow::{Context, Error, Result, anyhow, ensure};
use capstan_api::{Grants, OciSource, ProviderSpec, SecretName, Source, api_version, provider_kind};
use capstan_oci::{Access, Client, Config, Digest, Error as RegistryError, Repository};
use jiff::Timestamp;
use serde_json::json;

use super::{file::ProviderFile, package, roles};
use crate::{
    cli,
    documents::{self, Document},
    host,
};

/// By which builds that can be repeated say when they were.
const EPOCH: &str = "SOURCE_DATE_EPOCH";

pub(super) async fn run(options: cli::Push) -> Result<()> {
    let reference = &options.reference;
    ensure!(
        reference.tag().is_some() && reference.digest().is_none(),
        "{reference} names no tag to push to: write {}/{}:TAG",
        reference.registry(),
        reference.repository()
    );
    let file = ProviderFile::open(&options.file).await?;
    let name = options.name.clone().unwrap_or_else(|| file.descriptor.name.clone());
    capstan_providers::check_name(&name)?;
    let grants = match &options.grants {
        Some(path) => package::read_grants(path)?.1,
        None => Grants::default(),
    };
    capstan_providers::check_kinds(&file.descriptor, &grants)?;

    let cli::Push { plain_http, .. } = options;
    let network = cli::Network {
        ca_bundle: options.ca_bundle.clone(),
        http_proxy: options.http_proxy.clone(),
        private_ranges: Vec::new(),
    };
    let tls = host::network(&network)?.tls().map_err(|problem| anyhow!("TLS cannot be spoken: {problem}"))?;
    let client = Client::new(tls, options.http_proxy.clone());
    let access = Access { credentials: credentials::find(reference).await?, plain_http };
    let push = async {
        let repository = Repository::to_push(&client, reference, access)?;
        repository.push(file.plain.clone(), &config(&file)?).await.map_err(Error::from)
    };
    let manifest = push.await.map_err(|error| advised(error, &options))?;
    let component = Digest::of(&file.plain);
    eprintln!("pushed     {reference}\nmanifest   {manifest}\ncomponent  {component}");
    eprintln!(
        "note: the host needs the provider's definitions and rights as well: `capstan provider package {} --without-component`",
        options.file.display()
    );
    documents::print(&objects(&options, &name, grants, &manifest, &component), options.output)
}

/// The same for the same file, so that pushing it twice makes one artifact.
fn config(file: &ProviderFile) -> Result<Config> {
    let created = match std::env::var(EPOCH) {
        Ok(seconds) => {
            let seconds = seconds.parse().with_context(|| format!("{EPOCH} is no number of seconds"))?;
            Timestamp::from_second(seconds).with_context(|| format!("{EPOCH} is no time"))?
        }
        Err(_) => Timestamp::UNIX_EPOCH,
    };
    let annotations = [("title", &file.descriptor.name), ("version", &file.descriptor.version)];
    let annotation = |(key, value): (&str, &String)| (format!("org.opencontainers.image.{key}"), value.clone());
    Ok(Config {
        created: created.to_string(),
        exports: file.component.exports().to_vec(),
        imports: file.component.imports().to_vec(),
        annotations: annotations.map(annotation).into(),
    })
}

/// The `Provider` that takes this build and no other; before it what the host needs to pull it.
fn objects(options: &cli::Push, name: &str, grants: Grants, manifest: &Digest, component: &Digest) -> Vec<Document> {
    let reference = options.reference.pinned(manifest.clone()).to_string();
    let pull_secret = options.pull_secret.clone().map(|name| SecretName { name });
    let source = OciSource { pull_secret, plain_http: options.plain_http, ..OciSource::new(reference) };
    let spec = ProviderSpec { digest: Some(component.to_string()), ..ProviderSpec::new(Source::Oci(source), grants) };
    let provider = Document {
        comment: vec![
            format!("{} with the manifest {manifest}", options.reference),
            "Pinned twice: the reference names the manifest, spec.digest the component. To follow the tag, write it in place of".to_owned(),
            "the @sha256:... and leave spec.digest out.".to_owned(),
        ],
        object: json!({
            "apiVersion": api_version(&provider_kind()),
            "kind": provider_kind().kind,
            "metadata": {"name": name},
            "spec": spec,
        }),
    };
    let rights = options.pull_secret.iter().flat_map(|secret| roles::pull_secret(secret, &options.namespace));
    rights.chain([provider]).collect()
}

/// What to do about it.
fn advised(error: Error, options: &cli::Push) -> Error {
    let registry = options.reference.registry();
    let advice = match error.downcast_ref::<RegistryError>() {
        Some(RegistryError::Unauthorized { signed_in: false, .. }) => {
            format!("sign in with `docker login {registry}`, or put credentials into {}", credentials::shown())
        }
        Some(RegistryError::Unauthorized { signed_in: true, .. }) => format!(
            "those of {} are wrong, or have not the right to push there: `docker login {registry}`",
            credentials::shown()
        ),
        Some(RegistryError::Plaintext(_)) => "leave out --plain-http".to_owned(),
        Some(RegistryError::NotFound(_)) => "make the repository or its project first, or correct its name".to_owned(),
        Some(RegistryError::Unavailable { .. }) if options.plain_http => "see whether it runs".to_owned(),
        Some(RegistryError::Unavailable { .. }) => {
            "see whether it runs; --ca-bundle FILE trusts its certificate, --http-proxy URL goes through a proxy, --plain-http speaks \
             to a registry on this machine without TLS"
                .to_owned()
        }
        Some(RegistryError::Limited { .. }) => "come again later".to_owned(),
        _ => return error.context(format!("{} cannot be pushed", options.reference)),
    };
    anyhow!("{error}; {advice}").context(format!("{} cannot be pushed", options.reference))
}
