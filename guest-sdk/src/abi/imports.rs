//! Calls to the host, in this crate's types.

use super::bindings::capstan::provider::{cluster as wit, events as wit_events, log as wit_log, types};
pub(crate) use super::outside::{CredentialHandle, config, fetch, fingerprint, open_credential, version};
use crate::{
    cluster::{Error, ObjectRef, Owner, Patch, PatchKind, Selection},
    events::Kind,
    log::Level,
};

pub(crate) fn get(target: &ObjectRef) -> Result<String, Error> {
    Ok(wit::get(&target.into())?)
}

pub(crate) fn list(selection: &Selection) -> Result<Vec<String>, Error> {
    Ok(wit::list(&wit::Selection {
        kind: types::ObjectKind { api_version: selection.api_version.clone(), kind: selection.kind.clone() },
        namespace: selection.namespace.clone(),
        labels: selection.labels.clone(),
    })?)
}

pub(crate) fn create(json: &str) -> Result<String, Error> {
    Ok(wit::create(json)?)
}

pub(crate) fn patch(target: &ObjectRef, patch: &Patch) -> Result<String, Error> {
    let kind = match patch.kind {
        PatchKind::Apply => wit::PatchKind::Apply,
        PatchKind::Merge => wit::PatchKind::Merge,
        PatchKind::Json => wit::PatchKind::Json,
    };
    let options =
        wit::PatchOptions { subresource: patch.subresource.clone(), force: patch.force, dry_run: patch.dry_run };
    Ok(wit::patch(&target.into(), kind, &patch.body.to_string(), &options)?)
}

pub(crate) fn delete(target: &ObjectRef) -> Result<(), Error> {
    Ok(wit::delete(&target.into())?)
}

pub(crate) fn emit(kind: Kind, reason: &str, action: &str, note: &str) {
    let kind = match kind {
        Kind::Normal => wit_events::Kind::Normal,
        Kind::Warning => wit_events::Kind::Warning,
    };
    wit_events::emit(kind, reason, action, note);
}

pub(crate) fn log(level: Level, message: &str, fields: &[(&str, String)]) {
    let fields: Vec<_> = fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    wit_log::write(level.into(), message, &fields);
}

pub(crate) fn log_enabled(level: Level) -> bool {
    wit_log::enabled(level.into())
}

impl From<&ObjectRef> for types::ObjectRef {
    fn from(target: &ObjectRef) -> Self {
        let ObjectRef { api_version, kind, namespace, name } = target.clone();
        Self { api_version, kind, namespace, name }
    }
}

impl From<Level> for wit_log::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Self::Error,
            Level::Warn => Self::Warn,
            Level::Info => Self::Info,
            Level::Debug => Self::Debug,
            Level::Trace => Self::Trace,
        }
    }
}

impl From<wit::Error> for Error {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::NotFound(message) => Self::NotFound(message),
            wit::Error::Conflict(wit::Clash { message, owners }) => {
                let owner = |wit::Owner { manager, field }| Owner { manager, field };
                Self::Conflict { message, owners: owners.into_iter().map(owner).collect() }
            }
            wit::Error::Denied(message) => Self::Denied(message),
            wit::Error::Invalid(message) => Self::Invalid(message),
            wit::Error::Unavailable(message) => Self::Unavailable(message),
        }
    }
}
