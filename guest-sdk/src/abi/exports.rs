//! Calls from the host, handed to the provider.

use std::{cell::RefCell, panic};

use super::bindings::{
    capstan::provider::types,
    exports::capstan::provider::{describe as wit_describe, external as wit},
};
use crate::{
    Change, Creation, Difference, Failure, ManagedKind, Observation, Problem, Provider, Readiness, Result, log,
    provider::Session,
};

/// Lends a provider to the exported functions, which have no argument to find it by.
pub trait Exported {
    /// The one provider of this component.
    const PROVIDER: &'static Provider;
}

thread_local! {
    /// From connect to disconnect. A component has one thread, and the host reconciles one object in an instance.
    static SESSION: RefCell<Option<Box<dyn Session>>> = const { RefCell::new(None) };
}

fn with_session<T>(call: impl FnOnce(&mut dyn Session) -> Result<T>) -> Result<T> {
    SESSION.with_borrow_mut(|session| match session {
        Some(session) => call(&mut **session),
        None => Err(Failure::retryable("NotConnected", "the provider was called without being connected")),
    })
}

impl<P: Exported> wit_describe::Guest for P {
    fn describe() -> wit_describe::Descriptor {
        let kind = |each: &ManagedKind| wit_describe::ManagedKind {
            kind: types::ObjectKind {
                api_version: each.kind().api_version().to_owned(),
                kind: each.kind().name().to_owned(),
            },
            definition: each.kind().definition().map(str::to_owned),
            recoverable: each.recoverable(),
        };
        wit_describe::Descriptor {
            name: P::PROVIDER.name().to_owned(),
            version: P::PROVIDER.version().to_owned(),
            kinds: P::PROVIDER.kinds().iter().map(kind).collect(),
            needs: P::PROVIDER.needs().to_owned(),
            config_schema: P::PROVIDER.config_schema().map(str::to_owned),
        }
    }
}

impl<P: Exported> wit::Guest for P {
    fn connect(managed: String) -> Result<(), types::Failure> {
        // The host sees that the instance trapped, but not why: the message goes nowhere else.
        panic::set_hook(Box::new(|panic| log::write(log::Level::Error, &panic.to_string(), &[])));
        SESSION.set(Some(P::PROVIDER.connect(&managed)?));
        Ok(())
    }

    fn observe(managed: String) -> Result<wit::Observation, types::Failure> {
        Ok(with_session(|session| session.observe(managed))?.into())
    }

    fn create(managed: String) -> Result<wit::Creation, types::Failure> {
        Ok(with_session(|session| session.create(managed))?.into())
    }

    fn update(managed: String) -> Result<wit::Change, types::Failure> {
        Ok(with_session(|session| session.update(managed))?.into())
    }

    fn delete(managed: String) -> Result<(), types::Failure> {
        Ok(with_session(|session| session.delete(managed))?)
    }

    fn disconnect() -> Result<(), types::Failure> {
        match SESSION.take() {
            Some(session) => Ok(session.disconnect()?),
            None => Ok(()),
        }
    }
}

impl From<Problem> for types::Problem {
    fn from(Problem { reason, message }: Problem) -> Self {
        Self { reason, message }
    }
}

impl From<Failure> for types::Failure {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Retryable(problem) => Self::Retryable(problem.into()),
            Failure::RetryAfter(problem, delay) => {
                let after_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
                Self::RetryAfter(types::Delay { problem: problem.into(), after_ms })
            }
            Failure::Terminal(problem) => Self::Terminal(problem.into()),
        }
    }
}

impl From<Observation> for wit::Observation {
    fn from(observation: Observation) -> Self {
        let difference = |Difference { path, desired, actual }| wit::Difference {
            path,
            desired: desired.map(|value| value.to_string()),
            actual: actual.map(|value| value.to_string()),
        };
        Self {
            exists: observation.exists,
            up_to_date: observation.up_to_date,
            differences: observation.differences.into_iter().map(difference).collect(),
            late_initialize: observation.late_initialize.map(|patch| patch.to_string()),
            status: observation.status.map(|patch| patch.to_string()),
            readiness: match observation.readiness {
                Readiness::Ready => wit::Readiness::Ready,
                Readiness::NotReady(problem) => wit::Readiness::NotReady(problem.into()),
                Readiness::Unknown => wit::Readiness::Unknown,
            },
            external_name: observation.external_name,
        }
    }
}

impl From<Creation> for wit::Creation {
    fn from(creation: Creation) -> Self {
        Self {
            external_name: creation.external_name,
            annotations: creation.annotations,
            status: creation.status.map(|patch| patch.to_string()),
        }
    }
}

impl From<Change> for wit::Change {
    fn from(change: Change) -> Self {
        Self { status: change.status.map(|patch| patch.to_string()) }
    }
}
