//! Who leads, and when, on the embedded API server and on a paused clock.

mod api_server;

use std::time::Duration;

use futures::future::join;
use serde_json::{Value, json};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, sleep_until, timeout},
};

use super::*;
use crate::Error;
use api_server::{ApiServer, Trouble};

const SECOND: Duration = Duration::from_secs(1);
/// A wait between two looks, with all its jitter.
const LOOK: Duration = Duration::from_millis(2_400);

async fn held(lease: &Lease) -> Held {
    timeout(10 * SECOND, lease.acquire(&CancellationToken::new())).await.expect("nobody has it").unwrap()
}

/// Waits for the lease, and says when it had it.
fn waiting(lease: Lease) -> JoinHandle<(Held, Instant)> {
    tokio::spawn(async move {
        let acquired = timeout(10 * 60 * SECOND, lease.acquire(&CancellationToken::new())).await;
        (acquired.expect("never free").unwrap(), Instant::now())
    })
}

async fn lost(held: &Held) {
    timeout(10 * 60 * SECOND, held.lost()).await.expect("never lost");
}

fn of_another(renewed: &str) -> Value {
    json!({
        "holderIdentity": "other", "leaseDurationSeconds": 15, "leaseTransitions": 3,
        "acquireTime": "2026-01-01T00:00:00.000000Z", "renewTime": renewed,
    })
}

#[tokio::test(start_paused = true)]
async fn of_two_contenders_exactly_one_leads() {
    let server = ApiServer::new();
    let ((a, line_a), (b, line_b)) = (server.contender("a"), server.contender("b"));
    let (a, b) = (waiting(a), waiting(b));
    sleep(10 * 60 * SECOND).await;
    assert!(a.is_finished() != b.is_finished());
    let (leader, follower, line) = if a.is_finished() { (a, line_b, line_a) } else { (b, line_a, line_b) };
    assert!(leader.await.unwrap().0.fence().is_open(), "renewed all the time");
    assert_eq!(follower.writes(), 0);
    assert!((250..=376).contains(&line.writes()), "{}", line.writes());
}

#[tokio::test(start_paused = true)]
async fn a_renewal_keeps_the_time_of_the_acquisition_and_counts_no_transition() {
    let server = ApiServer::new();
    let (a, _) = server.contender("a");
    let held = held(&a).await;
    let first = server.spec().await;
    sleep(5 * SECOND).await;
    let later = server.spec().await;
    assert_eq!(later["acquireTime"], first["acquireTime"]);
    assert_eq!((&later["leaseTransitions"], &later["leaseDurationSeconds"]), (&json!(0), &json!(15)));
    assert_ne!(later["renewTime"], first["renewTime"]);
    assert!(held.until() > Instant::now() + 7 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_release_hands_over_at_once() {
    let server = ApiServer::new();
    let ((a, line), (b, _)) = (server.contender("a"), server.contender("b"));
    let held = held(&a).await;
    let waiting = waiting(b);
    sleep(60 * SECOND).await;
    let (fence, released) = (held.fence(), Instant::now());
    held.release().await.unwrap();
    assert!(!fence.is_open());
    let writes = line.writes();
    let (_successor, since) = waiting.await.unwrap();
    assert!(since - released <= LOOK, "{:?}", since - released);
    assert_eq!(server.spec().await["leaseTransitions"], 1);
    sleep(60 * SECOND).await;
    assert_eq!(line.writes(), writes, "not renewed any more");
}

#[tokio::test(start_paused = true)]
async fn a_release_is_tried_again_for_a_while_only() {
    let server = ApiServer::new();
    let (a, line) = server.contender("a");
    let first = held(&a).await;
    let fence = first.fence();
    line.trouble(Trouble::Refused(500));
    let mends = async {
        sleep(SECOND).await;
        assert!(!fence.is_open(), "closed before the lease is free");
        line.trouble(None);
    };
    let (released, ()) = join(first.release(), mends).await;
    assert_eq!((released, server.holder().await), (Ok(()), String::new()));

    let again = held(&a).await;
    line.trouble(Trouble::Refused(403));
    let begun = Instant::now();
    let error = again.release().await.unwrap_err();
    assert_eq!((error.reason(), begun.elapsed()), ("RightsMissing", 5 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn a_dead_holder_is_replaced_after_its_time_and_not_before() {
    let server = ApiServer::new();
    let ((a, line), (b, _)) = (server.contender("a"), server.contender("b"));
    let held = held(&a).await;
    let waiting = waiting(b);
    sleep(60 * SECOND).await;
    drop(held);
    let (_successor, since) = waiting.await.unwrap();
    let silence = since - line.last_write();
    assert!((15 * SECOND..=15 * SECOND + LOOK).contains(&silence), "{silence:?}");
    assert_eq!(server.holder().await, "b");
}

#[tokio::test(start_paused = true)]
async fn renewals_that_fail_end_the_term_before_anybody_else_can_begin() {
    for trouble in [Trouble::Silent, Trouble::Refused(500), Trouble::Refused(403), Trouble::Refused(409)] {
        let server = ApiServer::new();
        let ((a, line), (b, _)) = (server.contender("a"), server.contender("b"));
        let held = held(&a).await;
        let waiting = waiting(b);
        sleep(60 * SECOND).await;
        line.trouble(trouble);
        let fence = held.fence();
        lost(&held).await;
        assert_eq!(line.last_write().elapsed(), 10 * SECOND, "{trouble:?}");
        assert!(!fence.is_open());
        assert!(!waiting.is_finished(), "{trouble:?}");
        let (_successor, since) = waiting.await.unwrap();
        assert!(since - line.last_write() >= 15 * SECOND, "{trouble:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn trouble_that_passes_in_time_is_survived() {
    for trouble in [Trouble::Silent, Trouble::Refused(500), Trouble::Refused(403), Trouble::AnswersLost] {
        let server = ApiServer::new();
        let (a, line) = server.contender("a");
        let held = held(&a).await;
        sleep_until(line.last_write() + SECOND).await;
        line.trouble(trouble);
        sleep(6 * SECOND).await;
        line.trouble(None);
        sleep(60 * SECOND).await;
        assert!(held.fence().is_open(), "{trouble:?}");
        assert_eq!(server.spec().await["leaseTransitions"], 0, "{trouble:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_when_the_term_is_over() {
    let server = ApiServer::new();
    let (a, line) = server.contender("a");
    let term = held(&a).await;
    let cluster = server.line().cluster();
    let body = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}});
    let fenced = cluster.fenced(term.fence());
    fenced.create(&body("one")).await.unwrap();
    line.trouble(Trouble::Silent);
    lost(&term).await;
    assert_eq!(fenced.create(&body("two")).await.err(), Some(Error::NotLeader));
    // Trouble that passes too late changes nothing.
    line.trouble(None);
    let writes = line.writes();
    sleep(10 * SECOND).await;
    assert_eq!(line.writes(), writes, "not renewed any more");
    // Not even when this process leads again: what was left over of the first term stays shut out.
    let next = held(&a).await;
    assert_eq!(fenced.create(&body("two")).await.err(), Some(Error::NotLeader));
    cluster.fenced(next.fence()).create(&body("two")).await.unwrap();
    let fence = next.fence();
    drop(next);
    assert!(!fence.is_open(), "a lease that nobody holds on to is not renewed");
}

#[tokio::test(start_paused = true)]
async fn what_time_of_day_a_record_says_does_not_matter() {
    for renewed in ["1970-01-01T00:00:00.000000Z", "2099-01-01T00:00:00.000000Z"] {
        let server = ApiServer::new();
        server.make(&of_another(renewed)).await;
        let begun = Instant::now();
        let (_held, since) = waiting(server.contender("a").0).await.unwrap();
        assert_eq!(since - begun, 15 * SECOND, "{renewed}");
        assert_eq!(server.spec().await["leaseTransitions"], 4);
    }
}

#[tokio::test(start_paused = true)]
async fn a_holder_may_ask_for_more_time_than_we_do() {
    let server = ApiServer::new();
    server.make(&json!({"holderIdentity": "other", "leaseDurationSeconds": 60})).await;
    let begun = Instant::now();
    let (_held, since) = waiting(server.contender("a").0).await.unwrap();
    assert_eq!(since - begun, 60 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_label_is_no_sign_of_life_and_takes_nothing_away() {
    let server = ApiServer::new();
    server.make(&of_another("2026-01-01T00:00:00.000000Z")).await;
    let begun = Instant::now();
    let waiting = waiting(server.contender("a").0);
    for second in 0..14 {
        sleep(SECOND).await;
        server.patch(&json!({"metadata": {"labels": {"second": second.to_string()}}})).await;
    }
    let (held, since) = waiting.await.unwrap();
    assert!(since - begun <= 15 * SECOND + LOOK, "{:?}", since - begun);
    server.patch(&json!({"metadata": {"labels": {"mine": "too"}}})).await;
    sleep(60 * SECOND).await;
    assert!(held.fence().is_open());
}

#[tokio::test(start_paused = true)]
async fn who_is_overtaken_does_not_lead() {
    let server = ApiServer::new();
    server.make(&json!({"holderIdentity": ""})).await;
    let (a, line) = server.contender("a");
    line.overtake(of_another("2026-01-01T00:00:00.000000Z"));
    let begun = Instant::now();
    let waiting = waiting(a);
    sleep(10 * SECOND).await;
    assert_eq!(server.holder().await, "other");
    let (_held, since) = waiting.await.unwrap();
    assert!(since - begun >= 15 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_taken_away_is_lost_at_the_next_renewal() {
    for spec in [of_another("2026-01-01T00:00:00.000000Z"), json!({"holderIdentity": ""})] {
        let server = ApiServer::new();
        let held = held(&server.contender("a").0).await;
        sleep(60 * SECOND).await;
        server.patch(&json!({"spec": spec})).await;
        let taken = Instant::now();
        lost(&held).await;
        assert!(taken.elapsed() <= LOOK);
        assert_eq!(server.spec().await["holderIdentity"], spec["holderIdentity"], "it is left to whoever has it");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_costs_nothing_but_time() {
    let server = ApiServer::new();
    let (a, line) = server.contender("a");
    line.trouble(Trouble::AnswersLost);
    let begun = Instant::now();
    let waiting = waiting(a);
    sleep(SECOND).await;
    line.trouble(None);
    let (_held, since) = waiting.await.unwrap();
    assert!(since - begun <= 5 * SECOND + LOOK, "{:?}", since - begun);
    assert_eq!(server.spec().await["leaseTransitions"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_deleted_is_made_again_as_it_was() {
    let server = ApiServer::new();
    let held = held(&server.contender("a").0).await;
    let before = server.spec().await;
    server.delete().await;
    sleep(LOOK).await;
    let after = server.spec().await;
    assert!(held.fence().is_open());
    assert_eq!(
        (&after["acquireTime"], &after["leaseTransitions"]),
        (&before["acquireTime"], &before["leaseTransitions"])
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_stops_waiting_takes_nothing_along() {
    let server = ApiServer::new();
    let (a, line) = server.contender("a");
    let cancel = CancellationToken::new();
    server.make(&of_another("2026-01-01T00:00:00.000000Z")).await;
    let stop = async {
        sleep(14 * SECOND).await;
        cancel.cancel();
    };
    let waiting = timeout(10 * 60 * SECOND, a.acquire(&cancel));
    let (held, ()) = join(waiting, stop).await;
    assert!(held.expect("still waiting").is_none());
    assert_eq!(line.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn missing_rights_and_namespaces_are_named() {
    let server = ApiServer::new();
    let (a, line) = server.contender("a");
    line.trouble(Trouble::Refused(403));
    let error = Contender::new(&a).acquire().await.err().unwrap();
    assert_eq!(error.reason(), "RightsMissing");
    assert!(error.to_string().contains("get, create and update leases of coordination.k8s.io"), "{error}");

    let elsewhere =
        Lease::new(&server.line().cluster(), "nowhere", "l", Identity::of_pod("a"), Timing::default()).unwrap();
    let error = Contender::new(&elsewhere).acquire().await.err().unwrap();
    assert_eq!(error, LeaseError::NamespaceMissing(ObjectKey::namespaced("nowhere", "l")));
    assert!(Lease::new(&server.line().cluster(), "../x", "l", Identity::of_pod("a"), Timing::default()).is_err());
}

#[tokio::test(start_paused = true)]
async fn renewals_do_not_wait_behind_other_requests() {
    let server = ApiServer::new();
    let line = server.line();
    let cluster = line.cluster();
    let lease = Lease::new(&cluster, "default", "l", Identity::of_pod("a"), Timing::default()).unwrap();
    let held = held(&lease).await;
    // Requests that hang take all slots there are.
    let target = capstan_api::ObjectRef {
        kind: capstan_api::GroupVersionKind::gvk("", "v1", "ConfigMap"),
        key: ObjectKey::namespaced("default", "a"),
    };
    cluster.get(&target).await.unwrap_err();
    line.hang_on("/configmaps/");
    let reads = futures::future::join_all((0..200).map(|_| cluster.get(&target)));
    let _ = timeout(60 * SECOND, reads).await;
    assert!(held.fence().is_open());
}
