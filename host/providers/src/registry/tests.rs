//! A provider whose task panics, beside one whose task does not; and a source that does.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use prometheus_client::encoding::text::encode;
use tokio::{sync::Semaphore, time::sleep};

use super::*;
use crate::{ArtifactError, Origin, fake::Api, source::Listing};

impl Providers {
    /// What the task of each provider is given.
    pub(crate) fn surroundings(&self) -> Surroundings {
        self.surroundings.clone()
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_over_one_provider_is_told_and_leaves_the_others_alone() {
    let (api, cancel) = (Api::new(), CancellationToken::new());
    let providers = api.providers();
    let mut metrics = Registry::default();
    providers.register_metrics(&mut metrics);
    let running = tokio::spawn(providers.run(Sources::default(), cancel.clone()));

    // Neither has a file, which is all that there is to say of the one without a panic.
    api.told("good", "Loaded", "SourceMissing").await;
    for condition in ["Loaded", "Healthy"] {
        let message = api.told("bad", condition, "Internal").await;
        assert!(message.contains("panicked: as told") && message.contains("started again"), "{message}");
    }
    // So it was started again.
    api.told("bad", "Loaded", "SourceMissing").await;
    assert!(!running.is_finished(), "the host goes on");
    let mut text = String::new();
    encode(&mut text, &metrics).unwrap();
    assert!(text.contains("capstan_provider_panics_total{provider=\"bad\"} 1"), "{text}");
    assert!(!text.contains("capstan_provider_panics_total{provider=\"good\"}"), "{text}");
    cancel.cancel();
    assert_eq!(running.await.unwrap(), Ok(()));
}

/// Nothing is followed yet.
fn follow(providers: &Providers, deliveries: mpsc::Sender<Delivery>, cancel: CancellationToken) -> Follow {
    let Surroundings { shared, metrics, .. } = providers.surroundings();
    Follow::new(shared.watches, deliveries, metrics, cancel)
}

/// The file of a provider, which cannot be read.
fn unreadable(provider: &str) -> Delivery {
    let file = format!("{provider}.wasm");
    let artifact = Err(ArtifactError::Unreadable { key: file.clone(), message: "no".to_owned() });
    let found = Found { provider: Some(provider.to_owned()), origin: Origin::File(file.clone()), artifact };
    Delivery::Found(Place::File(file), Box::new(found))
}

#[tokio::test(start_paused = true)]
async fn a_source_that_panics_is_begun_anew_and_what_it_delivered_stays_until_it_is_known_to_be_gone() {
    let (api, cancel, listed) = (Api::new(), CancellationToken::new(), Arc::new(Semaphore::new(0)));
    let mut providers = api.providers();
    let mut metrics = Registry::default();
    providers.register_metrics(&mut metrics);
    providers.has_directory = true;
    let (sender, deliveries) = mpsc::channel(UNDER_WAY);
    let mut follow = follow(&providers, sender, cancel.clone());
    let (lives, goes_on) = (Arc::new(AtomicU32::new(0)), Arc::clone(&listed));
    let counted = Arc::clone(&lives);
    follow.all(Listing::Files, move |told| {
        let (is_first, goes_on) = (lives.fetch_add(1, Relaxed) == 0, Arc::clone(&goes_on));
        async move {
            if is_first {
                told.send(unreadable("good")).await.unwrap();
            }
            goes_on.acquire().await.unwrap().forget();
            told.send(Delivery::Listed(Listing::Files)).await.unwrap();
            assert!(!is_first, "as told");
            told.closed().await;
        }
    });
    let running = tokio::spawn(providers.serve(follow, deliveries, cancel.clone()));

    api.told("good", "Loaded", "SourceInvalid").await;
    listed.add_permits(1);
    // It panics, and is begun anew; the file is gone, and nobody has said so yet.
    sleep(Duration::from_mins(5)).await;
    assert_eq!(counted.load(Relaxed), 2);
    let said = api.status("good").to_string();
    assert!(said.contains("SourceInvalid") && !said.contains("SourceMissing"), "{said}");
    let mut text = String::new();
    encode(&mut text, &metrics).unwrap();
    assert!(text.contains("capstan_source_panics_total{source=\"files\"} 1"), "{text}");
    listed.add_permits(1);
    api.told("good", "Loaded", "SourceMissing").await;
    assert!(!running.is_finished(), "the host goes on");
    cancel.cancel();
    assert_eq!(running.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn panics_over_an_object_are_told_until_it_is_gone() {
    let (api, mut metrics) = (Api::new(), Registry::default());
    let mut providers = api.providers();
    providers.register_metrics(&mut metrics);
    let told = || {
        let mut text = String::new();
        encode(&mut text, &metrics).unwrap();
        text.contains("capstan_provider_panics_total{provider=\"good\"} 1")
    };
    let mut follow = follow(&providers, mpsc::channel(1).0, CancellationToken::new());
    let counted = providers.surroundings.metrics.clone();
    let first = api.object("good");
    providers.object(Change::Applied { old: None, new: first.clone() }, &mut follow);
    counted.panicked("good");
    providers.object(Change::Applied { old: Some(first.clone()), new: first.clone() }, &mut follow);
    assert!(told(), "it is still there");
    api.make_anew();
    let second = api.object("good");
    providers.object(Change::Applied { old: Some(first), new: second.clone() }, &mut follow);
    assert!(!told(), "that was another one of its name");
    counted.panicked("good");
    assert!(told());
    providers.object(Change::Deleted(second), &mut follow);
    assert!(!told());
}
