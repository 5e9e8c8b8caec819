//! When watches come again.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_list_that_is_sent_back_comes_again_when_the_server_says_so() {
    for (code, seconds) in [(429, 20), (503, 20), (429, 120)] {
        let fake = Fake::default();
        fake.put("things", "a");
        let watches = watches(&fake);
        fake.script("/things", [Answer::Busy(code, seconds)]);
        let begun = Instant::now();
        let mut subscription = watches.subscribe(things());
        assert_eq!(told(&mut subscription).await, "new a");
        let waited = begun.elapsed().as_secs();
        assert!((seconds..seconds + 2).contains(&waited), "{waited} s in place of {seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_sent_back_comes_again_when_the_server_says_so() {
    let fake = Fake::default();
    fake.script("watch=true", [Answer::Busy(429, 120)]);
    let watches = watches(&fake);
    let mut subscription = watches.subscribe(things());
    assert_eq!(told(&mut subscription).await, "synced");
    sleep(Duration::from_secs(110)).await;
    assert_eq!((fake.asked("watch=true"), fake.open_watches("things")), (1, 0));
    sleep(Duration::from_secs(15)).await;
    assert_eq!((fake.asked("watch=true"), fake.open_watches("things")), (2, 1));
}
