//! What subscribers are told, in which order.

use futures::FutureExt;

use super::*;
use crate::{Change, watch::mailbox::News};

fn object(name: &str, uid: &str, version: u64) -> Object {
    let json = format!(
        r#"{{"apiVersion":"v1","kind":"A","metadata":{{"name":"{name}","uid":"{uid}","resourceVersion":"{version}"}}}}"#
    );
    Object::parse(&json, None).unwrap()
}

/// Everything a subscriber would be told now.
fn told(mailbox: &Mailbox) -> Vec<String> {
    std::iter::from_fn(|| mailbox.next().now_or_never())
        .map(|news| match news {
            News::Refused => "refused".to_owned(),
            News::Change(Change::Synced) => "synced".to_owned(),
            News::Change(Change::Applied { old, new }) => {
                let old = old.map_or("-".to_owned(), |old| old.resource_version().to_owned());
                format!("{} {old}>{}", new.key(), new.resource_version())
            }
            News::Change(Change::Deleted(last)) => format!("{} gone", last.key()),
        })
        .collect()
}

#[test]
fn a_late_subscriber_is_told_everything_and_then_synced() {
    let shared = Shared::default();
    shared.listing();
    shared.apply(&object("a", "1", 1));
    shared.listed();
    assert_eq!(told(&shared.join(None)), ["a ->1", "synced"]);
}

#[test]
fn a_list_with_nothing_new_is_silent_and_one_with_less_deletes() {
    let shared = Shared::default();
    let mailbox = shared.join(None);
    for names in [&["a", "b"][..], &["a", "b"], &["b"]] {
        shared.listing();
        for name in names {
            shared.apply(&object(name, name, 1));
        }
        shared.listed();
    }
    assert_eq!(told(&mailbox), ["b ->1", "synced"]);
    // One that had been told of `a` hears that it is gone.
    let shared = Shared::default();
    let mailbox = shared.join(None);
    shared.apply(&object("a", "a", 1));
    assert_eq!(told(&mailbox), ["a ->1"]);
    shared.listing();
    shared.listed();
    assert_eq!(told(&mailbox), ["a gone", "synced"]);
}

#[test]
fn changes_are_folded_and_old_is_what_was_told() {
    let shared = Shared::default();
    let (slow, fast) = (shared.join(None), shared.join(None));
    shared.apply(&object("a", "1", 1));
    assert_eq!(told(&fast), ["a ->1"]);
    assert_eq!(told(&slow), ["a ->1"]);
    for version in 2..100 {
        shared.apply(&object("a", "1", version));
        assert_eq!(told(&fast), [format!("a {}>{version}", version - 1)]);
    }
    assert_eq!(told(&slow), ["a 1>99"]);
}

#[test]
fn what_came_and_went_unseen_is_not_told() {
    let shared = Shared::default();
    let mailbox = shared.join(None);
    shared.apply(&object("a", "1", 1));
    shared.delete(&object("a", "1", 2));
    assert_eq!(told(&mailbox), Vec::<String>::new());
}

#[test]
fn older_states_never_replace_newer_ones() {
    let shared = Shared::default();
    let mailbox = shared.join(None);
    shared.remember(&object("a", "1", 10));
    assert_eq!(told(&mailbox), ["a ->10"]);
    shared.apply(&object("a", "1", 9));
    shared.apply(&object("a", "1", 10));
    assert_eq!(told(&mailbox), Vec::<String>::new());
    assert_eq!(shared.get(&ObjectKey::cluster("a")).unwrap().resource_version(), "10");
}

#[test]
fn a_deleted_object_is_not_brought_back_by_a_late_answer() {
    let shared = Shared::default();
    shared.apply(&object("a", "1", 1));
    shared.delete(&object("a", "1", 3));
    shared.remember(&object("a", "1", 2));
    assert!(shared.get(&ObjectKey::cluster("a")).is_none());
    shared.remember(&object("a", "2", 4));
    assert!(shared.get(&ObjectKey::cluster("a")).is_some());
}

#[test]
fn who_wants_one_object_hears_of_no_other() {
    let shared = Shared::default();
    shared.apply(&object("a", "1", 1));
    shared.apply(&object("b", "2", 1));
    let key = ObjectKey::cluster("a");
    let mailbox = shared.join(Some(&key));
    shared.listing();
    shared.apply(&object("a", "1", 2));
    shared.apply(&object("b", "2", 2));
    shared.listed();
    assert_eq!(told(&mailbox), ["a ->2", "synced"]);
    shared.refuse();
    assert_eq!(told(&mailbox), ["refused"]);
    shared.leave(Some(&key), &mailbox);
    assert!(shared.lock().mailboxes.keyed.is_empty());
}

#[test]
fn a_write_during_a_list_is_not_taken_for_gone() {
    let shared = Shared::default();
    shared.listing();
    shared.remember(&object("new", "1", 5));
    shared.listed();
    assert!(shared.get(&ObjectKey::cluster("new")).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_write_that_cannot_be_looked_at_keeps_none_of_the_others_waiting() {
    let shared = Shared::default();
    for name in ["a", "b"] {
        shared.remember(&object(name, name, 1));
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
    }
    let oldest = shared.doubtful().await.0;
    assert_eq!(oldest.key().name, "a");
    shared.put_off(&oldest);
    assert_eq!(shared.doubtful().await.0.key().name, "b");
    shared.apply(&object("b", "b", 1));
    assert_eq!(shared.doubtful().await.0.key().name, "a", "it is not forgotten");
}

#[test]
fn the_deletion_of_a_former_object_does_not_touch_its_successor() {
    let shared = Shared::default();
    shared.apply(&object("a", "2", 5));
    shared.delete(&object("a", "1", 4));
    assert!(shared.get(&ObjectKey::cluster("a")).is_some());
}
