//! A provider whose task panics, beside one whose task does not.

use prometheus_client::encoding::text::encode;

use super::*;
use crate::fake::Api;

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
    let (tasks, cancel) = (JoinSet::new(), CancellationToken::new());
    let mut follow = Follow { tasks, namespace: None, deliveries: mpsc::channel(1).0, cancel };
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
