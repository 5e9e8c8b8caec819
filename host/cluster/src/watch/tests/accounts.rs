//! Watches in the names of accounts.

use capstan_api::ServiceAccount;

use super::*;

#[tokio::test(start_paused = true)]
async fn what_one_identity_has_seen_is_not_served_to_another() {
    let fake = Fake::default();
    put_many(&fake, 3);
    let own = watches(&fake);
    let account = |name: &str| ServiceAccount::new("team-a", name).unwrap();
    let mut seen = own.subscribe(things());
    while told(&mut seen).await != "synced" {}
    assert!(own.cached(&thing("s1")).is_some());

    let one = own.acting_as(&account("one"));
    assert!(one.cached(&thing("s1")).is_none(), "the host has seen it, and this account has not");
    // Nor does it take part in the watch: it has one of its own, and what that may not see is refused.
    fake.script("/things", vec![status(403, "Forbidden", &json!({})); 10_000]);
    let mut refused = one.subscribe(things());
    assert_eq!(told(&mut refused).await, "-");
    assert!(refused.store().is_empty());
    let users: Vec<_> = fake.state().users.drain(..).collect();
    let of_account = vec![("impersonate-user".to_owned(), account("one").user())];
    assert!(users.contains(&of_account) && users.contains(&vec![]), "{users:?}");
    // What it writes is news to itself alone.
    one.remember(&fake.put("things", "written"));
    let two = own.acting_as(&account("two"));
    assert!(two.cached(&thing("written")).is_none());
    assert!(refused.store().get(&thing("written").key).is_some());

    // Who acts in the same name shares, and all are told of together, and end together.
    let again = own.acting_as(&account("one"));
    let _second = again.subscribe(things());
    assert_eq!(own.len(), 2);
    let users: Vec<_> = own.listing().into_iter().map(|watch| (watch.user, watch.subscribers)).collect();
    assert_eq!(users, [(None, 1), (Some(account("one").user()), 2)]);
    own.close().await;
    assert!(refused.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn what_an_account_has_seen_goes_with_the_last_who_used_it() {
    let fake = Fake::default();
    put_many(&fake, 1);
    let own = watches(&fake);
    let account = ServiceAccount::new("team-a", "one").unwrap();
    let subscribe = || own.acting_as(&account).subscribe(things());
    let mut first = subscribe();
    while told(&mut first).await != "synced" {}
    assert!(own.acting_as(&account).cached(&thing("s0")).is_some());
    assert_eq!(own.of_all().len(), 2);
    drop(first);
    sleep(Duration::from_secs(1)).await;
    assert_eq!((own.of_all().len(), fake.open_watches("things")), (1, 0));
}
