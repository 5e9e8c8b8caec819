//! What a provider's task wakes up for.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;

use super::*;

async fn broken(_: CancellationToken) {
    panic!("broken");
}

#[tokio::test(start_paused = true)]
async fn the_task_of_a_provider_dies_with_a_controller() {
    let (_wanted, mut follows) = watch::channel(None);
    let (alarms, mut controllers) = (Alarms::default(), Controllers::default());
    controllers.start(broken);
    let next = next(&mut follows, &alarms, None, Some(&mut controllers));
    // Without the panic it would wait for ever.
    let ended = tokio::time::timeout(RETRY_LONGEST, AssertUnwindSafe(next).catch_unwind()).await;
    assert!(ended.expect("it is noticed").is_err());
}
