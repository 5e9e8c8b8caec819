//! Who reads what, and what of it was seen.
//!
//! Nothing is lost between a read and its watch: a watch that begins is compared with what its readers saw, and a
//! reconcile that ends with what its watches brought while it ran.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use capstan_api::ObjectKey;
use capstan_cluster::{Change, Selection};

use crate::{Seen, reads::is_newer};

#[derive(Default)]
pub(super) struct Readers {
    watched: HashMap<Arc<Selection>, Watched>,
    /// What each object reads.
    selections: HashMap<Arc<ObjectKey>, HashSet<Arc<Selection>>>,
    /// Objects being reconciled, with the count of changes at their start.
    running: HashMap<Arc<ObjectKey>, u64>,
    /// Changes so far.
    changes: u64,
}

/// One selection that is watched.
struct Watched {
    readers: HashMap<Arc<ObjectKey>, Seen>,
    /// Whether the watch has told all there was when it began.
    synced: bool,
    state: State,
    /// The count of changes at its last one since it has synced.
    changed: u64,
}

/// What a watch knows of its selection.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// A single object that does not exist.
    Absent,
    /// A single object with this resourceVersion.
    Version(Box<str>),
    /// Many objects: nobody can say whether a reader saw them as they are.
    Many,
}

/// What follows from the end of a reconcile.
#[derive(Debug, Default)]
pub(super) struct Finished {
    /// Something that was read has changed since.
    pub(super) missed: bool,
    /// Selections with a first reader.
    pub(super) begun: Vec<Arc<Selection>>,
    /// Selections without readers.
    pub(super) ended: HashSet<Arc<Selection>>,
}

impl Readers {
    pub(super) fn begin(&mut self, reader: &Arc<ObjectKey>) {
        self.running.insert(Arc::clone(reader), self.changes);
    }

    pub(super) fn finish(
        &mut self,
        reader: &Arc<ObjectKey>,
        reads: impl Iterator<Item = (Selection, Seen)>,
    ) -> Finished {
        let since = self.running.remove(reader).unwrap_or(self.changes);
        let mut former = self.selections.remove(reader).unwrap_or_default();
        let mut current = HashSet::new();
        let mut finished = Finished::default();
        for (selection, seen) in reads {
            let watched = self.watched.get_key_value(&selection).map(|(selection, _)| Arc::clone(selection));
            let selection = watched.unwrap_or_else(|| {
                let selection = Arc::new(selection);
                self.watched.insert(Arc::clone(&selection), Watched::new(&selection));
                finished.begun.push(Arc::clone(&selection));
                selection
            });
            if let Some(watched) = self.watched.get_mut(&selection) {
                finished.missed |= watched.changed > since && watched.state.is_news_to(&seen);
                watched.readers.insert(Arc::clone(reader), seen);
            }
            former.remove(&selection);
            current.insert(selection);
        }
        finished.ended = self.leave(reader, former);
        if !current.is_empty() {
            self.selections.insert(Arc::clone(reader), current);
        }
        finished
    }

    /// What an object reads.
    pub(super) fn selections(&self, reader: &ObjectKey) -> impl Iterator<Item = &Arc<Selection>> {
        self.selections.get(reader).into_iter().flatten()
    }

    /// Whether somebody reads it.
    pub(super) fn is_read(&self, selection: &Selection) -> bool {
        self.watched.contains_key(selection)
    }

    /// A watch of it begins anew: nothing is known of it until it has told everything.
    pub(super) fn restart(&mut self, selection: &Selection) {
        if let Some(watched) = self.watched.get_mut(selection) {
            watched.synced = false;
            watched.state = Watched::new(selection).state;
        }
    }

    /// The object is gone. Gives the selections that have no readers any more.
    pub(super) fn forget(&mut self, reader: &ObjectKey) -> HashSet<Arc<Selection>> {
        let selections = self.selections.remove(reader).unwrap_or_default();
        self.leave(reader, selections)
    }

    /// Takes note of a change, and finds those whom it concerns.
    pub(super) fn change(&mut self, selection: &Selection, change: &Change) -> Vec<Arc<ObjectKey>> {
        let Some(watched) = self.watched.get_mut(selection) else {
            return Vec::new();
        };
        watched.state.follow(change);
        // What is there when the watch begins is compared once, when all of it has been told.
        watched.synced |= matches!(change, Change::Synced);
        if !watched.synced {
            return Vec::new();
        }
        self.changes += 1;
        watched.changed = self.changes;
        let concerned = watched.readers.iter().filter(|(_, seen)| watched.state.is_news_to(seen));
        concerned.map(|(reader, _)| reader).filter(|reader| !self.running.contains_key(*reader)).cloned().collect()
    }

    fn leave(&mut self, reader: &ObjectKey, mut selections: HashSet<Arc<Selection>>) -> HashSet<Arc<Selection>> {
        selections.retain(|selection| {
            let Some(watched) = self.watched.get_mut(selection) else {
                return false;
            };
            watched.readers.remove(reader);
            let ended = watched.readers.is_empty();
            if ended {
                self.watched.remove(selection);
            }
            ended
        });
        selections
    }
}

impl Watched {
    fn new(selection: &Selection) -> Self {
        let state = if selection.name.is_some() { State::Absent } else { State::Many };
        Self { readers: HashMap::new(), synced: false, state, changed: 0 }
    }
}

impl State {
    fn follow(&mut self, change: &Change) {
        if *self == Self::Many {
            return;
        }
        match change {
            Change::Applied { new, .. } => *self = Self::Version(new.resource_version().into()),
            Change::Deleted(_) => *self = Self::Absent,
            Change::Synced => {}
        }
    }

    /// Whether a reader that saw this would see something else now.
    fn is_news_to(&self, seen: &Seen) -> bool {
        match (self, seen) {
            (Self::Absent, Seen::Absent) => false,
            (Self::Version(now), Seen::Version(then)) => is_newer(now, then),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use capstan_api::GroupVersionKind;
    use capstan_cluster::Object;
    use serde_json::json;

    use super::*;

    fn reader(name: &str) -> Arc<ObjectKey> {
        Arc::new(ObjectKey::namespaced("ns", name))
    }

    fn one(name: &str) -> Selection {
        let kind = GroupVersionKind::gvk("", "v1", "ConfigMap");
        Selection { kind, namespace: Some("ns".to_owned()), labels: None, name: Some(name.to_owned()) }
    }

    fn all() -> Selection {
        Selection { name: None, ..one("") }
    }

    fn object(name: &str, version: &str) -> Object {
        Object::from_value(json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": "ns", "uid": "u", "resourceVersion": version},
        }))
        .unwrap()
    }

    fn applied(version: &str) -> Change {
        Change::Applied { old: None, new: object("s", version) }
    }

    fn version(version: &str) -> Seen {
        Seen::Version(version.into())
    }

    impl Readers {
        /// A whole reconcile.
        fn read(&mut self, name: &str, reads: &[(Selection, Seen)]) -> Finished {
            let reader = reader(name);
            self.begin(&reader);
            self.finish(&reader, reads.iter().cloned())
        }

        fn woken(&mut self, selection: &Selection, change: &Change) -> Vec<String> {
            let mut names: Vec<_> = self.change(selection, change).iter().map(|key| key.name.clone()).collect();
            names.sort();
            names
        }

        /// One reader `a` of the object `s` in version 5, with its watch under way.
        fn settled() -> Self {
            let mut readers = Self::default();
            readers.read("a", &[(one("s"), version("5"))]);
            readers.change(&one("s"), &applied("5"));
            readers.change(&one("s"), &Change::Synced);
            readers
        }
    }

    #[test]
    fn a_change_wakes_exactly_those_who_read_it() {
        let mut readers = Readers::settled();
        readers.read("b", &[(one("s"), version("5")), (one("t"), Seen::Absent)]);
        readers.read("c", &[(one("t"), Seen::Absent)]);
        assert_eq!(readers.woken(&one("s"), &applied("6")), ["a", "b"]);
    }

    #[test]
    fn many_readers_of_few_sources_are_few_watches() {
        let mut readers = Readers::default();
        let begun: usize = (0..1_000)
            .map(|n| readers.read(&format!("o{n}"), &[(one(&format!("s{}", n % 10)), version("1"))]).begun.len())
            .sum();
        assert_eq!((begun, readers.watched.len()), (10, 10));
        let ended: usize = (0..1_000).map(|n| readers.forget(&reader(&format!("o{n}"))).len()).sum();
        assert_eq!((ended, readers.watched.len(), readers.selections.len()), (10, 0, 0));
    }

    #[test]
    fn what_is_not_read_any_more_is_let_go() {
        let mut readers = Readers::settled();
        let finished = readers.read("a", &[(one("t"), Seen::Absent)]);
        assert_eq!(finished.ended.iter().map(|selection| selection.as_ref().clone()).collect::<Vec<_>>(), [one("s")]);
        assert_eq!(readers.woken(&one("s"), &applied("6")), [""; 0]);
    }

    #[test]
    fn a_watch_that_begins_wakes_only_those_who_saw_something_else() {
        for (seen, woken) in [(version("5"), 0), (version("4"), 1), (Seen::Absent, 1), (Seen::Unknown, 1)] {
            let mut readers = Readers::default();
            readers.read("a", &[(one("s"), seen.clone())]);
            assert_eq!(readers.woken(&one("s"), &applied("5")).len(), 0, "not before all has been told");
            assert_eq!(readers.woken(&one("s"), &Change::Synced).len(), woken, "{seen:?}");
        }
    }

    #[test]
    fn a_watch_that_finds_nothing_wakes_those_who_saw_something() {
        for (seen, woken) in [(version("5"), 1), (Seen::Absent, 0), (Seen::Unknown, 1)] {
            let mut readers = Readers::default();
            readers.read("a", &[(one("s"), seen.clone())]);
            assert_eq!(readers.woken(&one("s"), &Change::Synced).len(), woken, "{seen:?}");
        }
    }

    #[test]
    fn what_appears_and_disappears_wakes() {
        let mut readers = Readers::default();
        readers.read("a", &[(one("s"), Seen::Absent)]);
        readers.change(&one("s"), &Change::Synced);
        assert_eq!(readers.woken(&one("s"), &applied("5")), ["a"]);
        readers.read("a", &[(one("s"), version("5"))]);
        assert_eq!(readers.woken(&one("s"), &Change::Deleted(object("s", "6"))), ["a"]);
    }

    #[test]
    fn a_change_between_the_read_and_the_end_of_the_reconcile_is_not_lost() {
        let mut readers = Readers::settled();
        let late = reader("late");
        readers.begin(&late);
        assert_eq!(readers.woken(&one("s"), &applied("6")), ["a"]);
        assert!(readers.finish(&late, [(one("s"), version("5"))].into_iter()).missed);
        readers.begin(&late);
        readers.change(&one("s"), &applied("7"));
        assert!(!readers.finish(&late, [(one("s"), version("7"))].into_iter()).missed, "read after the change");
    }

    #[test]
    fn a_write_of_its_own_does_not_wake_a_reader() {
        let mut readers = Readers::settled();
        readers.begin(&reader("a"));
        assert_eq!(readers.woken(&one("s"), &applied("6")), [""; 0], "it is running");
        assert!(!readers.finish(&reader("a"), [(one("s"), version("6"))].into_iter()).missed);
        assert_eq!(readers.woken(&one("s"), &applied("6")), [""; 0], "its own event, late");
    }

    #[test]
    fn an_older_state_is_no_news() {
        let mut readers = Readers::default();
        readers.read("a", &[(one("s"), version("10"))]);
        readers.change(&one("s"), &applied("9"));
        assert_eq!(readers.woken(&one("s"), &Change::Synced), [""; 0]);
        assert_eq!(readers.woken(&one("s"), &applied("11")), ["a"]);
    }

    #[test]
    fn what_happened_while_nobody_watched_is_compared_when_somebody_does() {
        let mut readers = Readers::settled();
        readers.restart(&one("s"));
        assert_eq!(readers.woken(&one("s"), &Change::Synced), ["a"], "it is gone");
        let mut readers = Readers::settled();
        readers.restart(&one("s"));
        readers.change(&one("s"), &applied("5"));
        assert_eq!(readers.woken(&one("s"), &Change::Synced), [""; 0]);
    }

    #[test]
    fn a_list_wakes_its_readers_on_any_change() {
        let mut readers = Readers::default();
        readers.read("a", &[(all(), Seen::Unknown)]);
        assert_eq!(readers.woken(&all(), &applied("5")), [""; 0]);
        assert_eq!(readers.woken(&all(), &Change::Synced), ["a"], "once, for what came between");
        assert_eq!(readers.woken(&all(), &applied("6")), ["a"]);
        assert!(!readers.read("a", &[(all(), Seen::Unknown)]).missed);
    }
}
