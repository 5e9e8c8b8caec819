//! When a provider runs here: as long as its object is there and, where replicas share the providers, its lease is held. A panic
//! is the end of one run, after which the next begins.

use std::{future::pending, iter::empty, sync::Arc};

use capstan_cluster::lease::{LeaseError, Leases, Term};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    provider::{Provider, Surroundings},
    report::About,
    source::oci,
    status::{self, INTERNAL},
    supervise::supervise,
    wanted::Wanted,
};

type Follows = watch::Receiver<Option<Wanted>>;

/// Characters of a panic's message that are told.
const MESSAGE: usize = 400;

/// Runs a provider whenever it is its time, until it is cancelled, whatever panics on the way.
pub(crate) async fn serve(
    name: String,
    surroundings: Surroundings,
    leases: Option<Leases>,
    wanted: Follows,
    cancel: CancellationToken,
) {
    let begin = || in_terms(name.clone(), surroundings.clone(), leases.clone(), wanted.clone(), cancel.clone());
    // Who holds its lease now is not known here, and so nothing is written.
    let tell = |message: String| {
        surroundings.count_panic(&name, &wanted);
        tracing::error!(provider = name, message, "what keeps the provider in its terms panicked; it is begun anew");
        surroundings.left_behind(&name)
    };
    // Large, with all that a term may come to.
    Box::pin(supervise(&cancel, begin, tell)).await;
}

/// Nothing of one term is left when the next one begins.
async fn in_terms(
    name: String,
    surroundings: Surroundings,
    leases: Option<Leases>,
    mut wanted: Follows,
    cancel: CancellationToken,
) {
    let Some(leases) = leases else {
        return run(&name, surroundings, wanted, cancel).await;
    };
    while let Some(Ok(())) = cancel.run_until_cancelled(delivered(&mut wanted)).await {
        let term = tokio::select! {
            biased;
            () = cancel.cancelled() => return,
            () = gone(&mut wanted) => continue,
            term = leases.acquire(&name) => term,
        };
        let follows = wanted.clone();
        let ends = cancel.child_token();
        let over = async {
            tokio::select! {
                () = cancel.cancelled() => {}
                () = term.wanted_elsewhere() => {}
                () = term.lost() => {}
                () = gone(&mut wanted) => {}
            }
            ends.cancel();
        };
        // It lets its controllers come to rest: by themselves, or dropped where they stand if the lease is lost.
        tokio::join!(run(&name, surroundings.under(&term), follows, ends.clone()), over);
        match term.release().await {
            // Without a membership there is nothing left to give up.
            Ok(()) | Err(LeaseError::Ended) => {}
            Err(error) => tracing::warn!(provider = name, %error, "the lease of the provider is not given up yet"),
        }
    }
}

/// Runs a provider until it is cancelled. One whose task panicked is begun anew after a while.
async fn run(name: &str, surroundings: Surroundings, wanted: Follows, cancel: CancellationToken) {
    let begin = || once(name, surroundings.clone(), wanted.clone(), cancel.clone());
    let tell = |message: String| panicked(name, surroundings.clone(), wanted.clone(), message, cancel.clone());
    // Large, with all that a term may come to.
    Box::pin(supervise(&cancel, begin, tell)).await;
}

/// Runs a provider, and has its artifact pulled meanwhile if that is in a registry.
async fn once(name: &str, surroundings: Surroundings, wanted: Follows, cancel: CancellationToken) {
    let (supplied, follows) = watch::channel(None);
    let supply = oci::supply(name.to_owned(), surroundings.puller.clone(), wanted, supplied);
    let provider = Provider::new(name.to_owned(), surroundings).run(follows, cancel);
    // The one ends with the other. Boxed, as they are large together.
    tokio::join!(Box::pin(provider), Box::pin(supply));
}

/// Waits until nothing is left of a provider whose task panicked, and says what happened: in the log, as an event, in its status.
async fn panicked(name: &str, surroundings: Surroundings, wanted: Follows, message: String, cancel: CancellationToken) {
    surroundings.count_panic(name, &wanted);
    tracing::error!(provider = name, message, "the task of the provider panicked; it is started again");
    surroundings.left_behind(name).await;
    let facts = wanted.borrow().as_ref().map(|wanted| Arc::clone(&wanted.facts));
    let Some(facts) = facts else { return };
    let Surroundings { shared, reporter, instance, .. } = surroundings;
    let message: String = message.chars().take(MESSAGE).collect();
    let note = format!(
        "the host's own work on this provider panicked: {message}. It is not in service, and is started again by itself, after a \
         minute at most. This is a defect of Capstan: report it with the host's log. If it goes on, put the build before back, or \
         deliver another one"
    );
    reporter.warned(About { name, uid: Some(&facts.uid), origin: None }, INTERNAL, &note);
    let writing = status::went_wrong(shared.cluster, name, &instance, facts.generation, &note);
    if let Some(Err(error)) = cancel.run_until_cancelled(writing).await {
        tracing::warn!(provider = name, %error, "the status of the Provider is not written yet");
    }
}

/// Waits until there is something to run.
async fn delivered(wanted: &mut Follows) -> Result<(), watch::error::RecvError> {
    wanted.wait_for(Option::is_some).await.map(drop)
}

/// Waits until there is nothing to run any more.
async fn gone(wanted: &mut Follows) {
    if wanted.wait_for(Option::is_none).await.is_err() {
        pending::<()>().await;
    }
}

impl Surroundings {
    /// The same for one term.
    fn under(&self, term: &Term) -> Self {
        Self { shared: self.shared.fenced(term.fence()), ..self.clone() }
    }

    /// Over one that is deleted nothing is counted: nobody would take it back.
    fn count_panic(&self, name: &str, wanted: &Follows) {
        if wanted.borrow().is_some() {
            self.metrics.panicked(name);
        }
    }

    /// Waits until nothing runs any more of a provider that panicked, and gives up its kinds: it may be deleted, or its lease be
    /// elsewhere, before it is begun anew.
    async fn left_behind(&self, name: &str) {
        if !self.metrics.at_rest(name).await {
            tracing::error!(provider = name, "reconciles of the provider whose task panicked do not come to their end");
        }
        self.claims.keep(name, empty());
    }
}

#[cfg(test)]
mod tests {
    use capstan_api::GroupVersionKind;
    use prometheus_client::{encoding::text::encode, registry::Registry};

    use super::*;
    use crate::fake::Api;

    #[tokio::test(start_paused = true)]
    async fn the_kinds_of_a_provider_that_panicked_and_is_deleted_before_it_begins_anew_are_free() {
        let (api, cancel) = (Api::new(), CancellationToken::new());
        let surroundings = api.providers().surroundings();
        let kind = GroupVersionKind::gvk("example.org", "v1", "Thing");
        surroundings.claims.claim("bad", [&kind].into_iter()).unwrap();
        let (_wanted, follows) = watch::channel(None);
        panicked("bad", surroundings.clone(), follows, "broken".to_owned(), cancel).await;
        surroundings.claims.claim("other", [&kind].into_iter()).unwrap();
    }

    #[tokio::test]
    async fn panics_over_a_provider_that_is_deleted_are_not_counted() {
        let (api, mut metrics) = (Api::new(), Registry::default());
        let surroundings = api.providers().surroundings();
        metrics.register_collector(Box::new(surroundings.metrics.clone()));
        let told = || {
            let mut text = String::new();
            encode(&mut text, &metrics).unwrap();
            text.contains("capstan_provider_panics_total{provider=\"bad\"} 1\n")
        };
        surroundings.count_panic("bad", &watch::channel(None).1);
        assert!(!told());
        surroundings.count_panic("bad", &watch::channel(Some(api.wanted("bad"))).1);
        assert!(told());
    }
}
