//! Whether the providers that there are at the start are in service.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use capstan_engine::Listed;
use tokio::sync::watch;

/// Who is waited for at the start, and who has come. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Arrivals(Arc<watch::Sender<State>>);

#[derive(Debug, Default)]
struct State {
    /// The providers of this replica; `None` before it is known which they are.
    expected: Option<BTreeSet<String>>,
    /// Those that were loaded, with the first lists of their kinds; without any where no build is in service: the conditions of
    /// the provider say why.
    arrived: BTreeMap<String, Vec<Listed>>,
}

impl Default for Arrivals {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(State::default())))
    }
}

impl Arrivals {
    /// These are the providers of this replica, as far as is known now.
    pub(crate) fn expect(&self, names: BTreeSet<String>) {
        self.0.send_if_modified(|state| {
            let differs = state.expected.as_ref() != Some(&names);
            state.expected = Some(names);
            differs
        });
    }

    /// A provider was brought into service, again perhaps and with other controllers, or it was found out that it cannot be.
    pub(crate) fn arrived(&self, name: &str, listed: Vec<Listed>) {
        self.0.send_modify(|state| {
            state.arrived.insert(name.to_owned(), listed);
        });
    }

    /// Waits until every provider that this replica has, or is to have, was loaded or told why it cannot be, and the objects of the
    /// kinds of those in service are listed. Which providers there are has to be known first. Without a bound of its own: an API
    /// server that refuses a list may refuse it for ever.
    pub async fn settled(&self) {
        let mut states = self.0.subscribe();
        loop {
            let open = states.borrow_and_update().open();
            let Some(open) = open else {
                // This is a sender itself: there is always another state to come.
                let _ = states.changed().await;
                continue;
            };
            let all = async {
                for listed in &open {
                    listed.wait().await;
                }
            };
            tokio::select! {
                () = all => return,
                _ = states.changed() => {}
            }
        }
    }

    /// Those that [`settled`](Self::settled) waits for; `None` while it is not known which providers there are.
    #[must_use]
    pub fn missing(&self) -> Option<Vec<String>> {
        let state = self.0.borrow();
        let is_there =
            |name: &&String| state.arrived.get(*name).is_some_and(|listed| listed.iter().all(Listed::is_set));
        state.expected.as_ref().map(|expected| expected.iter().filter(|name| !is_there(name)).cloned().collect())
    }
}

impl State {
    /// The lists that are still to be waited for; `None` while somebody is not even there.
    fn open(&self) -> Option<Vec<Listed>> {
        let mut open = Vec::new();
        for name in self.expected.as_ref()? {
            open.extend(self.arrived.get(name)?.iter().filter(|listed| !listed.is_set()).cloned());
        }
        Some(open)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[tokio::test]
    async fn all_have_to_be_there_with_their_lists_and_before_that_it_has_to_be_known_who_they_are() {
        let arrivals = Arrivals::default();
        let (first, second) = (Listed::default(), Listed::default());
        arrivals.arrived("a", vec![first.clone()]);
        let known = (arrivals.settled().now_or_never(), arrivals.missing());
        assert_eq!(known, (None, None), "nobody knows who is to come");
        arrivals.expect(names(&["a", "broken"]));
        first.set();
        assert_eq!((arrivals.settled().now_or_never(), arrivals.missing()), (None, Some(vec!["broken".to_owned()])));
        arrivals.arrived("broken", Vec::new());
        assert!(arrivals.settled().now_or_never().is_some());
        // Its controllers were built anew.
        arrivals.arrived("a", vec![first, second.clone()]);
        assert_eq!((arrivals.settled().now_or_never(), arrivals.missing()), (None, Some(vec!["a".to_owned()])));
        second.set();
        assert_eq!((arrivals.settled().now_or_never(), arrivals.missing()), (Some(()), Some(Vec::new())));
    }

    #[tokio::test]
    async fn who_waits_hears_of_every_change() {
        let arrivals = Arrivals::default();
        arrivals.expect(names(&["a", "b", "elsewhere"]));
        let mut settled = Box::pin(arrivals.settled());
        let (old, new) = (Listed::default(), Listed::default());
        arrivals.arrived("a", vec![old]);
        assert!((&mut settled).now_or_never().is_none());
        arrivals.arrived("b", Vec::new());
        // Another replica has it now.
        arrivals.expect(names(&["a", "b"]));
        assert!((&mut settled).now_or_never().is_none(), "the list is not there");
        arrivals.arrived("a", vec![new.clone()]);
        assert!((&mut settled).now_or_never().is_none());
        new.set();
        settled.await;
    }

    #[test]
    fn a_host_without_providers_waits_for_nobody() {
        let arrivals = Arrivals::default();
        arrivals.expect(BTreeSet::new());
        assert!(arrivals.settled().now_or_never().is_some());
    }
}
