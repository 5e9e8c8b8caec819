//! The subscriptions of one controller to what its objects read.

use std::{collections::HashMap, sync::Arc};

use capstan_api::GroupVersionKind;
use capstan_cluster::{Change, Selection, Subscription};
use futures::{
    FutureExt, StreamExt,
    future::{AbortHandle, Abortable, BoxFuture, abortable, pending},
    stream::FuturesUnordered,
};

/// Kinds that the objects of one controller may read and be woken by. Each may cost a few dozen watches, so that a
/// provider that reads everything there is does not become a load.
const KINDS: usize = 64;
/// Lists that the objects of one controller may read and be woken by. Each costs a watch.
const LISTS: usize = 256;

/// What is followed, within bounds.
#[derive(Default)]
pub(super) struct Followed {
    following: FuturesUnordered<Abortable<Following>>,
    /// Ends the following of a selection.
    stops: HashMap<Arc<Selection>, AbortHandle>,
    /// Selections of each kind.
    kinds: HashMap<GroupVersionKind, usize>,
    lists: usize,
}

/// Waits for the next change of a selection, and gives the subscription back with it.
type Following = BoxFuture<'static, (Arc<Selection>, Subscription, Option<Change>)>;

/// What happened to something that is followed.
pub(super) enum News {
    /// It changed.
    Change(Arc<Selection>, Change),
    /// It cannot be followed any longer.
    End(Arc<Selection>),
}

impl Followed {
    /// Whether one more would be within the bounds.
    pub(super) fn admits(&self, selection: &Selection) -> bool {
        let kinds = self.kinds.len() < KINDS || self.kinds.contains_key(&selection.kind);
        kinds && (selection.name.is_some() || self.lists < LISTS)
    }

    pub(super) fn add(&mut self, selection: Arc<Selection>, subscription: Subscription) {
        *self.kinds.entry(selection.kind.clone()).or_default() += 1;
        self.lists += usize::from(selection.name.is_none());
        self.await_change(selection, subscription);
    }

    pub(super) fn remove(&mut self, selection: &Arc<Selection>) {
        let Some(stop) = self.stops.remove(selection) else { return };
        stop.abort();
        self.lists -= usize::from(selection.name.is_none());
        if let Some(count) = self.kinds.get_mut(&selection.kind) {
            *count -= 1;
            if *count == 0 {
                self.kinds.remove(&selection.kind);
            }
        }
    }

    /// Waits for ever while nothing is followed. Nothing is lost if the future is dropped.
    pub(super) async fn next(&mut self) -> News {
        loop {
            match self.following.next().await {
                Some(Ok((selection, subscription, Some(change)))) => {
                    self.await_change(Arc::clone(&selection), subscription);
                    return News::Change(selection, change);
                }
                Some(Ok((selection, _, None))) => {
                    self.remove(&selection);
                    return News::End(selection);
                }
                // Removed.
                Some(Err(_)) => {}
                None => return pending().await,
            }
        }
    }

    fn await_change(&mut self, selection: Arc<Selection>, mut subscription: Subscription) {
        let followed = Arc::clone(&selection);
        let following = async move {
            let change = subscription.next().await;
            (followed, subscription, change)
        };
        let (following, stop) = abortable(following.boxed());
        self.following.push(following);
        self.stops.insert(selection, stop);
    }
}
