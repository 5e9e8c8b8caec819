//! The watches there are, for people who look for what they cost or why nothing comes.

use capstan_api::{ServiceAccount, api_version};
use serde::Serialize;

use super::{Watches, table::Watch};
use crate::Selection;

/// A watch at one moment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedWatch {
    /// `v1`, or `group/version`.
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// `None`: of all namespaces, or of a cluster-scoped kind.
    pub namespace: Option<String>,
    /// The label selector.
    pub labels: Option<String>,
    /// Only the object of this name.
    pub name: Option<String>,
    /// In whose name it is made, as the API server knows it; `None`: in the host's own.
    pub user: Option<String>,
    /// Who share it.
    pub subscribers: usize,
    /// Whether it has told its first list.
    pub synced: bool,
    /// Whether the API server refuses it, for want of a right.
    pub refused: bool,
    /// Objects in its store.
    pub objects: usize,
    /// Bytes of these objects, as JSON.
    pub bytes: usize,
}

impl Watches {
    /// All watches, in the order of their kinds. Looks at every object there is.
    #[must_use]
    pub fn listing(&self) -> Vec<ListedWatch> {
        let mut watches = Vec::new();
        for identity in self.of_all() {
            let user = identity.account().map(ServiceAccount::user);
            watches.extend(identity.lock().iter().map(|(selection, watch)| listed(selection, watch, user.clone())));
        }
        watches.sort_unstable();
        watches
    }
}

fn listed(selection: &Selection, watch: &Watch, user: Option<String>) -> ListedWatch {
    let Selection { kind, namespace, labels, name } = selection.clone();
    let (objects, bytes) = watch.shared.size();
    ListedWatch {
        api_version: api_version(&kind),
        kind: kind.kind,
        namespace,
        labels,
        name,
        user,
        subscribers: watch.subscribers,
        synced: watch.shared.is_synced(),
        refused: watch.shared.is_refused(),
        objects,
        bytes,
    }
}
