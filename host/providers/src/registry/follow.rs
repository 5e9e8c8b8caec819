//! What the registry follows: the sources of providers, each in a task of its own. One that panics is begun anew, like what runs for a
//! provider.

use std::future::ready;

use capstan_cluster::Watches;
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet},
};
use tokio_util::sync::CancellationToken;

use super::Sources;
use crate::{
    metrics::Metrics,
    source::{Delivery, Listing, config_map, directory},
    supervise::supervise,
};

/// How a source of what is named by a `Provider` is called in the log and in metrics.
const NAMED: &str = "named";

/// The sources, and what they need.
pub(super) struct Follow {
    pub(super) tasks: JoinSet<()>,
    pub(super) namespace: Option<String>,
    pub(super) cancel: CancellationToken,
    watches: Watches,
    deliveries: mpsc::Sender<Delivery>,
    metrics: Metrics,
}

impl Follow {
    /// Nothing is followed yet. What is will be told to `deliveries`.
    pub(super) fn new(
        watches: Watches,
        deliveries: mpsc::Sender<Delivery>,
        metrics: Metrics,
        cancel: CancellationToken,
    ) -> Self {
        Self { tasks: JoinSet::new(), namespace: None, cancel, watches, deliveries, metrics }
    }

    /// Follows these.
    pub(super) fn sources(&mut self, sources: Sources) {
        self.namespace = sources.namespace;
        if let Some(namespace) = self.namespace.clone() {
            let watches = self.watches.clone();
            let source = move |told| config_map::follow(watches.clone(), namespace.clone(), told);
            self.all(Listing::ConfigMaps, source);
        }
        if let Some(directory) = sources.directory {
            self.all(Listing::Files, move |told| directory::follow(directory.clone(), told));
        }
    }

    /// Follows a `ConfigMap` that a `Provider` names; there is none if the host has no namespace.
    pub(super) fn named(&mut self, config_map: String) -> Option<AbortHandle> {
        let (watches, deliveries, namespace) = (self.watches.clone(), self.deliveries.clone(), self.namespace.clone()?);
        // It says at its start whether that is there.
        let told =
            move || config_map::follow_one(watches.clone(), namespace.clone(), config_map.clone(), deliveries.clone());
        Some(self.begin(NAMED, told))
    }

    /// Follows a source of many providers, which tells all there is before it says [`Delivery::Listed`].
    pub(super) fn all<S>(&mut self, listing: Listing, source: impl Fn(mpsc::Sender<Delivery>) -> S + Send + 'static)
    where
        S: Future<Output = ()> + Send + 'static,
    {
        let deliveries = self.deliveries.clone();
        self.begin(listing.as_str(), move || {
            let (deliveries, told) = (deliveries.clone(), source(deliveries.clone()));
            async move {
                if deliveries.send(Delivery::Begun(listing)).await.is_ok() {
                    told.await;
                }
            }
        });
    }

    fn begin<S>(&mut self, source: &'static str, start: impl FnMut() -> S + Send + 'static) -> AbortHandle
    where
        S: Future<Output = ()> + Send + 'static,
    {
        let (cancel, metrics) = (self.cancel.clone(), self.metrics.clone());
        self.tasks.spawn(async move {
            let tell = |message: String| {
                metrics.source_panicked(source);
                tracing::error!(
                    source,
                    message,
                    "a source of providers panicked; what it told stays, and it is begun anew"
                );
                ready(())
            };
            supervise(&cancel, start, tell).await;
        })
    }
}
