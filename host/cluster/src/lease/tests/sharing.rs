//! Who runs what.

use super::*;

#[tokio::test(start_paused = true)]
async fn two_replicas_share_the_providers() {
    let (server, log, names) = (ApiServer::new(), Arc::default(), providers(20));
    let a = Replica::start(&server, &log, "a", 1, &names).await;
    until("all run", 10 * SECOND, || log.len() == 20).await;
    let b = Replica::start(&server, &log, "b", 2, &names).await;
    until("both have some", 5 * 60 * SECOND, || log.of("b").len() >= 5 && log.len() == 20).await;
    sleep(60 * SECOND).await;
    assert_eq!(log.of("a").len() + log.of("b").len(), 20);
    assert_eq!(log.coming_to_rest.lock().unwrap().1, 1, "handed over one by one");
    // The record says the same, and counts what has moved.
    for provider in log.of("b") {
        assert_eq!(server.holder(&provider).await, "b");
        let lease = server.lease(&provider).await;
        assert_eq!(lease["spec"]["leaseTransitions"], 1);
        assert!(lease["metadata"]["annotations"]["capstan.dev/wanted-by"].is_null());
    }
    // At rest nothing moves, and nothing is asked but the renewals.
    let (reads, writes) = (a.line.reads(), a.line.writes());
    sleep(100 * SECOND).await;
    assert_eq!(a.line.reads(), reads);
    assert!((41..=63).contains(&(a.line.writes() - writes)), "{}", a.line.writes() - writes);
    drop((a, b));
}

#[tokio::test(start_paused = true)]
async fn a_dead_replica_is_replaced_after_its_time_and_not_before() {
    let (server, log, names) = (ApiServer::new(), Arc::default(), providers(10));
    let _a = Replica::start(&server, &log, "a", 1, &names).await;
    let b = Replica::start(&server, &log, "b", 2, &names).await;
    until("both have some", 5 * 60 * SECOND, || !log.of("b").is_empty() && log.len() == 10).await;
    sleep(60 * SECOND).await;
    let last = b.line.last_write();
    b.kill("b");
    until("a has all", 60 * SECOND, || log.of("a").len() == 10).await;
    let silence = last.elapsed();
    assert!((15 * SECOND..16 * SECOND).contains(&silence), "{silence:?}");
    assert_eq!(server.members().await, 1, "the dead one's lease is gone");
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_leaves_hands_over_without_waiting() {
    let (server, log, names) = (ApiServer::new(), Arc::default(), providers(10));
    let a = Replica::start(&server, &log, "a", 1, &names).await;
    let _b = Replica::start(&server, &log, "b", 2, &names).await;
    until("both have some", 5 * 60 * SECOND, || !log.of("b").is_empty() && log.len() == 10).await;
    sleep(60 * SECOND).await;
    a.stop().await;
    let took = until("b has all", 60 * SECOND, || log.of("b").len() == 10).await;
    assert!(took < SECOND, "{took:?}");
    assert_eq!(server.members().await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_third_takes_only_what_is_its_own() {
    let (server, log, names) = (ApiServer::new(), Arc::default(), providers(30));
    let _a = Replica::start(&server, &log, "a", 1, &names).await;
    let _b = Replica::start(&server, &log, "b", 2, &names).await;
    sleep(5 * 60 * SECOND).await;
    let before = log.running.lock().unwrap().clone();
    let _c = Replica::start(&server, &log, "c", 3, &names).await;
    sleep(5 * 60 * SECOND).await;
    let after = log.running.lock().unwrap().clone();
    assert_eq!(after.len(), 30);
    let moved: Vec<_> = names.iter().filter(|name| before[*name] != after[*name]).collect();
    assert!(!moved.is_empty() && moved.iter().all(|name| after[*name] == "c"));
}

#[tokio::test(start_paused = true)]
async fn two_that_join_at_once_are_served_one_after_the_other() {
    let (server, log, names) = (ApiServer::new(), Arc::default(), providers(30));
    let _a = Replica::start(&server, &log, "a", 1, &names).await;
    until("all run", 10 * SECOND, || log.len() == 30).await;
    let _b = Replica::start(&server, &log, "b", 2, &names).await;
    let _c = Replica::start(&server, &log, "c", 3, &names).await;
    sleep(5 * 60 * SECOND).await;
    assert!(log.of("b").len() > 3 && log.of("c").len() > 3 && log.len() == 30);
    assert_eq!(log.coming_to_rest.lock().unwrap().1, 1);
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_cannot_reach_the_api_server_stops_before_others_begin() {
    for trouble in [Trouble::Silent, Trouble::Refused(500)] {
        let (server, log, names) = (ApiServer::new(), Arc::default(), providers(6));
        let a = Replica::start(&server, &log, "a", 1, &names).await;
        let _b = Replica::start(&server, &log, "b", 2, &names).await;
        until("both have some", 5 * 60 * SECOND, || !log.of("b").is_empty() && log.len() == 6).await;
        sleep(30 * SECOND).await;
        // `Log` panics if anything runs twice.
        a.line.trouble(trouble);
        until("b has all", 60 * SECOND, || log.of("b").len() == 6).await;
        assert!(!a.member.as_ref().unwrap().fence().is_open());
    }
}

#[tokio::test(start_paused = true)]
async fn what_time_of_day_a_record_says_does_not_matter() {
    for renewed in ["1970-01-01T00:00:00.000000Z", "2099-01-01T00:00:00.000000Z"] {
        let (server, log) = (ApiServer::new(), Arc::default());
        let spec = |holder: &str| json!({"holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": renewed});
        server.make("capstan-member-x", &json!({"capstan.dev/lease": "member"}), &spec("other_x")).await;
        let labels = json!({"capstan.dev/lease": "provider", "capstan.dev/provider": "p0"});
        server.make("capstan-provider-p0", &labels, &spec("other_x")).await;
        let begun = Instant::now();
        let _a = Replica::start(&server, &log, "a", 1, &providers(1)).await;
        until("a has it", 60 * SECOND, || log.len() == 1).await;
        let took = begun.elapsed();
        assert!((15 * SECOND..31 * SECOND).contains(&took), "{renewed}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_holder_of_whom_nothing_is_known_may_be_at_work_all_the_same() {
    let (server, log) = (ApiServer::new(), Arc::default());
    let labels = json!({"capstan.dev/lease": "provider", "capstan.dev/provider": "p0"});
    server.make("capstan-provider-p0", &labels, &json!({"holderIdentity": "ghost", "leaseDurationSeconds": 20})).await;
    let begun = Instant::now();
    let _a = Replica::start(&server, &log, "a", 1, &providers(1)).await;
    until("a has it", 60 * SECOND, || log.len() == 1).await;
    assert!((20 * SECOND..21 * SECOND).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_deleted_by_hand_stops_its_holder_and_is_not_taken_at_once() {
    let (server, log, names) = (ApiServer::new(), Arc::default(), providers(1));
    let _a = Replica::start(&server, &log, "a", 1, &names).await;
    let _b = Replica::start(&server, &log, "b", 2, &names).await;
    sleep(60 * SECOND).await;
    server.delete("capstan-provider-p0").await;
    let begun = Instant::now();
    until("its holder lets go", SECOND, || log.len() == 0).await;
    until("somebody has it", 60 * SECOND, || log.len() == 1).await;
    assert!((15 * SECOND..16 * SECOND).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_emptied_by_hand_moves() {
    let (server, log, names) = (ApiServer::new(), Arc::default(), providers(1));
    let _a = Replica::start(&server, &log, "a", 1, &names).await;
    until("it runs", 10 * SECOND, || log.len() == 1).await;
    server.patch("capstan-provider-p0", &json!({"spec": {"holderIdentity": ""}})).await;
    sleep(SECOND).await;
    assert_eq!(server.lease("p0").await["spec"]["leaseTransitions"], 1, "taken again");
    assert_eq!(log.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_does_not_take_its_own_is_stood_in_for() {
    let (server, log, names) = (ApiServer::new(), Arc::default(), providers(8));
    // It is there, and wants nothing: it may not have the file.
    let _idle = Replica::start(&server, &log, "idle", 1, &[]).await;
    let _b = Replica::start(&server, &log, "b", 2, &names).await;
    let took = until("b has all", 60 * SECOND, || log.of("b").len() == 8).await;
    assert!((14 * SECOND..17 * SECOND).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_goes_silent_is_not_believed_in() {
    let (server, log, names) = (ApiServer::new(), Arc::default(), providers(1));
    let a = Replica::start(&server, &log, "a", 1, &names).await;
    until("it runs", 10 * SECOND, || log.len() == 1).await;
    a.line.deafen();
    sleep(10 * SECOND).await;
    server.delete("capstan-provider-p0").await;
    let took = until("its holder lets go", 15 * SECOND, || log.len() == 0).await;
    assert!(took < 8 * SECOND, "before anybody else can have it: {took:?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_when_a_term_is_over() {
    let server = ApiServer::new();
    let (replicas, line) = server.replica("a", 1);
    let member = replicas.join(&CancellationToken::new()).await.unwrap();
    let term = member.leases().acquire("p").await;
    let cluster = line.cluster();
    let body = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}});
    let fenced = cluster.fenced(term.fence());
    fenced.create(&body("one")).await.unwrap();
    term.release().await.unwrap();
    assert_eq!(fenced.create(&body("two")).await.err(), Some(crate::Error::NotLeader));
    cluster.fenced(member.fence()).create(&body("two")).await.unwrap();
    // The next term of the same provider has a fence of its own.
    let again = member.leases().acquire("p").await;
    assert_eq!(fenced.create(&body("three")).await.err(), Some(crate::Error::NotLeader));
    cluster.fenced(again.fence()).create(&body("three")).await.unwrap();
    drop(again);
    sleep(SECOND).await;
    assert_eq!(server.holder("p").await, "", "a term that is dropped is given back");
    assert_eq!(replicas.counts().held(), 0);
    assert_eq!(replicas.counts().transitions(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_is_held_and_what_is_waited_for_is_told_by_name() {
    let (server, cancel) = (ApiServer::new(), CancellationToken::new());
    let ((one, _line), (other, _other_line)) = (server.replica("a", 1), server.replica("b", 2));
    let holder = one.join(&cancel).await.unwrap();
    let term = holder.leases().acquire("p").await;
    let waiter = other.join(&cancel).await.unwrap();
    assert!(timeout(5 * SECOND, waiter.leases().acquire("p")).await.is_err(), "the holder does not let go");
    let p = |held: bool| [("capstan-provider-p".to_owned(), held)];
    assert_eq!(one.counts().standing(), p(true));
    assert_eq!(other.counts().standing(), p(false));
    term.release().await.unwrap();
    assert!(one.counts().standing().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_had_is_told_as_waited_for() {
    for knows_all_leases in [true, false] {
        let server = ApiServer::new();
        let (replicas, line) = server.replica("a", 1);
        let member = replicas.join(&CancellationToken::new()).await.unwrap();
        let leases = member.leases();
        let mut expected = vec![("capstan-provider-q".to_owned(), false)];
        let mut term = None;
        if knows_all_leases {
            term = Some(leases.acquire("p").await);
            expected.insert(0, ("capstan-provider-p".to_owned(), true));
        }
        line.trouble(Trouble::Refused(403));
        let mut waiting = JoinSet::new();
        waiting.spawn(async move { leases.acquire("q").await });
        let is_told = || replicas.counts().standing() == expected;
        until("it is told", SECOND, is_told).await;
        sleep(3 * SECOND).await;
        assert!(is_told() && replicas.counts().held() == usize::from(term.is_some()), "and stays so");
        waiting.shutdown().await;
        until("nobody waits any more", 3 * SECOND, || replicas.counts().standing().iter().all(|(_, held)| *held)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_away_is_not_told_as_held() {
    let server = ApiServer::new();
    let (replicas, _line) = server.replica("a", 1);
    let member = replicas.join(&CancellationToken::new()).await.unwrap();
    let term = member.leases().acquire("p").await;
    assert_eq!(replicas.counts().held(), 1);
    server.delete("capstan-provider-p").await;
    timeout(5 * SECOND, term.lost()).await.unwrap();
    let lost = [("capstan-provider-p".to_owned(), false)];
    until("it is told, though what runs has not come to rest", SECOND, || replicas.counts().standing() == lost).await;
    assert_eq!(replicas.counts().held(), 0);
    term.release().await.unwrap();
    assert!(replicas.counts().standing().is_empty());
}

/// The cost at rest, as the administrator's guide has it.
#[tokio::test(start_paused = true)]
async fn fifty_providers_at_rest_cost_one_renewal_of_each_replica() {
    let (server, log, names) = (ApiServer::new(), Arc::default(), providers(50));
    let a = Replica::start(&server, &log, "a", 1, &names).await;
    let b = Replica::start(&server, &log, "b", 2, &names).await;
    sleep(10 * 60 * SECOND).await;
    assert_eq!(log.len(), 50);
    let asked = || (a.line.reads() + b.line.reads(), a.line.writes() + b.line.writes());
    let before = asked();
    sleep(1_000 * SECOND).await;
    let (reads, writes) = (asked().0 - before.0, asked().1 - before.1);
    // A watch is begun anew every five minutes or so.
    assert!(reads <= 20, "{reads}");
    assert!((950..=1_050).contains(&writes), "{writes}: one request per second for two replicas");
}
