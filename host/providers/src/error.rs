//! Why a delivered provider does not run.

use std::fmt;

use capstan_api::{GrantError, ServiceAccount, Source};
use capstan_cluster::Error as ClusterError;
use capstan_sandbox::{ConfigError, LoadError, Outcome};
use tokio::task::JoinError;

use crate::{ArtifactError, install::Misfits, rights::Right};

/// A provider that cannot be taken into service. What ran under its name before goes on running.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The delivery itself is of no use.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The `Provider` cannot be read.
    #[error("the spec of the Provider cannot be used: {0}")]
    Spec(String),
    /// There is nothing where its component is to come from.
    #[error("{0} is not there: make it, or name another source in spec.source; what ran before goes on running")]
    SourceMissing(Source),
    /// The component is not the one that is pinned.
    #[error(
        "{place} holds a component with digest {found}, and spec.digest pins {pinned}: put that one there, or change the pin"
    )]
    DigestMismatch {
        /// Where it comes from.
        place: Source,
        /// What is wanted.
        pinned: String,
        /// What is there.
        found: String,
    },
    /// The grants file is of no use.
    #[error(transparent)]
    Grants(#[from] GrantError),
    /// It limits a kind that there is not.
    #[error("`limits.kinds` names kind {kind}, which the provider does not manage: it manages {managed}")]
    LimitsOfNoKind {
        /// What is named.
        kind: String,
        /// What could be.
        managed: String,
    },
    /// The configuration in it is not what the provider takes.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The component is refused.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The component does not say what it is.
    #[error("the provider cannot be asked what it is: {0}")]
    Describe(Outcome),
    /// Somebody else has the name or a kind already.
    #[error("{0}")]
    Conflict(String),
    /// It wants to manage a kind that it does not bring.
    #[error(
        "the provider wants to manage {kind} of group {group}, which it does not define; a rule under `kubernetes` is not enough \
         for that: if it may do anything to these objects, add to its grants `manages: [{{apiGroups: [{group}], kinds: [{kind}]}}]`"
    )]
    ForeignKind {
        /// Its group.
        group: String,
        /// Its name.
        kind: String,
    },
    /// It wants to manage a kind that is nobody's own.
    #[error(
        "the provider wants to manage {kind} of the group `{group}`: kinds of Kubernetes itself and of Capstan are never a \
         provider's own, whatever is granted; deliver a build without it"
    )]
    BuiltInKind {
        /// Its group.
        group: String,
        /// Its name.
        kind: String,
    },
    /// The API server does not let the host, or the account, do what the provider cannot be run without.
    #[error("{0}")]
    RightsMissing(Box<RightsMissing>),
    /// What is asked in the name of the account does not count as asked by it.
    #[error("the API server does not take requests in the name of ServiceAccount {account} for its own: {problem}")]
    NotImpersonated {
        /// In whose name.
        account: ServiceAccount,
        /// Whose they are instead, or why that is not known.
        problem: String,
    },
    /// A `CustomResourceDefinition` cannot be installed.
    #[error("CustomResourceDefinition {name} cannot be installed: {error}")]
    Install {
        /// Which one.
        name: String,
        /// Why.
        error: ClusterError,
    },
    /// Its `CustomResourceDefinition` leaves out a version in which objects are stored.
    #[error(
        "CustomResourceDefinition {name} is not replaced: this build drops version {version}, which is in \
         status.storedVersions, and {objects} objects may be stored in it. Deliver a build whose definition keeps {version} \
         (`served: false` is enough); or, once every object was written in another version, take {version} out of the list with \
         `kubectl edit customresourcedefinitions {name} --subresource=status`. It is tried again by itself, and what ran \
         before goes on running"
    )]
    WouldDropVersion {
        /// Which one.
        name: String,
        /// The version that is left out.
        version: String,
        /// Objects of the kind, in whatever version they are stored: the API server does not tell.
        objects: u64,
    },
    /// Objects that fit the installed `CustomResourceDefinition` do not fit the one that it brings.
    #[error(
        "CustomResourceDefinition {name} is not replaced: objects that this build would make invalid: {}. Mend or delete \
         them, or deliver a build whose definition takes them. It is tried again by itself, and what ran before goes on \
         running. They are: {misfits}", .misfits.count()
    )]
    WouldInvalidate {
        /// Which one.
        name: String,
        /// The first of the objects, and how many there are.
        misfits: Misfits,
    },
    /// It leaves out kinds that were managed under this name, and of which objects are left.
    #[error(
        "this build leaves out kinds of which objects are left: {objects}. Nothing would take the finalizer off them, so that they \
         could never be deleted. Delete them while a build that manages them runs -- {commands} -- or deliver a build that manages \
         these kinds too. It is tried again by itself, and what ran before goes on running"
    )]
    WouldDropKind {
        /// How many of what.
        objects: String,
        /// What deletes them.
        commands: String,
    },
    /// Whether objects are left of the kinds that it leaves out is not known.
    #[error(
        "this build leaves out {kinds}, and whether objects are left of that cannot be found out: {error}. Give the right to list \
         them, or delete the CustomResourceDefinition if nobody needs it any more; it is tried again by itself"
    )]
    DroppedUnknown {
        /// Their names.
        kinds: String,
        /// Why.
        error: ClusterError,
    },
    /// The objects of a `CustomResourceDefinition` could not be judged.
    #[error("whether objects fit CustomResourceDefinition {name} could not be found out: {error}")]
    NotJudged {
        /// Which one.
        name: String,
        /// Why.
        error: JoinError,
    },
    /// The `Provider` itself cannot be written.
    #[error("the Provider cannot be written: {0}")]
    Object(ClusterError),
    /// A `CustomResourceDefinition` was taken and then not served.
    #[error("CustomResourceDefinition {0} is not established: `kubectl describe crd {0}` says why")]
    NotEstablished(String),
}

/// What is missing for one provider, and the command that mends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RightsMissing {
    /// Its name.
    pub provider: String,
    /// The host's namespace.
    pub namespace: String,
    /// In whose name it acts, if not in the host's.
    pub account: Option<ServiceAccount>,
    /// Who does not have them.
    pub holder: Holder,
    /// At least one.
    pub missing: Vec<Right>,
}

/// Whose rights are spoken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// The host's own.
    Host,
    /// Those of the account in whose name the provider acts.
    Account,
}

/// So many are named in a message; the command gives all of them.
const NAMED: usize = 6;

impl RightsMissing {
    const REASON: &str = "RightsMissing";

    /// For events and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        Self::REASON
    }
}

impl fmt::Display for RightsMissing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { provider, namespace, account, holder, missing } = self;
        match (holder, account) {
            (Holder::Account, Some(account)) => write!(f, "ServiceAccount {account}")?,
            _ => f.write_str("the host")?,
        }
        let named: Vec<String> = missing.iter().take(NAMED).map(Right::to_string).collect();
        write!(f, " has not the right to: {}", named.join("; "))?;
        if let Some(more) = missing.len().checked_sub(NAMED).filter(|more| *more > 0) {
            write!(f, "; and {more} more")?;
        }
        write!(
            f,
            " -- give it with `capstan provider package FILE --name {provider} --grants GRANTS --namespace {namespace} "
        )?;
        if let Some(account) = account {
            write!(f, "--service-account {account} ")?;
        }
        f.write_str("--without-definitions --without-component | kubectl apply --server-side --force-conflicts -f -`")
    }
}

impl ProviderError {
    /// For events and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Artifact(error) => error.reason(),
            Self::Spec(_) => "SpecInvalid",
            Self::SourceMissing(_) => "SourceMissing",
            Self::DigestMismatch { .. } => "DigestMismatch",
            Self::Object(_) => "ObjectNotWritten",
            Self::Grants(error) => error.reason(),
            Self::LimitsOfNoKind { .. } => "GrantsInvalid",
            Self::Config(error) => error.reason(),
            Self::Load(error) => error.reason(),
            Self::Describe(outcome) => outcome.reason(),
            Self::Conflict(_) => "Conflict",
            Self::ForeignKind { .. } | Self::BuiltInKind { .. } => "ForeignKind",
            Self::RightsMissing(_) | Self::Install { error: ClusterError::Forbidden(_), .. } => RightsMissing::REASON,
            Self::NotImpersonated { .. } => "NotImpersonated",
            Self::Install { .. } | Self::NotJudged { .. } => "InstallFailed",
            Self::WouldDropVersion { .. } => "WouldDropVersion",
            Self::WouldDropKind { .. } | Self::DroppedUnknown { .. } => "WouldDropKind",
            Self::WouldInvalidate { .. } => "WouldInvalidate",
            Self::NotEstablished(_) => "NotEstablished",
        }
    }

    /// Whether the same artifact may do better later. The others wait for a new one.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Conflict(_)
                | Self::RightsMissing(_)
                | Self::NotImpersonated { .. }
                | Self::Install { .. }
                // Objects are mended where they are.
                | Self::WouldDropVersion { .. }
                | Self::WouldDropKind { .. }
                | Self::DroppedUnknown { .. }
                | Self::WouldInvalidate { .. }
                | Self::NotJudged { .. }
                | Self::NotEstablished(_)
                | Self::Object(_)
                // A machine that has much to do compiles slowly.
                | Self::Load(LoadError::Host(_) | LoadError::CompileTimedOut { .. })
                // The host may just have been busy.
                | Self::Describe(
                    Outcome::Busy { .. } | Outcome::NotInstantiated { .. } | Outcome::DeadlineExceeded { .. }
                )
        )
    }
}
