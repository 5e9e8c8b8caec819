//! Watches in the name of accounts: a mux for each identity, as long as somebody uses it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use capstan_api::ServiceAccount;

use super::{Mux, Watches};

/// The muxes in use, by account; that of the host itself under none.
#[derive(Default)]
pub(super) struct Accounts(Mutex<HashMap<Option<ServiceAccount>, Weak<Mux>>>);

impl Accounts {
    /// The one that is in use for an identity, or a new one.
    pub(super) fn find_or_make(&self, account: Option<&ServiceAccount>, make: impl FnOnce() -> Mux) -> Arc<Mux> {
        let mut muxes = self.lock();
        if let Some(known) = muxes.get(&account.cloned()).and_then(Weak::upgrade) {
            return known;
        }
        muxes.retain(|_, mux| mux.strong_count() > 0);
        let new = Arc::new(make());
        muxes.insert(account.cloned(), Arc::downgrade(&new));
        new
    }

    fn in_use(&self) -> Vec<Arc<Mux>> {
        self.lock().values().filter_map(Weak::upgrade).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Option<ServiceAccount>, Weak<Mux>>> {
        // Entries are independent of each other.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watches {
    /// Watches of the same API server in the name of an account. Nothing is served to them from what was watched in another name,
    /// nor the other way round: each sees what the API server lets it see. All who ask for one account share its watches; they are
    /// forgotten with the last of them. They end with these, and are counted with them.
    #[must_use]
    pub fn acting_as(&self, account: &ServiceAccount) -> Self {
        let process = &self.0.process;
        let make = || Mux::new(process.cluster.acting_as(account), Arc::clone(process));
        Self(process.accounts.find_or_make(Some(account), make))
    }

    /// Those of every identity in the process.
    pub(super) fn of_all(&self) -> Vec<Self> {
        self.0.process.accounts.in_use().into_iter().map(Self).collect()
    }

    /// In whose name they are made; `None`: the host's own.
    pub(super) fn account(&self) -> Option<&ServiceAccount> {
        self.0.cluster.account()
    }
}
