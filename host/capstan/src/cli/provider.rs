//! `capstan provider` and what follows it.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand, ValueEnum};

use super::{DEFAULT_NAMESPACE, duration, namespace};

#[derive(Debug, Subcommand)]
pub(crate) enum Provider {
    /// Makes a folder with a provider that builds and reconciles as it is
    New(New),
    /// Runs a provider against files that say what happens and what has to come of it, without a cluster
    Test(Test),
    /// Says what a provider is, what it manages and what it asks for
    Inspect(Inspect),
    /// Prints what a cluster needs to run a provider, ready for `kubectl apply --server-side --force-conflicts -f -`
    Package(Package),
    /// Pushes a provider to a registry, and prints a Provider that pins it, ready for `kubectl apply -f -`
    Push(Push),
}

/// `capstan provider new`
#[derive(Debug, Args)]
pub(crate) struct New {
    /// The provider's name: lower-case letters, digits and inner hyphens
    pub(crate) name: String,
    /// The folder guest-sdk of a checkout of Capstan, which the provider is built with
    #[arg(long, value_name = "DIR")]
    pub(crate) sdk: PathBuf,
    /// The kind that it manages [default: the name in CamelCase]
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// The API group of the kind: a domain of yours
    #[arg(long, default_value = "example.org", value_parser = group)]
    pub(crate) group: String,
    /// Where to make it; nothing is overwritten [default: a folder with the provider's name]
    #[arg(long, value_name = "DIR")]
    pub(crate) path: Option<PathBuf>,
}

/// `capstan provider test`
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// The component: .wasm, or packed with gzip
    pub(crate) file: PathBuf,
    /// What happens and what has to come of it, a YAML file each
    #[arg(required = true)]
    pub(crate) cases: Vec<PathBuf>,
    /// What the provider may do beyond its own kinds, and its config [default: nothing]
    #[arg(long, value_name = "FILE")]
    pub(crate) grants: Option<PathBuf>,
    /// How long a step may take
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub(crate) timeout: Duration,
}

/// `capstan provider inspect`
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The component: .wasm, or packed with gzip
    pub(crate) file: PathBuf,
    /// How to say it
    #[arg(short, long, value_enum, default_value_t = Account::Text)]
    pub(crate) output: Account,
}

/// How a provider is described.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Account {
    /// For people.
    Text,
    /// For machines.
    Json,
    /// Only the grants file that it asks for, to be narrowed down.
    Grants,
}

/// `capstan provider package`
#[derive(Debug, Args)]
pub(crate) struct Package {
    /// The component: .wasm, or packed with gzip
    pub(crate) file: PathBuf,
    /// The provider's name in the cluster [default: the name it gives itself]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// What the provider may do beyond its own kinds [default: nothing]
    #[arg(long, value_name = "FILE")]
    pub(crate) grants: Option<PathBuf>,
    /// The host's own namespace
    #[arg(long, value_name = "NAME", default_value = DEFAULT_NAMESPACE, env = "CAPSTAN_NAMESPACE", value_parser = namespace)]
    pub(crate) namespace: String,
    /// A ServiceAccount in whose name the provider acts, so that the roles are for that one; the host gets the right to impersonate
    /// it. As `serviceAccount` in the grants, which it is added to
    #[arg(long, value_name = "NAMESPACE/NAME")]
    pub(crate) service_account: Option<capstan_api::ServiceAccount>,
    /// Leaves out the ConfigMap: definitions and roles only
    #[arg(long)]
    pub(crate) without_component: bool,
    /// Leaves out the CustomResourceDefinitions: the host installs them, once it found that stored objects fit them
    #[arg(long)]
    pub(crate) without_definitions: bool,
    /// A cluster to ask about kinds of other systems that the grants name
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig [default: its current one]
    #[arg(long, value_name = "NAME", requires = "kubeconfig")]
    pub(crate) context: Option<String>,
    /// How to write it
    #[arg(short, long, value_enum, default_value_t = Format::Yaml)]
    pub(crate) output: Format,
}

/// `capstan provider push`
#[derive(Debug, Args)]
pub(crate) struct Push {
    /// The component: .wasm, or packed with gzip
    pub(crate) file: PathBuf,
    /// Where to: registry.example.org/providers/patch:1.0. Docker's configuration says who you are there (`docker login`)
    pub(crate) reference: capstan_oci::Reference,
    /// The provider's name in the cluster [default: the name it gives itself]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// What the provider may do beyond its own kinds, for the Provider that is printed [default: nothing]
    #[arg(long, value_name = "FILE")]
    pub(crate) grants: Option<PathBuf>,
    /// A Secret of the host's namespace with the credentials to pull it, for the Provider that is printed; the role that lets the
    /// host read it is printed too
    #[arg(long, value_name = "NAME")]
    pub(crate) pull_secret: Option<String>,
    /// The host's own namespace
    #[arg(long, value_name = "NAME", default_value = DEFAULT_NAMESPACE, env = "CAPSTAN_NAMESPACE", value_parser = namespace)]
    pub(crate) namespace: String,
    /// Speaks plain HTTP; only to a registry on a loopback address
    #[arg(long)]
    pub(crate) plain_http: bool,
    /// Certificates (PEM) that are trusted beside those of the machine
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_bundle: Option<PathBuf>,
    /// http://HOST:PORT: a proxy [default: none, whatever the environment says]
    #[arg(long, value_name = "URL")]
    pub(crate) http_proxy: Option<http::Uri>,
    /// How to write the Provider
    #[arg(short, long, value_enum, default_value_t = Format::Yaml)]
    pub(crate) output: Format,
}

/// How objects are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One document after the other.
    Yaml,
    /// One List.
    Json,
}

/// A domain, as the API server takes it for the group of a definition.
fn group(text: &str) -> Result<String, &'static str> {
    let fine = text.contains('.') && text.len() <= 180 && text.split('.').all(|label| namespace(label).is_ok());
    if fine { Ok(text.to_owned()) } else { Err("a group is a domain such as platform.example.org, in lower case") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_domains() {
        for fine in ["example.org", "a-b.c.d"] {
            assert!(group(fine).is_ok(), "{fine}");
        }
        for wrong in ["", "example", "Example.org", "a..b", ".a", "a_b.c"] {
            assert!(group(wrong).is_err(), "{wrong}");
        }
    }
}
