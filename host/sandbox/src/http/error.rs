//! Why a request has no answer.

use std::error::Error as StdError;

use super::{connect::ConnectError, limits::Limited};
use crate::{bindings::capstan::provider::http as wit, gate::Denied};

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("{0}")]
    Refused(ConnectError),
    #[error("no whole answer in time")]
    TimedOut,
    #[error("the origin has told us to wait for {:?}", .0.wait)]
    Limited(Limited),
    /// Bytes that it may have.
    #[error("larger than {0} bytes")]
    TooLarge(usize),
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    #[error("{0}")]
    Invalid(String),
    /// Ends the call into the guest.
    #[error(transparent)]
    Exhausted(#[from] Exhausted),
}

/// The other system, or the way to it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreachable {
    #[error("{0}")]
    Connect(ConnectError),
    #[error("TLS cannot be spoken: {0}")]
    Tls(String),
    /// There is a connection, and nothing can be sent over it.
    #[error("{0}")]
    Handshake(String),
    #[error("{0}")]
    Protocol(String),
    /// The token for a credential could not be had.
    #[error("no token from {url}: {problem}")]
    Token { url: String, problem: String },
    #[error("the host is shutting down")]
    Closed,
    /// Nothing that is the provider's fault: it was cut short between two requests, or in the middle of one.
    #[error("this replica has lost the provider's lease: another one may be asking by now")]
    NotLeader,
}

/// Ends a call into the guest: it used more than one reconcile may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Exhausted {
    #[error("more than {0} requests to other systems in one reconcile")]
    Requests(u32),
    #[error("more than {0} bytes to and from other systems in one reconcile")]
    Bytes(u64),
}

impl Failed {
    /// What hyper's client says, by the types behind it.
    pub(crate) fn sending(error: &hyper_util::client::legacy::Error, header_bytes: usize) -> Self {
        let mut found: Option<ConnectError> = None;
        let mut too_large = false;
        let mut last = error.to_string();
        let mut next: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(current) = next {
            last = current.to_string();
            too_large |= current.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse_too_large);
            if let Some(known) = current.downcast_ref::<ConnectError>() {
                found = Some(known.clone());
                break;
            }
            next = current.source();
        }
        match found {
            Some(refused @ ConnectError::Refused { .. }) => Self::Refused(refused),
            Some(other) => Unreachable::Connect(other).into(),
            None if too_large => Self::TooLarge(header_bytes),
            None if error.is_connect() => Unreachable::Handshake(last).into(),
            // The innermost says what happened; those around it, only where.
            None => Unreachable::Protocol(last).into(),
        }
    }

    /// Whether a request certainly was not carried out: it was not sent, or the origin wants it later.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::Denied(_) | Self::Refused(_) | Self::Limited(_) | Self::Invalid(_) => true,
            Self::Unreachable(unreachable) => match unreachable {
                Unreachable::Connect(_)
                | Unreachable::Tls(_)
                | Unreachable::Handshake(_)
                | Unreachable::Token { .. }
                | Unreachable::Closed => true,
                Unreachable::Protocol(_) | Unreachable::NotLeader => false,
            },
            Self::TimedOut | Self::TooLarge(_) | Self::Exhausted(_) => false,
        }
    }

    /// What the guest is told; an error if its call ends here.
    pub(crate) fn told(self) -> Result<wit::Error, Exhausted> {
        Ok(match self {
            Self::Denied(denied) => wit::Error::Denied(denied.to_string()),
            Self::Refused(refused) => wit::Error::Denied(refused.to_string()),
            Self::TimedOut => wit::Error::TimedOut,
            // Rounded up: whoever comes a moment too early is refused again.
            Self::Limited(Limited { wait, said }) => {
                let after_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
                wit::Error::RateLimited(wit::Limit { after_ms, message: said.to_string() })
            }
            Self::TooLarge(limit) => wit::Error::TooLarge(limit as u64),
            Self::Unreachable(unreachable) => wit::Error::Unreachable(unreachable.to_string()),
            Self::Invalid(problem) => wit::Error::InvalidRequest(problem),
            Self::Exhausted(exhausted) => return Err(exhausted),
        })
    }
}
