//! Changes of objects of other kinds that concern managed ones.

use std::future::pending;

use capstan_cluster::{Change, Selection, Subscription, Watches};
use futures::{
    StreamExt,
    stream::{BoxStream, SelectAll, unfold},
};

use crate::Mapping;

/// Follows several selections, each with its mapping.
pub(super) struct MappedChanges(SelectAll<BoxStream<'static, (Mapping, Change)>>);

impl MappedChanges {
    pub(super) fn follow(watches: &Watches, mapped: &[(Selection, Mapping)]) -> Self {
        let streams = mapped.iter().map(|(selection, mapping)| changes(watches.subscribe(selection.clone()), mapping));
        Self(streams.collect())
    }

    /// Waits for ever if nothing is followed. Nothing is lost if the future is dropped.
    pub(super) async fn next(&mut self) -> (Mapping, Change) {
        match self.0.next().await {
            Some(change) => change,
            None => pending().await,
        }
    }
}

fn changes(subscription: Subscription, mapping: &Mapping) -> BoxStream<'static, (Mapping, Change)> {
    let changes = unfold((subscription, mapping.clone()), async |(mut subscription, mapping)| {
        let change = subscription.next().await?;
        Some(((mapping.clone(), change), (subscription, mapping)))
    });
    changes.boxed()
}
