//! When a provider runs here: as long as its object is there and, where replicas share the providers, its lease is held.

use std::future::pending;

use capstan_cluster::lease::{LeaseError, Leases, Term};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    provider::{Provider, Surroundings},
    source::oci,
    wanted::Wanted,
};

type Follows = watch::Receiver<Option<Wanted>>;

/// Runs a provider whenever it is its time, until it is cancelled. Nothing of one term is left when the next one begins.
pub(crate) async fn serve(
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

/// Runs a provider, and has its artifact pulled meanwhile if that is in a registry.
async fn run(name: &str, surroundings: Surroundings, wanted: Follows, cancel: CancellationToken) {
    let (supplied, follows) = watch::channel(None);
    let supply = oci::supply(name.to_owned(), surroundings.puller.clone(), wanted, supplied);
    let provider = Provider::new(name.to_owned(), surroundings).run(follows, cancel);
    // The one ends with the other. Boxed, as they are large together.
    tokio::join!(Box::pin(provider), Box::pin(supply));
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
}
