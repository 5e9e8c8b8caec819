//! What a provider's task wakes up for, and what it forgets.

use std::{
    cell::{Cell, RefCell},
    future::ready,
};

use capstan_api::{ServiceAccount, provider_kind};
use capstan_sandbox::{Call, LastWords, Outcome};
use prometheus_client::{encoding::text::encode, registry::Registry};
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::*;
use crate::{fake::Api, supervise::supervise};

/// The provider `good`, and the metrics that tell of it.
fn provider(api: &Api) -> (Provider, Registry) {
    let surroundings = api.providers().surroundings();
    let mut metrics = Registry::default();
    metrics.register_collector(Box::new(surroundings.metrics.clone()));
    (Provider::new("good".to_owned(), surroundings), metrics)
}

/// Whether that many crashes of it are told.
fn tells(metrics: &Registry, traps: u64) -> bool {
    let mut text = String::new();
    encode(&mut text, metrics).unwrap();
    text.contains(&format!("capstan_provider_traps_total{{provider=\"good\"}} {traps}\n"))
}

fn broken() {
    panic!("broken");
}

#[tokio::test(start_paused = true)]
async fn the_task_of_a_provider_dies_with_a_controller() {
    let (api, cancel, (_wanted, follows)) = (Api::new(), CancellationToken::new(), watch::channel(None));
    let (lives, told) = (Cell::new(0), RefCell::new(Vec::new()));
    let begin = || {
        let (mut provider, _) = provider(&api);
        if lives.replace(lives.get() + 1) == 0 {
            provider.controllers.start(|_| async { broken() });
        } else {
            cancel.cancel();
        }
        provider.run(follows.clone(), cancel.clone())
    };
    let tell = |message| {
        told.borrow_mut().push(message);
        ready(())
    };
    // Without the panic it would wait for ever.
    timeout(RETRY_LONGEST, Box::pin(supervise(&cancel, begin, tell))).await.expect("it is begun anew");
    assert_eq!((lives.get(), told.into_inner()), (2, vec!["broken".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_made_anew_has_no_crashes_of_the_one_before() {
    let api = Api::new();
    let (mut provider, metrics) = provider(&api);
    provider.bring(&api.wanted("good")).await.unwrap_err();
    let (call, trap, last_words) = (Call::Describe, "unreachable".to_owned(), LastWords::default());
    provider.tally.described(&Outcome::Trapped { call, trap, last_words });
    // As long as it is the same one, they count.
    provider.bring(&api.wanted("good")).await.unwrap_err();
    provider.write_status().await;
    assert_eq!(api.status("good")["counters"]["traps"], 1);
    assert!(tells(&metrics, 1));
    api.make_anew();
    provider.bring(&api.wanted("good")).await.unwrap_err();
    provider.write_status().await;
    assert_eq!(api.status("good")["counters"]["traps"], 0);
    assert!(tells(&metrics, 0));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_told_of_a_provider_that_is_gone() {
    let (api, cancel) = (Api::new(), CancellationToken::new());
    let (provider, metrics) = provider(&api);
    let (wanted, follows) = watch::channel(None);
    let running = tokio::spawn(provider.run(follows, cancel.clone()));
    wanted.send_replace(Some(api.wanted("good")));
    api.told("good", "Loaded", "SourceMissing").await;
    assert!(tells(&metrics, 0));
    wanted.send_replace(None);
    let gone = async {
        while tells(&metrics, 0) {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(RETRY_LONGEST, gone).await.expect("it is told no more");
    cancel.cancel();
    running.await.unwrap();
}

/// The object of `good` while it is being deleted, in the name of an account.
fn deleted(api: &Api, account: &str) -> Facts {
    let spec =
        json!({"source": {"file": {"name": "good.wasm"}}, "serviceAccount": {"namespace": "team", "name": account}});
    Facts { deleting: true, spec: Ok(serde_json::from_value(spec).unwrap()), ..Facts::clone(&api.wanted("good").facts) }
}

#[tokio::test]
async fn what_is_left_of_its_objects_is_looked_for_by_one_client_for_each_account() {
    let api = Api::new();
    let (mut provider, _) = provider(&api);
    for (account, looked_up) in [("one", 1), ("one", 1), ("other", 2), ("other", 2)] {
        let acting = provider.departing(&deleted(&api, account)).unwrap();
        assert_eq!(acting.account().map(ServiceAccount::name), Some(account));
        acting.resource(&provider_kind()).await.unwrap();
        assert_eq!(api.looked_up(), looked_up, "{account}");
    }
    provider.forget().await;
    provider.departing(&deleted(&api, "other")).unwrap().resource(&provider_kind()).await.unwrap();
    assert_eq!(api.looked_up(), 3, "that is another departure");
}
