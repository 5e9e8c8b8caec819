//! Artifacts in registries. Only the replica that runs a provider asks for them, as long as it does: registries count who comes,
//! and what is pulled is kept in memory.

mod error;
mod following;
mod pull_secret;
mod puller;
mod pulls;

use tokio::sync::watch;

pub use error::PullError;
pub(crate) use puller::Puller;
pub(crate) use pulls::Pulls;

use crate::wanted::{Carrier, Wanted};
use capstan_api::{OciSource, Source};
use following::Following;

/// Hands on what is wanted of one provider, with what its registry holds if that is where it comes from. Ends when nobody wants
/// anything any more, or nobody listens.
pub(crate) async fn supply(
    provider: String,
    puller: Puller,
    mut wanted: watch::Receiver<Option<Wanted>>,
    supplied: watch::Sender<Option<Wanted>>,
) {
    let mut pulls = puller.pulls().of(&provider);
    let mut following: Option<Following> = None;
    loop {
        let newest = wanted.borrow_and_update().clone();
        let source = newest.as_ref().and_then(asks_for);
        if following.as_ref().map(Following::source) != source {
            let held = following.take().and_then(Following::into_held);
            following = source.map(|source| Following::new(source.clone(), held));
        }
        let carrier = following.as_ref().map(Following::carrier);
        hand_on(&supplied, newest, carrier);
        tokio::select! {
            biased;
            () = supplied.closed() => return,
            changed = wanted.changed() => if changed.is_err() { return },
            outcome = turn(&puller, following.as_mut()) => pulls.count(outcome),
        }
    }
}

fn asks_for(wanted: &Wanted) -> Option<&OciSource> {
    match wanted.facts.source() {
        Some(Source::Oci(source)) => Some(source),
        _ => None,
    }
}

/// Waits for the next look at a registry, and takes it; never ends without one. Dropped in the middle, it is taken again.
async fn turn(puller: &Puller, following: Option<&mut Following>) -> &'static str {
    let Some(following) = following else { return std::future::pending().await };
    following.until_due().await;
    let looked = puller.look(following.source(), following.held()).await;
    following.heard(looked)
}

fn hand_on(supplied: &watch::Sender<Option<Wanted>>, wanted: Option<Wanted>, carrier: Option<&Carrier>) {
    let wanted = match (wanted, carrier) {
        (Some(wanted), Some(carrier)) => Some(Wanted { carrier: carrier.clone(), ..wanted }),
        (wanted, _) => wanted,
    };
    supplied.send_if_modified(|current| {
        let differs = *current != wanted;
        if differs {
            *current = wanted;
        }
        differs
    });
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, sync::Arc};

    use bytes::Bytes;
    use capstan_cluster::{Cluster, Object};
    use capstan_sandbox::Network;
    use http::{Request, Response};
    use kube::{Client, client::Body};
    use serde_json::{Value, json};

    use super::*;
    use crate::{Artifact, Origin, wanted::Facts};

    /// Every reference here is wrong, so that no registry is asked.
    fn puller() -> Puller {
        let service = tower::service_fn(|_: Request<Body>| async { Ok::<_, Infallible>(Response::new(Body::empty())) });
        let cluster = Cluster::new(Client::new(service, "default"));
        Puller::new(cluster, "host".into(), Network::default(), Pulls::default())
    }

    fn wanted(source: &Value, carrier: Carrier) -> Wanted {
        let object = json!({
            "apiVersion": "capstan.dev/v1alpha1", "kind": "Provider", "metadata": {"name": "note", "uid": "u"},
            "spec": {"source": source},
        });
        let facts = Facts::of(&Object::from_value(object).unwrap()).unwrap();
        Wanted { facts: Arc::new(facts), carrier }
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_registry_holds_is_filled_in_and_everything_else_passes() {
        let artifact = Artifact {
            component: Bytes::from_static(b"wasm"),
            grants: "".into(),
            origin: Origin::File("note.wasm".to_owned()),
        };
        let file = Some(wanted(&json!({"file": {"name": "note.wasm"}}), Carrier::Here(artifact)));
        let (wants, wanted_now) = watch::channel(file.clone());
        let (supplied, mut follows) = watch::channel(None);
        let supplying = tokio::spawn(supply("note".to_owned(), puller(), wanted_now, supplied));
        let passed = follows.wait_for(Option::is_some).await.unwrap().clone();
        assert_eq!(passed, file);

        wants.send_replace(Some(wanted(&json!({"oci": {"reference": "note"}}), Carrier::Unknown)));
        let broken = |wanted: &Option<Wanted>| {
            let Some(Wanted { carrier: Carrier::Broken(origin, error), .. }) = wanted else { return false };
            error.reason() == "ReferenceInvalid" && origin.to_string() == "artifact note"
        };
        follows.wait_for(broken).await.unwrap();

        wants.send_replace(None);
        follows.wait_for(Option::is_none).await.unwrap();
        drop(follows);
        supplying.await.unwrap();
    }
}
