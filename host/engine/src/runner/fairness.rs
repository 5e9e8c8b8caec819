//! Providers at work in one pool, on a paused clock.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use capstan_api::ObjectKey;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use super::*;

fn share(slots: usize, weight: usize) -> Share {
    Share { slots: NonZeroUsize::new(slots).unwrap(), weight: NonZeroUsize::new(weight).unwrap() }
}

fn pool(slots: usize) -> Runner {
    Runner::new(NonZeroUsize::new(slots).unwrap())
}

/// A provider that always has something to do, each time for about `work`; gives how often it ran until `until`.
async fn busy(lane: Lane, work: Duration, until: Instant) -> usize {
    let mut random = StdRng::seed_from_u64(7);
    let mut runs = Runs::new(Duration::from_hours(1));
    let (mut begun, mut request) = (0, lane.request());
    while Instant::now() < until {
        tokio::select! {
            slot = &mut request => {
                let key = Arc::new(ObjectKey::cluster(begun.to_string()));
                runs.spawn(key, slot, sleep(work.mul_f64(random.random_range(0.5..1.5))));
                begun += 1;
                request = lane.request();
            }
            Some(_) = runs.next(), if !runs.is_empty() => {}
            () = tokio::time::sleep_until(until) => {}
        }
    }
    begun
}

/// A provider that wants a slot once a second, for little; gives the longest time it waited for one.
async fn quick(lane: Lane, until: Instant) -> Duration {
    let mut longest = Duration::ZERO;
    while Instant::now() < until {
        sleep(Duration::from_millis(990)).await;
        let asked = Instant::now();
        let _slot = lane.request().await;
        longest = longest.max(asked.elapsed());
        sleep(Duration::from_millis(10)).await;
    }
    longest
}

#[tokio::test(start_paused = true)]
async fn row14_slow_providers_do_not_keep_a_quick_one_waiting() {
    for slow in [1, 3, 20] {
        let runner = pool(16);
        let until = Instant::now() + Duration::from_mins(30);
        let quick = quick(runner.lane("quick", share(8, 1)), until);
        let mut others = JoinSet::new();
        for number in 0..slow {
            let lane = runner.lane(&format!("slow{number}"), share(16, 1));
            others.spawn(busy(lane, Duration::from_mins(1), until));
        }
        // One that has a slot already waits its turn among all of them; the first slot is there at once.
        let longest = quick.await;
        // When more providers are slow than the pool has slots it has its turn among them, which may be the one after next.
        let bound = if slow < 16 { Duration::ZERO } else { Duration::from_mins(2) };
        assert!(longest <= bound, "{longest:?} with {slow} slow providers");
    }
}

#[tokio::test(start_paused = true)]
async fn busy_providers_share_the_pool_by_weight_and_one_alone_is_held_by_its_share_only() {
    let runner = pool(8);
    let until = Instant::now() + Duration::from_mins(2);
    let work = Duration::from_millis(100);
    let heavy = busy(runner.lane("heavy", share(8, 3)), work, until);
    let light = busy(runner.lane("light", share(8, 1)), work, until);
    let (heavy, light) = tokio::join!(heavy, light);
    let all = 8 * 120 * 10;
    assert!((heavy + light).abs_diff(all) <= all / 20, "{heavy} and {light}: the pool was not used");
    assert!(heavy.abs_diff(3 * light) <= heavy / 10, "{heavy} and {light}");

    let until = Instant::now() + Duration::from_mins(1);
    let alone = busy(runner.lane("alone", share(5, 1)), work, until).await;
    assert!(alone.abs_diff(5 * 600) <= 150, "{alone}");
}
