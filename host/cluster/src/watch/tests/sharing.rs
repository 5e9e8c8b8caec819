//! Single objects that are followed by few watches.

use super::*;

/// Follows so many things, and hears what there is at the beginning.
async fn follow_many(watches: &Watches, count: usize, reach: Reach) -> Vec<Subscription> {
    let mut followed: Vec<_> =
        (0..count).map(|number| watches.subscribe_one(&thing(&format!("s{number}")), reach).unwrap()).collect();
    for subscription in &mut followed {
        assert!(told(subscription).await.starts_with("new"));
        assert_eq!(told(subscription).await, "synced");
    }
    sleep(Duration::from_secs(1)).await;
    followed
}

#[tokio::test(start_paused = true)]
async fn many_single_objects_share_few_watches_and_each_is_told_of_its_own() {
    let fake = Fake::default();
    put_many(&fake, 100);
    let watches = watches(&fake);
    let mut followed = follow_many(&watches, 100, Reach::Namespace).await;
    assert_eq!((watches.len(), fake.open_watches("things")), (9, 9));
    fake.put("things", "s50");
    assert_eq!(told(&mut followed[50]).await, "changed s50");
    assert_eq!(told(&mut followed[51]).await, "-");
    // One more reader of the same, and one of something else that is seen anyway, cost nothing.
    let mut again = watches.subscribe_one(&thing("s50"), Reach::Object).unwrap();
    assert_eq!((told(&mut again).await, told(&mut again).await), ("new s50".to_owned(), "synced".to_owned()));
    assert_eq!(watches.len(), 9);
    followed.truncate(8);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(watches.len(), 9, "somebody follows s50 still");
    drop((again, followed));
    sleep(Duration::from_secs(1)).await;
    assert_eq!((watches.len(), fake.open_watches("things")), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_object_is_followed_by_itself_where_the_api_server_refuses_to_show_more() {
    let fake = Fake::default();
    put_many(&fake, 9);
    let watches = watches(&fake);
    let mut followed = follow_many(&watches, 8, Reach::Namespace).await;
    fake.script("/things?&limit", vec![status(403, "Forbidden", &json!({})); 100]);
    let mut last = watches.subscribe_one(&thing("s8"), Reach::Namespace).unwrap();
    assert_eq!((told(&mut last).await, told(&mut last).await), ("new s8".to_owned(), "synced".to_owned()));
    assert_eq!(watches.len(), 9);
    assert!(fake.asked("/things?&limit") > 0, "the wider one was tried");
    fake.put("things", "s8");
    sleep(Duration::from_secs(1)).await;
    fake.put("things", "s8");
    assert_eq!(told(&mut last).await, "changed s8");
    assert_eq!(told(&mut followed[0]).await, "-");
}

#[tokio::test(start_paused = true)]
async fn who_has_to_go_on_with_another_watch_misses_nothing_and_hears_nothing_twice() {
    let fake = Fake::default();
    put_many(&fake, 11);
    let watches = watches(&fake);
    let mut followed = follow_many(&watches, 11, Reach::Namespace).await;
    // The right to see the namespace is taken away. Meanwhile one object changes, one goes, and one stays as it is.
    fake.script("/things?&limit", vec![status(403, "Forbidden", &json!({})); 100]);
    fake.lose("things", "s9");
    fake.disconnect();
    fake.put("things", "s10");
    fake.script("watch=true", vec![status(410, "Expired", &json!({})); 12]);
    sleep(Duration::from_mins(5)).await;
    assert_eq!(told(&mut followed[8]).await, "-");
    assert_eq!(told(&mut followed[9]).await, "deleted s9");
    assert_eq!(told(&mut followed[10]).await, "changed s10");
    assert_eq!(told(&mut followed[10]).await, "-");
    assert_eq!(watches.len(), 11);
}

#[tokio::test(start_paused = true)]
async fn who_joins_a_watch_just_when_it_is_refused_goes_on_with_another() {
    let fake = Fake::default();
    put_many(&fake, 9);
    let watches = watches(&fake);
    let _followed = follow_many(&watches, 9, Reach::Namespace).await;
    let namespace = Selection { namespace: Some("n".to_owned()), ..things() };
    watches.lock().get_mut(&namespace).unwrap().shared.refuse();
    let source = watches.join(&mut watches.lock(), namespace.clone(), Some(&thing("s8").key));
    let mut late = Subscription::to_one(watches.clone(), source, thing("s8"), Reach::Namespace);
    assert_eq!((told(&mut late).await, told(&mut late).await), ("new s8".to_owned(), "synced".to_owned()));
    assert_eq!(told(&mut late).await, "-");
    let listing = watches.listing();
    let of = |name: Option<&str>| listing.iter().find(|watch| watch.name.as_deref() == name);
    let (alone, shared) = (of(Some("s8")).unwrap(), of(None).unwrap());
    assert_eq!((alone.subscribers, alone.synced), (1, true));
    assert!(shared.refused && shared.namespace.as_deref() == Some("n") && shared.objects == 9, "{shared:?}");
}
