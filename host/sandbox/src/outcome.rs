//! How a call into a guest can end badly, by cause.

use std::{fmt, time::Duration};

use capstan_engine::{Failure, Retry};

/// A function that a guest exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are those of the contract")]
pub enum Call {
    Describe,
    Connect,
    Observe,
    Create,
    Update,
    Delete,
    Disconnect,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Describe => "describe",
            Self::Connect => "connect",
            Self::Observe => "observe",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Disconnect => "disconnect",
        })
    }
}

/// The limit of time that ran out first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeLimit {
    /// That of one call.
    Call(Duration),
    /// That of the whole reconcile.
    Reconcile(Duration),
    /// That of a disconnect, which nobody sets.
    Disconnect(Duration),
}

impl fmt::Display for TimeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(limit) => write!(f, "callTimeout is {limit:?}"),
            Self::Reconcile(limit) => write!(f, "reconcileTimeout is {limit:?}"),
            Self::Disconnect(limit) => write!(f, "a disconnect has {limit:?}"),
        }
    }
}

/// A call that did not end with an answer of the guest's, or with one that makes no sense. What a guest itself reports as
/// a failure is none of these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Outcome {
    /// It took too long, running or waiting.
    #[error(
        "{call} did not end in time ({limit}): raise the limit in the provider's grants if the external system is slow; \
         otherwise the provider hangs{last_said}"
    )]
    DeadlineExceeded {
        /// Where.
        call: Call,
        /// What ran out.
        limit: TimeLimit,
        /// What the guest had logged before.
        last_said: LastSaid,
    },
    /// It asked for more memory than it may have, and failed without.
    #[error(
        "{call} needs more memory than allowed (memory is {limit} bytes): raise the limit in the provider's grants{last_said}"
    )]
    MemoryExhausted {
        /// Where.
        call: Call,
        /// Bytes.
        limit: usize,
        /// What the guest had logged before.
        last_said: LastSaid,
    },
    /// It recursed too deeply.
    #[error("{call} used up the stack: the provider recurses too deeply, most likely without end{last_said}")]
    StackExhausted {
        /// Where.
        call: Call,
        /// What the guest had logged before.
        last_said: LastSaid,
    },
    /// It made too many requests.
    #[error(
        "{call} made more than {limit} requests to the cluster in one reconcile: the provider loops, or should list; otherwise raise \
         limits.requests in its grants"
    )]
    RequestsExhausted {
        /// Where.
        call: Call,
        /// Requests per reconcile.
        limit: u32,
    },
    /// It sent too many requests to other systems.
    #[error(
        "{call} sent more than {limit} requests to other systems in one reconcile: the provider loops, or should ask for more at once; \
         otherwise raise limits.httpRequests in its grants"
    )]
    HttpRequestsExhausted {
        /// Where.
        call: Call,
        /// Requests per reconcile.
        limit: u32,
    },
    /// It exchanged too much with other systems.
    #[error(
        "{call} exchanged more than {limit} bytes with other systems in one reconcile: the provider loops, or asks for too much; \
         otherwise raise limits.httpBytes in its grants"
    )]
    HttpBytesExhausted {
        /// Where.
        call: Call,
        /// Bytes per reconcile.
        limit: u64,
    },
    /// It stopped on its own: a panic, an assertion, an exit.
    #[error("{call} crashed ({trap}){last_words}")]
    Trapped {
        /// Where.
        call: Call,
        /// What the machine says.
        trap: String,
        /// What the guest wrote last, which is the text of its panic if it had one.
        last_words: LastWords,
    },
    /// What it wanted to hand over does not fit through the interface: too large, too many handles, no Unicode.
    #[error("{call} handed over what the host does not take: {detail}")]
    BoundaryViolated {
        /// Where.
        call: Call,
        /// What was wrong.
        detail: String,
    },
    /// The answer is not what the contract asks for.
    #[error("{call} gave an answer that makes no sense: {detail}: this is a defect of the provider")]
    MalformedAnswer {
        /// Where.
        call: Call,
        /// What was wrong.
        detail: String,
    },
    /// It used an import where there is none.
    #[error("{call} used {import}, which is not available to it")]
    ImportUnavailable {
        /// Where.
        call: Call,
        /// An interface of the contract.
        import: &'static str,
    },
    /// The session ended before, by one of the others.
    #[error("{call} was not made: the session is over since an earlier call in it did not end well")]
    SessionOver {
        /// Where.
        call: Call,
    },
    /// All instances were in use for the whole of the time that the reconcile had.
    #[error("{call} found no free instance in time ({limit}): the host runs as many providers at once as it may")]
    Busy {
        /// Where.
        call: Call,
        /// What ran out.
        limit: TimeLimit,
    },
    /// The host could not make an instance.
    #[error("no instance for {call}: {detail}")]
    NotInstantiated {
        /// Where.
        call: Call,
        /// What was wrong.
        detail: String,
    },
}

impl Outcome {
    /// For conditions, events and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::DeadlineExceeded { .. } => "DeadlineExceeded",
            Self::MemoryExhausted { .. } => "MemoryExhausted",
            Self::StackExhausted { .. } => "StackExhausted",
            Self::RequestsExhausted { .. } => "RequestsExhausted",
            Self::HttpRequestsExhausted { .. } => "HttpRequestsExhausted",
            Self::HttpBytesExhausted { .. } => "HttpBytesExhausted",
            Self::Trapped { .. } => "Trapped",
            Self::BoundaryViolated { .. } => "BoundaryViolated",
            Self::MalformedAnswer { .. } => "MalformedAnswer",
            Self::ImportUnavailable { .. } => "ImportUnavailable",
            Self::SessionOver { .. } => "SessionOver",
            Self::Busy { .. } => "SandboxBusy",
            Self::NotInstantiated { .. } => "NotInstantiated",
        }
    }
}

/// All of them are retried with back-off: the next attempt has a fresh instance, and what it reads may be different.
impl From<Outcome> for Failure {
    fn from(outcome: Outcome) -> Self {
        Self::new(outcome.reason(), outcome.to_string(), Retry::Backoff)
    }
}

/// The end of what a guest wrote to its standard error; empty if it wrote nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastWords(pub String);

impl fmt::Display for LastWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ": {}", self.0) }
    }
}

/// The last line that a guest logged, of whatever level; empty if it logged nothing. It tells what the guest was about
/// when its budget ran out, which the host cannot know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastSaid(pub String);

impl fmt::Display for LastSaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "; it last said: {}", self.0) }
    }
}
