//! The status of a `Provider`: kept here, and written when it says something new.

use std::{collections::BTreeMap, time::Duration};

use capstan_api::{
    BoundUsage, Condition, KindName, LastError, Permissions, PermissionsStatus, ProviderCondition, ProviderCounters,
    ProviderStatus, api_version, provider_kind, provider_ref,
};
use capstan_cluster::{Cluster, Error, Patch};
use jiff::{Timestamp, Unit};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    ProviderError,
    load::{Loaded, requested},
    provider::CRASH_LOOPING,
    rights::Right,
};

/// The same for every replica, so that what one leaves out goes.
const MANAGER: &str = "capstan-status";

/// Counters alone are no reason to write more often than this.
const COUNTED_EVERY: Duration = Duration::from_secs(30);

/// Nor than this, if they say only that some more reconciles went as those before: at rest a provider writes next to nothing.
const RECONCILES_COUNTED_EVERY: Duration = Duration::from_mins(5);

/// Reason of one over which the host itself went wrong.
pub(crate) const INTERNAL: &str = "Internal";

/// Says that nothing of a provider is in service, since the host went wrong over it.
pub(crate) async fn went_wrong(
    cluster: Cluster,
    name: &str,
    instance: &str,
    generation: i64,
    note: &str,
) -> Result<(), Error> {
    let mut board = Board::open(cluster, name, instance).await?;
    for condition in [ProviderCondition::Loaded, ProviderCondition::Healthy] {
        board.set(condition.is(false, INTERNAL, note), generation);
    }
    board.write().await
}

/// What is said of one `Provider`.
pub(crate) struct Board {
    cluster: Cluster,
    name: String,
    uid: String,
    status: ProviderStatus,
    counters: ProviderCounters,
    usage: BTreeMap<String, BoundUsage>,
    written: Option<Value>,
    counted: Option<Instant>,
}

impl Board {
    /// Goes on from what stands there.
    pub(crate) async fn open(cluster: Cluster, name: &str, instance: &str) -> Result<Self, Error> {
        let object = cluster.get(&provider_ref(name)).await?;
        let mut value = object.value();
        let status: Option<ProviderStatus> = serde_json::from_value(value["status"].take())
            .map_err(|error| Error::Malformed(format!("the status of Provider {name}: {error}")))?;
        let mut status = status.unwrap_or_default();
        // Said of an object of this name that was deleted before.
        if value["metadata"]["deletionTimestamp"].is_null() {
            status.conditions.remove(ProviderCondition::Deleting.as_str());
        }
        status.instance = Some(instance.to_owned());
        // What is in service is what this replica brings into service.
        (status.digest, status.manifest_digest, status.size, status.counters) = (None, None, None, None);
        status.usage.clear();
        let (name, uid) = (name.to_owned(), object.uid().to_owned());
        let (counters, usage) = Default::default();
        Ok(Self { cluster, name, uid, status, counters, usage, written: None, counted: None })
    }

    pub(crate) fn uid(&self) -> &str {
        &self.uid
    }

    /// The kinds that it manages, or managed last.
    pub(crate) fn kinds(&self) -> &[KindName] {
        &self.status.kinds
    }

    /// True if its status or reason is another one than before.
    pub(crate) fn set(&mut self, condition: Condition, generation: i64) -> bool {
        let conditions = &mut self.status.conditions;
        let before = conditions.get(&condition.kind);
        let same = before.is_some_and(|old| old.status == condition.status && old.reason == condition.reason);
        self.status.observed_generation = Some(generation);
        conditions.set(condition, Some(generation), &now());
        !same
    }

    /// What was said last of its health.
    pub(crate) fn is_crash_looping(&self) -> bool {
        self.status.conditions.get("Healthy").is_some_and(|healthy| healthy.reason == CRASH_LOOPING)
    }

    /// A build came into service.
    pub(crate) fn loaded(&mut self, loaded: &Loaded, missing: &[Right]) {
        let (component, descriptor) = (&loaded.component, &loaded.descriptor);
        let status = &mut self.status;
        status.digest = Some(component.digest().to_owned());
        status.last_known_good_digest.clone_from(&status.digest);
        status.size = Some(component.size() as u64);
        status.version = Some(descriptor.version.clone());
        status.wit_version = Some(loaded.contract().to_owned());
        status.imports = component.imports().to_vec();
        let name =
            |kind: &capstan_api::GroupVersionKind| KindName { api_version: api_version(kind), kind: kind.kind.clone() };
        status.kinds = loaded.kinds().map(name).collect();
        status.kind_names = loaded.kinds().map(|kind| kind.kind.as_str()).collect::<Vec<_>>().join(", ");
        status.permissions = Some(PermissionsStatus {
            requested: requested(descriptor),
            granted: Permissions::from(&loaded.grants),
            missing: missing.iter().map(ToString::to_string).collect(),
        });
    }

    /// The component in service came with this manifest; with none if it comes from no registry.
    pub(crate) fn came_with(&mut self, manifest: Option<&str>) {
        self.status.manifest_digest = manifest.map(str::to_owned);
    }

    /// A delivery was not taken.
    pub(crate) fn failed(&mut self, error: &ProviderError) {
        let (reason, message) = (error.reason().to_owned(), error.to_string());
        if self.status.last_error.as_ref().is_none_or(|last| last.reason != reason || last.message != message) {
            self.status.last_error = Some(LastError { reason, message, time: now() });
        }
    }

    /// What it did and used, which is written with the next occasion.
    pub(crate) fn count(&mut self, counters: ProviderCounters, usage: BTreeMap<String, BoundUsage>) {
        (self.counters, self.usage) = (counters, usage);
    }

    /// Whether there is something to write, and when it is time for that.
    pub(crate) fn due(&self) -> Option<Instant> {
        if self.written.as_ref() != Some(&json!(self.status)) {
            return Some(Instant::now());
        }
        let told = self.status.counters.unwrap_or_default();
        (told != self.counters)
            .then(|| self.counted.map_or_else(Instant::now, |last| last + pause(told, self.counters)))
    }

    /// Writes it, if it is time for that.
    pub(crate) async fn write(&mut self) -> Result<(), Error> {
        if self.due().is_none_or(|due| due > Instant::now()) {
            return Ok(());
        }
        self.status.counters = Some(self.counters);
        self.status.usage.clone_from(&self.usage);
        let status = json!(self.status);
        let body = json!({
            "apiVersion": api_version(&provider_kind()),
            "kind": provider_kind().kind,
            "metadata": {"name": self.name},
            "status": status,
        });
        let apply = Patch::Apply { body: &body, manager: MANAGER, force: true };
        self.cluster.patch(&provider_ref(&self.name), Some("status"), apply).await?;
        (self.written, self.counted) = (Some(status), Some(Instant::now()));
        Ok(())
    }
}

/// How long after the last write counters are worth one.
fn pause(told: ProviderCounters, counted: ProviderCounters) -> Duration {
    let but_reconciles = ProviderCounters { reconciles: told.reconciles, ..counted };
    let more = counted.reconciles.saturating_sub(told.reconciles);
    if but_reconciles == told && more < told.reconciles / 10 { RECONCILES_COUNTED_EVERY } else { COUNTED_EVERY }
}

/// The time of day, in seconds.
fn now() -> String {
    let now = Timestamp::now();
    now.round(Unit::Second).unwrap_or(now).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_more_reconciles_or_any_failure_is_written_soon_and_less_is_not() {
        let told = ProviderCounters { reconciles: 100, failures: 2, ..ProviderCounters::default() };
        let after = |reconciles, failures| pause(told, ProviderCounters { reconciles, failures, ..told });
        assert_eq!(after(109, 2), RECONCILES_COUNTED_EVERY);
        assert_eq!(after(110, 2), COUNTED_EVERY);
        assert_eq!(after(101, 3), COUNTED_EVERY);
        let first = ProviderCounters { reconciles: 1, ..ProviderCounters::default() };
        assert_eq!(pause(ProviderCounters::default(), first), COUNTED_EVERY);
    }
}
