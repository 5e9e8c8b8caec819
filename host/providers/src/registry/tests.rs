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
