//! The watches there are, and which of them serves whom.

use std::{collections::HashMap, sync::Arc, time::Duration};

use capstan_api::{GroupVersionKind, ObjectRef};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::state::Shared;
use crate::{Reach, Selection};

/// So many objects of a kind and namespace are watched each for itself. From the next one on they share a watch of the
/// namespace: it costs the API server less than many, and the host its memory.
const SINGLES: usize = 8;
/// So many objects of a kind are watched each for itself, or by namespace, where all of the kind may be watched.
const NARROW: usize = 32;
/// So many objects of a kind are watched each for itself where nothing wider may be watched.
const MOST_SINGLES: usize = 256;
/// After so long a watch that was refused is tried again: somebody may have given the right.
const REFUSED_FOR: Duration = Duration::from_mins(10);
/// Refusals that are kept. Each is a kind or a namespace for which the host lacks a right that a grant promises.
const REFUSALS: usize = 1024;

#[derive(Default)]
pub(super) struct Table {
    kinds: HashMap<GroupVersionKind, HashMap<Selection, Watch>>,
    /// Watches of more than one object that the API server refused while objects were looked for through them.
    refused: HashMap<Selection, Instant>,
}

pub(super) struct Watch {
    pub(super) shared: Arc<Shared>,
    pub(super) cancel: CancellationToken,
    pub(super) subscribers: usize,
}

impl Table {
    pub(super) fn get_mut(&mut self, selection: &Selection) -> Option<&mut Watch> {
        self.kinds.get_mut(&selection.kind)?.get_mut(selection)
    }

    /// The watch of a selection, made if there is none.
    pub(super) fn entry(&mut self, selection: &Selection, begin: impl FnOnce() -> Watch) -> &mut Watch {
        if !self.kinds.contains_key(&selection.kind) {
            self.kinds.insert(selection.kind.clone(), HashMap::new());
        }
        self.kinds.entry(selection.kind.clone()).or_default().entry(selection.clone()).or_insert_with(begin)
    }

    pub(super) fn remove(&mut self, selection: &Selection) {
        let Some(watches) = self.kinds.get_mut(&selection.kind) else { return };
        watches.remove(selection);
        if watches.is_empty() {
            self.kinds.remove(&selection.kind);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.kinds.values().map(HashMap::len).sum()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Selection, &Watch)> {
        self.kinds.values().flatten()
    }

    /// The watches that have an object if it exists.
    pub(super) fn covering(&self, target: &ObjectRef) -> Vec<Arc<Shared>> {
        let watches = self.kinds.get(&target.kind).into_iter().flatten();
        watches.filter(|(selection, _)| selection.covers(target)).map(|(_, watch)| Arc::clone(&watch.shared)).collect()
    }

    /// Which watch to follow for the sake of one object: one that there is, else as narrow a one as their number allows.
    /// `None` if there are too many already.
    pub(super) fn place(&self, target: &ObjectRef, reach: Reach, now: Instant) -> Option<Selection> {
        let single = Selection::one(target);
        let namespace = target
            .key
            .namespace
            .as_ref()
            .map(|namespace| Selection { namespace: Some(namespace.clone()), ..Selection::all(target.kind.clone()) });
        let all = Selection::all(target.kind.clone());
        let none = HashMap::new();
        let watches = self.kinds.get(&target.kind).unwrap_or(&none);

        let follows = |selection: &&Selection| watches.get(selection).is_some_and(|watch| !watch.shared.is_refused());
        if watches.contains_key(&single) {
            return Some(single);
        }
        if let Some(wider) = namespace.iter().chain([&all]).find(follows) {
            return Some(wider.clone());
        }

        let named = || watches.keys().filter(|selection| selection.name.is_some());
        let singles = named().count();
        let beside = named().filter(|selection| selection.namespace == single.namespace).count();
        let narrow = watches.keys().filter(|selection| **selection != all && selection.labels.is_none()).count();
        if beside < SINGLES && singles < MOST_SINGLES && (reach < Reach::Cluster || narrow < NARROW) {
            return Some(single);
        }
        let may = |selection: &Selection| {
            self.refused.get(selection).is_none_or(|since| now.duration_since(*since) >= REFUSED_FOR)
        };
        let namespace = namespace.filter(|namespace| reach >= Reach::Namespace && may(namespace));
        let all = (reach == Reach::Cluster && may(&all)).then_some(all);
        match (namespace, all) {
            (Some(namespace), None) => Some(namespace),
            (Some(namespace), Some(_)) if narrow < NARROW => Some(namespace),
            (_, Some(all)) => Some(all),
            (None, None) => (singles < MOST_SINGLES).then_some(single),
        }
    }

    /// A watch that objects were looked for through may not look.
    pub(super) fn refuse(&mut self, selection: &Selection, now: Instant) {
        self.refused.retain(|_, since| now.duration_since(*since) < REFUSED_FOR);
        // The newest is always kept: whoever was refused looks for another watch next, and must not be sent here again.
        if self.refused.len() >= REFUSALS
            && let Some(oldest) = self.refused.iter().min_by_key(|(_, since)| **since).map(|(oldest, _)| oldest.clone())
        {
            self.refused.remove(&oldest);
        }
        self.refused.insert(selection.clone(), now);
    }

    /// By kind: watches, objects, bytes, and watches that have not told their first list yet. A store is counted once.
    pub(super) fn census(&self) -> Vec<(GroupVersionKind, Census)> {
        let census = |watches: &HashMap<Selection, Watch>| {
            let mut census = Census { watches: watches.len(), ..Census::default() };
            for watch in watches.values() {
                let (objects, bytes) = watch.shared.size();
                census.objects += objects;
                census.bytes += bytes;
                census.unsynced += usize::from(!watch.shared.is_synced());
            }
            census
        };
        self.kinds.iter().map(|(kind, watches)| (kind.clone(), census(watches))).collect()
    }
}

/// What there is of one kind.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Census {
    pub(super) watches: usize,
    pub(super) unsynced: usize,
    pub(super) objects: usize,
    pub(super) bytes: usize,
}

#[cfg(test)]
mod tests {
    use capstan_api::ObjectKey;

    use super::*;

    fn target(namespace: &str, name: &str) -> ObjectRef {
        ObjectRef { kind: GroupVersionKind::gvk("", "v1", "ConfigMap"), key: ObjectKey::namespaced(namespace, name) }
    }

    impl Table {
        /// Follows an object, and says through what: its name, its namespace, `*`, or `-`.
        fn follow(&mut self, namespace: &str, name: &str, reach: Reach) -> String {
            let Some(selection) = self.place(&target(namespace, name), reach, Instant::now()) else {
                return "-".to_owned();
            };
            let watch = || Watch { shared: Arc::default(), cancel: CancellationToken::new(), subscribers: 0 };
            self.entry(&selection, watch).subscribers += 1;
            selection.name.or(selection.namespace).unwrap_or("*".to_owned())
        }
    }

    fn follow_many(table: &mut Table, namespaces: usize, names: usize, reach: Reach) {
        for namespace in 0..namespaces {
            for name in 0..names {
                table.follow(&format!("n{namespace}"), &format!("s{name}"), reach);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_objects_are_watched_each_for_itself_and_more_by_their_namespace() {
        let mut table = Table::default();
        for number in 0..SINGLES {
            assert_eq!(table.follow("n", &format!("s{number}"), Reach::Namespace), format!("s{number}"));
        }
        for number in SINGLES..1_000 {
            assert_eq!(table.follow("n", &format!("s{number}"), Reach::Namespace), "n");
        }
        assert_eq!(table.follow("n", "s0", Reach::Object), "s0", "there is one already");
        assert_eq!(table.follow("n", "other", Reach::Object), "n", "there is one already");
        assert_eq!(table.len(), SINGLES + 1);
        for selection in table.iter().map(|(selection, _)| selection.clone()).collect::<Vec<_>>() {
            table.remove(&selection);
        }
        assert!(table.kinds.is_empty(), "nothing is kept of a kind that nobody follows");
    }

    #[tokio::test(start_paused = true)]
    async fn many_namespaces_share_one_watch_where_all_may_be_seen() {
        let mut table = Table::default();
        follow_many(&mut table, 1_000, 20, Reach::Cluster);
        assert!(table.len() <= NARROW + 1, "{}", table.len());
        let mut table = Table::default();
        follow_many(&mut table, 100, 20, Reach::Namespace);
        assert!(table.len() <= MOST_SINGLES + 100, "{}: the grant names each of these namespaces", table.len());
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_not_be_watched_by_more_is_bounded() {
        let mut table = Table::default();
        follow_many(&mut table, 10, 1_000, Reach::Object);
        assert_eq!(table.len(), MOST_SINGLES);
        assert_eq!(table.follow("n", "one-more", Reach::Object), "-");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_refused_is_not_tried_for_a_while() {
        let mut table = Table::default();
        follow_many(&mut table, 1, SINGLES, Reach::Namespace);
        let namespace = Selection { namespace: Some("n0".to_owned()), ..Selection::all(target("", "").kind) };
        table.refuse(&namespace, Instant::now());
        assert_eq!(table.follow("n0", "next", Reach::Namespace), "next");
        assert_eq!(table.follow("n0", "wide", Reach::Cluster), "*");
        table.remove(&Selection::all(target("", "").kind));
        tokio::time::advance(REFUSED_FOR).await;
        assert_eq!(table.follow("n0", "later", Reach::Namespace), "n0");
    }

    #[tokio::test(start_paused = true)]
    async fn the_newest_refusal_is_kept_however_many_there_are() {
        let mut table = Table::default();
        for number in 0..REFUSALS + 10 {
            let namespace = Some(format!("n{number}"));
            table.refuse(&Selection { namespace, ..Selection::all(target("", "").kind) }, Instant::now());
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert_eq!(table.refused.len(), REFUSALS);
        let last = format!("n{}", REFUSALS + 9);
        for number in 0..SINGLES {
            table.follow(&last, &format!("s{number}"), Reach::Namespace);
        }
        assert_eq!(table.follow(&last, "next", Reach::Namespace), "next");
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_is_refused_serves_nobody() {
        let mut table = Table::default();
        follow_many(&mut table, 1, SINGLES + 1, Reach::Namespace);
        let namespace = Selection { namespace: Some("n0".to_owned()), ..Selection::all(target("", "").kind) };
        table.get_mut(&namespace).unwrap().shared.refuse();
        table.refuse(&namespace, Instant::now());
        assert_eq!(table.follow("n0", "next", Reach::Namespace), "next");
    }
}
