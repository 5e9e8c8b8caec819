//! Joining, renewing, losing.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_member_renews_and_is_gone_when_it_leaves() {
    let server = ApiServer::new();
    let (replicas, line) = server.replica("a", 1);
    let member = replicas.join(&CancellationToken::new()).await.unwrap();
    sleep(60 * SECOND).await;
    assert!(member.fence().is_open());
    assert!((25..=38).contains(&line.writes()), "{}", line.writes());
    assert!(line.reads() <= 4, "discovery, a list and a watch: {}", line.reads());
    let fence = member.fence();
    member.leave().await.unwrap();
    assert!(!fence.is_open());
    assert_eq!(server.members().await, 0);
}

#[tokio::test(start_paused = true)]
async fn renewals_that_fail_end_the_membership_at_the_deadline() {
    for trouble in [Trouble::Silent, Trouble::Refused(500), Trouble::Refused(403), Trouble::Refused(409)] {
        let server = ApiServer::new();
        let (replicas, line) = server.replica("a", 1);
        let member = replicas.join(&CancellationToken::new()).await.unwrap();
        sleep(20 * SECOND).await;
        line.trouble(trouble);
        timeout(60 * SECOND, member.lost()).await.unwrap();
        assert_eq!(line.last_write().elapsed(), 10 * SECOND, "{trouble:?}");
        // Trouble that passes too late changes nothing.
        line.trouble(None);
        let writes = line.writes();
        sleep(20 * SECOND).await;
        assert_eq!((member.fence().is_open(), line.writes()), (false, writes), "{trouble:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn trouble_that_passes_in_time_is_survived() {
    for trouble in [Trouble::Silent, Trouble::Refused(500), Trouble::Refused(403), Trouble::AnswersLost] {
        let server = ApiServer::new();
        let (replicas, line) = server.replica("a", 1);
        let member = replicas.join(&CancellationToken::new()).await.unwrap();
        let term = member.leases().acquire("p").await;
        line.trouble(trouble);
        sleep(5 * SECOND).await;
        line.trouble(None);
        sleep(60 * SECOND).await;
        assert!(member.fence().is_open() && term.fence().is_open(), "{trouble:?}");
        assert_eq!(server.lease("p").await["spec"]["leaseTransitions"], 0, "{trouble:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_join_whose_answer_is_lost_is_found_again() {
    let server = ApiServer::new();
    let (replicas, line) = server.replica("a", 1);
    line.trouble(Trouble::AnswersLost);
    let mend = async {
        sleep(SECOND).await;
        line.trouble(None);
    };
    let cancel = CancellationToken::new();
    let (member, ()) = tokio::join!(replicas.join(&cancel), mend);
    assert!(member.unwrap().fence().is_open());
    assert_eq!(server.members().await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_deleted_ends_the_membership_at_the_next_renewal() {
    let server = ApiServer::new();
    let (replicas, _) = server.replica("a", 1);
    let member = replicas.join(&CancellationToken::new()).await.unwrap();
    let term = member.leases().acquire("p").await;
    server.delete(&member.identity().lease_name()).await;
    let begun = Instant::now();
    timeout(60 * SECOND, member.lost()).await.unwrap();
    assert!(begun.elapsed() <= RENEWAL);
    assert!(!term.fence().is_open(), "what it held ends with it");
    assert_eq!(server.members().await, 0, "it is not made again: others may have taken it for dead");
}

#[tokio::test(start_paused = true)]
async fn a_label_is_no_sign_of_life_and_takes_nothing_away() {
    let server = ApiServer::new();
    let (replicas, _) = server.replica("a", 1);
    let member = replicas.join(&CancellationToken::new()).await.unwrap();
    server.patch(&member.identity().lease_name(), &json!({"metadata": {"labels": {"mine": "too"}}})).await;
    sleep(30 * SECOND).await;
    assert!(member.fence().is_open());
}

#[tokio::test(start_paused = true)]
async fn missing_rights_and_namespaces_are_named() {
    let server = ApiServer::new();
    let (replicas, line) = server.replica("a", 1);
    line.trouble(Trouble::Refused(403));
    let begin = |replicas: Replicas| async move {
        let identity = Identity::of_pod("a");
        Membership::begin(&replicas.requests, &identity, replicas.timing, 1).await.err().unwrap()
    };
    let error = begin(replicas).await;
    assert_eq!(error.reason(), "RightsMissing");
    assert!(error.to_string().contains("get, list, watch, create, update and delete leases"), "{error}");
    let elsewhere = Replicas::new(&server.line().cluster(), "nowhere", "a", Timing::default()).unwrap();
    assert_eq!(begin(elsewhere).await.reason(), "NamespaceMissing");
    assert!(Replicas::new(&server.line().cluster(), "../x", "a", Timing::default()).is_err());
}

#[tokio::test(start_paused = true)]
async fn whoever_stops_waiting_takes_nothing_along() {
    let server = ApiServer::new();
    let (replicas, line) = server.replica("a", 1);
    line.trouble(Trouble::Refused(500));
    let cancel = CancellationToken::new();
    let stop = async {
        sleep(30 * SECOND).await;
        cancel.cancel();
    };
    let (member, ()) = tokio::join!(replicas.join(&cancel), stop);
    assert!(member.is_none());
    assert_eq!(line.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_member_that_has_renewed_meanwhile_is_not_evicted() {
    let server = ApiServer::new();
    let (replicas, _) = server.replica("a", 1);
    let member = replicas.join(&CancellationToken::new()).await.unwrap();
    let name = member.identity().lease_name();
    let seen = replicas.requests.get(&name).await.unwrap().unwrap();
    sleep(RENEWAL).await;
    let evicted = replicas.requests.delete(&name, seen.resource_version()).await;
    assert_eq!(evicted, Err(LeaseError::Contended));
    sleep(RENEWAL).await;
    assert!(member.fence().is_open());
}
