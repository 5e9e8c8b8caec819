//! What the objects of a controller read, and whom a change of it concerns.
//!
//! Every distinct selection is followed once, for as long as somebody reads it: [`Readers`] keeps the books, [`Followed`]
//! what is followed, and this brings them together. What cannot be followed, as there is too much of it, is tried again
//! whenever one of its readers has been reconciled.

mod followed;
mod readers;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use capstan_api::{ObjectKey, ObjectRef};
use capstan_cluster::{Selection, Watches};

use crate::{ExternalSystem, Read, Seen};

use followed::{Followed, News};
use readers::Readers;

/// The dependencies of one controller's objects.
pub(crate) struct Dependencies {
    watches: Watches,
    external: Arc<dyn ExternalSystem>,
    readers: Readers,
    followed: Followed,
    /// What is read and not followed.
    unwatched: HashSet<Arc<Selection>>,
}

impl Dependencies {
    pub(crate) fn new(watches: Watches, external: Arc<dyn ExternalSystem>) -> Self {
        let (readers, followed) = (Readers::default(), Followed::default());
        Self { watches, external, readers, followed, unwatched: HashSet::new() }
    }

    /// A reconcile of `reader` begins. Until [`finish`](Self::finish) changes do not wake it.
    pub(crate) fn begin(&mut self, reader: &Arc<ObjectKey>) {
        self.readers.begin(reader);
    }

    /// A reconcile of `reader` is over; what it read replaces what it read before. `own` is the object itself, which is
    /// no dependency: its controller watches it. True if something that was read has changed since, so that it has to run
    /// once more.
    pub(crate) fn finish(&mut self, reader: &Arc<ObjectKey>, own: &ObjectRef, reads: HashMap<Read, Seen>) -> bool {
        let foreign = reads.into_iter().filter(|(read, _)| !matches!(read, Read::Object(target) if target == own));
        let finished = self.readers.finish(reader, foreign.map(|(read, seen)| (selection(read), seen)));
        for selection in finished.begun {
            self.follow(selection);
        }
        self.stop(&finished.ended);
        if !self.unwatched.is_empty() {
            let again: Vec<_> = self
                .readers
                .selections(reader)
                .filter(|selection| self.unwatched.contains(*selection))
                .cloned()
                .collect();
            for selection in again {
                self.readers.restart(&selection);
                self.follow(selection);
            }
        }
        finished.missed
    }

    /// The object is gone: nothing is watched for it any more.
    pub(crate) fn forget(&mut self, reader: &ObjectKey) {
        let ended = self.readers.forget(reader);
        self.stop(&ended);
    }

    /// The next change, as the objects that have to be reconciled for it; may be none. Waits for ever while nothing is
    /// watched. Nothing is lost if the future is dropped.
    pub(crate) async fn next(&mut self) -> Vec<Arc<ObjectKey>> {
        match self.followed.next().await {
            News::Change(selection, change) => self.readers.change(&selection, &change),
            News::End(selection) => {
                if self.readers.is_read(&selection) {
                    self.miss(selection);
                }
                Vec::new()
            }
        }
    }

    /// How much is read and not followed.
    pub(crate) fn unwatched(&self) -> usize {
        self.unwatched.len()
    }

    fn follow(&mut self, selection: Arc<Selection>) {
        let subscription = if !self.followed.admits(&selection) {
            None
        } else if let Some(target) = target(&selection) {
            let reach = self.external.reach(&target);
            self.watches.subscribe_one(&target, reach)
        } else {
            Some(self.watches.subscribe(selection.as_ref().clone()))
        };
        match subscription {
            Some(subscription) => {
                self.unwatched.remove(&selection);
                self.followed.add(selection, subscription);
            }
            None => self.miss(selection),
        }
    }

    fn miss(&mut self, selection: Arc<Selection>) {
        let kind = &selection.kind.kind;
        if self.unwatched.is_empty() {
            tracing::warn!(
                kind,
                "too much is read to watch all of it: changes of the rest are found at the poll interval"
            );
        }
        self.unwatched.insert(selection);
    }

    fn stop(&mut self, selections: &HashSet<Arc<Selection>>) {
        for selection in selections {
            self.unwatched.remove(selection);
            self.followed.remove(selection);
        }
    }
}

fn selection(read: Read) -> Selection {
    match read {
        Read::Object(target) => Selection::one(&target),
        Read::List { kind, namespace, labels } => Selection { kind, namespace, labels, name: None },
    }
}

/// The opposite of [`Selection::one`].
fn target(selection: &Selection) -> Option<ObjectRef> {
    let Selection { kind, namespace, name, .. } = selection;
    let key = ObjectKey { namespace: namespace.clone(), name: name.clone()? };
    Some(ObjectRef { kind: kind.clone(), key })
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use async_trait::async_trait;
    use capstan_api::GroupVersionKind;
    use capstan_cluster::Cluster;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::{Context, ExternalSession, Failure};

    /// Is never asked for anything but how far to look.
    struct Nothing;

    #[async_trait]
    impl ExternalSystem for Nothing {
        async fn connect(&self, _: &Context, _: &str) -> Result<Box<dyn ExternalSession>, Failure> {
            pending().await
        }
    }

    fn dependencies() -> Dependencies {
        let silent = axum::Router::new().fallback(async || pending::<()>().await);
        let cluster = Cluster::new(kube::Client::new(silent, "default"));
        Dependencies::new(Watches::new(cluster, CancellationToken::new()), Arc::new(Nothing))
    }

    fn list(number: usize) -> Read {
        let kind = GroupVersionKind::gvk("", "v1", "ConfigMap");
        Read::List { kind, namespace: None, labels: Some(format!("number={number}")) }
    }

    fn made_up(number: usize) -> Read {
        let kind = GroupVersionKind::gvk("example.org", "v1", &format!("MadeUp{number}"));
        Read::Object(ObjectRef { kind, key: ObjectKey::cluster("a") })
    }

    /// A whole reconcile that reads so much; how much of it is not watched then.
    fn read(dependencies: &mut Dependencies, reads: impl Iterator<Item = Read>) -> usize {
        let own = ObjectRef { kind: GroupVersionKind::gvk("", "v1", "Own"), key: ObjectKey::cluster("own") };
        let reader = Arc::new(own.key.clone());
        dependencies.begin(&reader);
        dependencies.finish(&reader, &own, reads.map(|read| (read, Seen::Unknown)).collect());
        dependencies.unwatched()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_too_much_to_watch_is_watched_when_there_is_room() {
        for thing in [list, made_up] {
            let mut dependencies = dependencies();
            let unwatched = read(&mut dependencies, (0..300).map(thing));
            assert!((44..=236).contains(&unwatched), "{unwatched}");
            let some: Vec<_> =
                dependencies.unwatched.iter().take(10).map(|selection| selection.as_ref().clone()).collect();
            let again = (0..300).map(thing).filter(|read| some.contains(&selection(read.clone())));
            assert_eq!(read(&mut dependencies, again), 0);
        }
    }
}
