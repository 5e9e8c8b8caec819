//! Which managed object a change of another object concerns.

use std::{collections::HashSet, fmt, sync::Arc};

use capstan_api::ObjectKey;
use capstan_cluster::{Change, Object, Store};

/// From an object of another kind to the keys of managed objects.
#[derive(Clone)]
pub enum Mapping {
    /// The managed object of the same name, and namespace if it has one.
    Same,
    /// The managed objects among its owners, found by uid: one that is in no namespace has the same key whatever namespace
    /// the owned object is in, and one that was made anew is not taken for its predecessor.
    Owner,
    /// The managed object that a label names.
    Label {
        /// The label with the name.
        name: String,
        /// The label with the namespace; without one it is the namespace of the object itself.
        namespace: Option<String>,
    },
    /// Whatever it says. Called for every change, so it must be quick.
    With(Arc<KeysOf>),
}

/// The keys of the managed objects that an object concerns.
pub type KeysOf = dyn Fn(&Object) -> Vec<ObjectKey> + Send + Sync;

impl Mapping {
    /// Whom a change concerns: those to whom the object belonged before, and those to whom it belongs now.
    pub(crate) fn keys(&self, change: &Change, managed: &Store) -> HashSet<ObjectKey> {
        let objects = match change {
            Change::Synced => [None, None],
            Change::Applied { old, new } => [old.as_ref(), Some(new)],
            Change::Deleted(last) => [Some(last), None],
        };
        objects.into_iter().flatten().flat_map(|object| self.of(object, managed)).collect()
    }

    fn of(&self, object: &Object, managed: &Store) -> Vec<ObjectKey> {
        match self {
            Self::Same => vec![object.key().clone()],
            Self::Owner => {
                let owners = object.owner_uids().filter_map(|uid| managed.with_uid(uid));
                owners.map(|owner| owner.key().clone()).collect()
            }
            Self::Label { name, namespace } => {
                let mut labels = object.labels();
                let own = object.key().namespace.clone();
                let namespace = namespace.as_ref().map_or(own, |label| labels.remove(label));
                labels.remove(name).map(|name| ObjectKey { namespace, name }).into_iter().collect()
            }
            Self::With(keys) => keys(object),
        }
    }
}

impl fmt::Debug for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same => f.write_str("Same"),
            Self::Owner => f.write_str("Owner"),
            Self::Label { name, namespace } => write!(f, "Label({name}, {namespace:?})"),
            Self::With(_) => f.write_str("With(..)"),
        }
    }
}
