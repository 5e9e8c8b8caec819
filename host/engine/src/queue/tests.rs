use rand::RngExt;
use tokio::time::advance;

use super::*;

fn key(name: &str) -> ObjectKey {
    ObjectKey::namespaced("ns", name)
}

/// Without jitter, so that times are exact.
fn queue() -> Queue {
    let backoff = Backoff::new(secs(1), secs(60), 0.0).unwrap();
    Queue::new(Pacing { backoff, poll: Poll::new(secs(60), 0.0).unwrap() }, 0)
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

const FAILED: Next = Next::Backoff { at_least: Duration::ZERO };

fn take(queue: &mut Queue) -> Option<String> {
    queue.take(Instant::now()).map(|taken| taken.key.name.clone())
}

fn finish(queue: &mut Queue, name: &str, next: Next) {
    queue.finish(&key(name), next, Instant::now());
}

/// Lets `name` fail once more and leaves it in back-off.
fn fail(queue: &mut Queue, name: &str) {
    assert_eq!(take(queue).as_deref(), Some(name));
    finish(queue, name, FAILED);
}

#[tokio::test(start_paused = true)]
async fn row17_first_in_first_out_within_a_priority() {
    let mut queue = queue();
    for name in ["a", "b", "c"] {
        queue.add(&key(name), Priority::Resync);
    }
    queue.add(&key("a"), Priority::Resync);
    assert_eq!(queue.depth(), 3);
    let order: Vec<_> = std::iter::from_fn(|| take(&mut queue)).collect();
    assert_eq!(order, ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn the_more_urgent_overtakes() {
    let mut queue = queue();
    queue.add(&key("poll"), Priority::Resync);
    queue.add(&key("dependency"), Priority::Dependency);
    queue.add(&key("user"), Priority::UserChange);
    queue.add(&key("raised"), Priority::Resync);
    queue.add(&key("raised"), Priority::UserChange);
    queue.add(&key("raised"), Priority::Dependency);
    let order: Vec<_> = std::iter::from_fn(|| take(&mut queue)).collect();
    assert_eq!(order, ["user", "raised", "dependency", "poll"]);
}

#[tokio::test(start_paused = true)]
async fn row12_a_running_key_is_not_handed_out_twice_but_runs_once_more() {
    let mut queue = queue();
    queue.add(&key("a"), Priority::Resync);
    assert_eq!(take(&mut queue).as_deref(), Some("a"));
    queue.add(&key("a"), Priority::Dependency);
    queue.add(&key("a"), Priority::Resync);
    assert_eq!(take(&mut queue), None);
    finish(&mut queue, "a", Next::Poll);
    assert_eq!(take(&mut queue).as_deref(), Some("a"));
    finish(&mut queue, "a", Next::Poll);
    assert_eq!(take(&mut queue), None);
}

#[tokio::test(start_paused = true)]
async fn polls_come_back_of_themselves_and_an_event_is_earlier() {
    let mut queue = queue();
    queue.add(&key("a"), Priority::UserChange);
    take(&mut queue);
    finish(&mut queue, "a", Next::Poll);
    assert_eq!(queue.next_due(), Some(Instant::now() + secs(60)));
    advance(secs(10)).await;
    queue.add(&key("a"), Priority::Dependency);
    assert_eq!(take(&mut queue).as_deref(), Some("a"));
    finish(&mut queue, "a", Next::Poll);
    advance(secs(59)).await;
    assert_eq!(take(&mut queue), None);
    advance(secs(1)).await;
    assert_eq!(take(&mut queue).as_deref(), Some("a"));
}

#[tokio::test(start_paused = true)]
async fn row10_a_hot_failing_object_still_backs_off() {
    let mut queue = queue();
    queue.add(&key("a"), Priority::UserChange);
    for wait in [1, 2, 4, 8, 16, 32, 60, 60] {
        fail(&mut queue, "a");
        for _ in 0..wait {
            queue.add(&key("a"), Priority::Dependency);
            assert_eq!(take(&mut queue), None, "an event cut a wait of {wait} s short");
            advance(secs(1)).await;
        }
    }
    assert_eq!(take(&mut queue).as_deref(), Some("a"));
}

#[tokio::test(start_paused = true)]
async fn row10_an_event_during_a_failing_run_does_not_drop_the_back_off() {
    let mut queue = queue();
    queue.add(&key("a"), Priority::UserChange);
    take(&mut queue);
    queue.add(&key("a"), Priority::Dependency);
    finish(&mut queue, "a", FAILED);
    assert_eq!(take(&mut queue), None);
    advance(secs(1)).await;
    assert_eq!(take(&mut queue).as_deref(), Some("a"));
}

#[tokio::test(start_paused = true)]
async fn a_user_change_runs_at_once_and_its_failures_still_count() {
    let mut queue = queue();
    queue.add(&key("a"), Priority::UserChange);
    fail(&mut queue, "a");
    advance(secs(1)).await;
    fail(&mut queue, "a");
    queue.add(&key("a"), Priority::UserChange);
    fail(&mut queue, "a");
    assert_eq!(queue.attempts(&key("a")), 3);
    assert_eq!(queue.next_due(), Some(Instant::now() + secs(4)));
}

#[tokio::test(start_paused = true)]
async fn a_user_change_during_a_failing_run_runs_at_once() {
    let mut queue = queue();
    queue.add(&key("a"), Priority::Resync);
    take(&mut queue);
    queue.add(&key("a"), Priority::UserChange);
    finish(&mut queue, "a", FAILED);
    assert_eq!(take(&mut queue).as_deref(), Some("a"));
    assert_eq!(queue.attempts(&key("a")), 1);
}

#[tokio::test(start_paused = true)]
async fn row11_success_resets_the_back_off() {
    let mut queue = queue();
    queue.add(&key("a"), Priority::UserChange);
    for wait in [1, 2, 4] {
        fail(&mut queue, "a");
        advance(secs(wait)).await;
    }
    take(&mut queue);
    finish(&mut queue, "a", Next::Poll);
    advance(secs(60)).await;
    fail(&mut queue, "a");
    assert_eq!(queue.next_due(), Some(Instant::now() + secs(1)));
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_was_asked_for_is_kept_if_it_is_the_longer_one() {
    let mut queue = queue();
    queue.add(&key("a"), Priority::Resync);
    take(&mut queue);
    finish(&mut queue, "a", Next::Backoff { at_least: secs(300) });
    queue.add(&key("a"), Priority::Dependency);
    assert_eq!(queue.next_due(), Some(Instant::now() + secs(300)));
    advance(secs(300)).await;
    take(&mut queue);
    finish(&mut queue, "a", Next::Backoff { at_least: Duration::from_millis(1) });
    assert_eq!(queue.next_due(), Some(Instant::now() + secs(2)));
}

#[tokio::test(start_paused = true)]
async fn a_retry_cuts_the_wait_short() {
    let mut queue = queue();
    queue.add(&key("a"), Priority::Resync);
    fail(&mut queue, "a");
    queue.retry(&key("a"));
    fail(&mut queue, "a");
    assert_eq!(queue.attempts(&key("a")), 2);
}

#[tokio::test(start_paused = true)]
async fn a_retry_during_a_failing_run_cuts_the_wait_that_follows() {
    let mut queue = queue();
    queue.add(&key("a"), Priority::Resync);
    take(&mut queue);
    queue.retry(&key("a"));
    finish(&mut queue, "a", Next::Backoff { at_least: secs(3600) });
    assert_eq!(take(&mut queue).as_deref(), Some("a"));
    assert_eq!(queue.attempts(&key("a")), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_parked_wakes_on_a_dependency_and_at_the_poll_interval() {
    let mut queue = queue();
    queue.add(&key("a"), Priority::Resync);
    take(&mut queue);
    finish(&mut queue, "a", Next::Park);
    advance(secs(59)).await;
    assert_eq!(take(&mut queue), None);
    queue.add(&key("a"), Priority::Dependency);
    assert_eq!(take(&mut queue).as_deref(), Some("a"));
    finish(&mut queue, "a", Next::Park);
    advance(secs(60)).await;
    assert_eq!(take(&mut queue).as_deref(), Some("a"));
}

#[tokio::test(start_paused = true)]
async fn what_is_stopped_waits_for_a_change() {
    let mut queue = queue();
    queue.add(&key("a"), Priority::Resync);
    take(&mut queue);
    finish(&mut queue, "a", Next::Stop);
    assert_eq!(queue.next_due(), None);
    queue.add(&key("a"), Priority::UserChange);
    assert_eq!(take(&mut queue).as_deref(), Some("a"));
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_key_leaves_nothing_behind() {
    let mut queue = queue();
    for name in ["due", "waiting", "running"] {
        queue.add(&key(name), Priority::Resync);
    }
    for _ in 0..3 {
        take(&mut queue);
    }
    finish(&mut queue, "waiting", FAILED);
    finish(&mut queue, "due", Next::Poll);
    queue.add(&key("due"), Priority::Dependency);
    queue.add(&key("running"), Priority::UserChange);
    for name in ["due", "waiting", "running"] {
        queue.forget(&key(name));
    }
    finish(&mut queue, "running", Next::Stop);
    assert!(queue.entries.is_empty());
    assert_eq!((take(&mut queue), queue.next_due()), (None, None));
}

#[tokio::test(start_paused = true)]
async fn the_object_of_the_same_name_that_follows_starts_without_failures() {
    let mut queue = queue();
    queue.add(&key("a"), Priority::Resync);
    fail(&mut queue, "a");
    queue.forget(&key("a"));
    queue.add(&key("a"), Priority::UserChange);
    assert_eq!(queue.attempts(&key("a")), 0);
    assert_eq!(take(&mut queue).as_deref(), Some("a"));
}

#[tokio::test(start_paused = true)]
async fn the_waiting_are_handed_out_in_the_order_of_their_time() {
    let mut queue = queue();
    for (name, at_least) in [("late", 9), ("early", 3), ("middle", 6)] {
        queue.add(&key(name), Priority::Resync);
        take(&mut queue);
        finish(&mut queue, name, Next::Backoff { at_least: secs(at_least) });
    }
    advance(secs(10)).await;
    let order: Vec<_> = std::iter::from_fn(|| take(&mut queue)).collect();
    assert_eq!(order, ["early", "middle", "late"]);
}

#[tokio::test(start_paused = true)]
async fn row11_polls_do_not_count_as_failures() {
    let mut queue = queue();
    queue.add(&key("a"), Priority::Resync);
    for _ in 0..100 {
        assert_eq!(take(&mut queue).as_deref(), Some("a"));
        finish(&mut queue, "a", Next::Poll);
        advance(secs(60)).await;
    }
    fail(&mut queue, "a");
    assert_eq!(queue.next_due(), Some(Instant::now() + secs(1)), "the first wait, whatever came before");
}

#[tokio::test(start_paused = true)]
async fn row25_what_was_urgent_and_failed_stays_urgent() {
    let mut queue = queue();
    queue.add(&key("a"), Priority::UserChange);
    fail(&mut queue, "a");
    queue.add(&key("polled"), Priority::Resync);
    queue.add(&key("woken"), Priority::Dependency);
    advance(secs(1)).await;
    let order: Vec<_> = std::iter::from_fn(|| take(&mut queue)).collect();
    assert_eq!(order, ["a", "woken", "polled"]);
    finish(&mut queue, "a", Next::Poll);
    advance(secs(60)).await;
    queue.add(&key("woken-again"), Priority::Dependency);
    assert_eq!(take(&mut queue).as_deref(), Some("woken-again"), "a poll is no user's change any more");
}

#[tokio::test(start_paused = true)]
async fn row30_one_bad_object_delays_no_other() {
    let mut queue = queue();
    queue.add(&key("bad"), Priority::UserChange);
    for number in 0..100 {
        queue.add(&key(&format!("good{number}")), Priority::Resync);
    }
    fail(&mut queue, "bad");
    for number in 0..100 {
        assert_eq!(take(&mut queue), Some(format!("good{number}")));
    }
}

#[tokio::test(start_paused = true)]
async fn how_long_a_key_has_been_due_is_known() {
    let mut queue = queue();
    let begun = Instant::now();
    queue.add(&key("a"), Priority::Resync);
    advance(secs(3)).await;
    queue.add(&key("a"), Priority::UserChange);
    assert_eq!(queue.take(Instant::now()).unwrap().since, begun);
    finish(&mut queue, "a", Next::Poll);
    advance(secs(70)).await;
    assert_eq!(queue.take(Instant::now()).unwrap().since, begun + secs(63), "since the poll was due");
}

/// Whatever happens to a key, and however long nothing does: a wait after failures is never shorter than its place in the
/// row says, and never none.
#[tokio::test(start_paused = true)]
async fn row22_no_history_shortens_a_back_off() {
    for seed in 0..300 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut queue = Queue::new(Pacing::default(), seed);
        let mut failures = 0;
        queue.add(&key("a"), Priority::Resync);
        for _ in 0..60 {
            assert_eq!(take(&mut queue).as_deref(), Some("a"), "seed {seed}");
            let during = random.random_range(0..3);
            for _ in 0..during {
                queue.add(&key("a"), Priority::Dependency);
            }
            let failed = random.random_bool(0.7);
            finish(&mut queue, "a", if failed { FAILED } else { Next::Poll });
            failures = if failed { failures + 1 } else { 0 };
            if failed {
                let full = secs(1 << (failures - 1).min(6)).min(secs(60));
                let wait = queue.next_due().expect("it waits") - Instant::now();
                assert!(wait >= full.mul_f64(0.9) && wait <= full, "seed {seed}: {wait:?} after {failures} failures");
                queue.add(&key("a"), Priority::Dependency);
                assert_eq!(take(&mut queue), None, "seed {seed}");
            }
            // Now and then nothing happens for hours.
            let idle = if random.random_bool(0.1) { secs(36_000) } else { secs(67) };
            advance(idle).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_made_is_looked_at_soon_and_what_does_not_show_when_its_time_is_over() {
    let mut queue = queue();
    queue.add(&key("a"), Priority::Resync);
    let begun = Instant::now();
    let mut looks = Vec::new();
    for next in [Next::Await { at_most: secs(30) }; 4] {
        assert_eq!(take(&mut queue).as_deref(), Some("a"));
        looks.push(begun.elapsed());
        finish(&mut queue, "a", next);
        advance(queue.next_due().unwrap() - Instant::now()).await;
    }
    // 15 s of the 30 s are over, and by back-off alone it would be the turn of 31.
    assert_eq!(take(&mut queue).as_deref(), Some("a"));
    finish(&mut queue, "a", Next::Await { at_most: secs(15) });
    advance(queue.next_due().unwrap() - Instant::now()).await;
    looks.push(begun.elapsed());
    assert_eq!(looks, [0, 1, 3, 7, 30].map(secs));

    assert_eq!(take(&mut queue).as_deref(), Some("a"));
    finish(&mut queue, "a", Next::Confirm);
    assert_eq!(queue.next_due().unwrap() - Instant::now(), secs(1), "soon, whatever came before");
    advance(secs(1)).await;
    fail(&mut queue, "a");
    assert_eq!(queue.next_due().unwrap() - Instant::now(), secs(60), "the count went on");
}
