//! Why an artifact was not pulled.

use capstan_oci::Error;

/// Why an artifact was not pulled, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PullError {
    /// The registry, or the way to it, or what is in it.
    #[error("{0}: {advice}", advice = advice(.0))]
    Registry(#[from] Error),
    /// The host's own settings do not allow to ask.
    #[error("no registry can be asked: {0}")]
    Network(String),
    /// There is no pull secret of this name.
    #[error(
        "Secret {namespace}/{name}, which spec.source.oci.pullSecret names, is not there: make it with `kubectl create secret \
         docker-registry {name} --namespace {namespace} --docker-server=HOST --docker-username=NAME --docker-password=PASSWORD`"
    )]
    SecretMissing {
        /// The host's own.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// It cannot be used.
    #[error("Secret {namespace}/{name}, which spec.source.oci.pullSecret names, cannot be used: {problem}")]
    SecretInvalid {
        /// The host's own.
        namespace: String,
        /// Its name.
        name: String,
        /// What is wrong with it; nothing of its content.
        problem: String,
    },
    /// The API server does not let the host read it.
    #[error(
        "the host has not the right to get Secret {namespace}/{name}, which spec.source.oci.pullSecret names -- give it with \
         `kubectl create role capstan-pull-{name} --namespace {namespace} --verb=get --resource=secrets --resource-name={name} && \
         kubectl create rolebinding capstan-pull-{name} --namespace {namespace} --role=capstan-pull-{name} \
         --serviceaccount={namespace}:capstan`"
    )]
    SecretForbidden {
        /// The host's own.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// The API server does not answer.
    #[error("Secret {namespace}/{name}, which spec.source.oci.pullSecret names, cannot be read now: {problem}")]
    SecretUnread {
        /// The host's own.
        namespace: String,
        /// Its name.
        name: String,
        /// What happened.
        problem: String,
    },
}

impl PullError {
    /// For conditions, events and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Registry(error) => error.reason(),
            Self::Network(_) | Self::SecretUnread { .. } => "FetchFailed",
            Self::SecretMissing { .. } | Self::SecretInvalid { .. } => "PullSecretInvalid",
            Self::SecretForbidden { .. } => "RightsMissing",
        }
    }
}

fn advice(error: &Error) -> &'static str {
    match error {
        Error::Reference(_) => "correct spec.source.oci.reference",
        Error::Plaintext(_) => "leave out spec.source.oci.plainHttp, and let the registry speak HTTPS",
        Error::Unauthorized { signed_in: false, .. } => {
            "name a Secret of the type kubernetes.io/dockerconfigjson of the host's namespace in spec.source.oci.pullSecret"
        }
        Error::Unauthorized { signed_in: true, .. } => {
            "correct the Secret that spec.source.oci.pullSecret names, or let its user pull from there; tried again after \
             spec.source.oci.interval"
        }
        Error::NotFound(_) => "push it, or correct spec.source.oci.reference; it is looked for again",
        Error::NotWasm { .. } => "push the provider with `capstan provider push`",
        Error::TooLarge { .. } => "build it with `--profile guest` settings (size, LTO, strip)",
        Error::Corrupt { .. } | Error::Malformed { .. } => {
            "see whether something stands between the host and the registry; it is tried again"
        }
        Error::Refused { .. } => "see what the registry means; it is tried again",
        Error::Limited { .. } => "it is tried again later; a longer spec.source.oci.interval asks less often",
        Error::Unavailable { .. } | Error::TimedOut { .. } => "it is tried again, and what ran before goes on running",
    }
}
