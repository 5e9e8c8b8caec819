//! What it costs to look at many things again and again.

use std::time::Duration;

use capstan_fakegithub::{Fake, Settings};
use futures::{StreamExt, stream};

use super::{Request, Stage};

/// GitHub's quota of a token.
const QUOTA: usize = 5000;
const REPOSITORIES: usize = 500;
const POLL: Duration = Duration::from_mins(5);
const ROUNDS_AN_HOUR: usize = 12;
const HOURS: usize = 24;
/// Hours in which everything is looked at in every round; in those between, once: whole days take minutes.
const FULL_HOURS: [usize; 3] = [0, 1, HOURS - 1];
/// How many are changed by somebody in each hour.
const CHANGED: usize = 10;

/// Without conditional requests these are 6,000 an hour, of which GitHub answers 5,000.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polling_many_repositories_for_a_day_costs_what_changed() {
    let fake = Fake::start(Settings { hourly_quota: QUOTA as u64, ..Settings::default() }).await.unwrap();
    fake.seed().user("anna");
    let token = fake.seed().token("anna");
    for number in 0..REPOSITORIES {
        fake.seed().repository("anna", &format!("r{number}"));
    }
    let origin = fake.url();
    let stage = Stage::new(&format!("http: [{{origin: {origin:?}, allowPlaintext: true, allowPrivate: true}}]")).await;
    let egress = stage.egress("test");
    let look = |number: usize| {
        let request = Request {
            url: format!("{origin}/repos/anna/r{number}"),
            headers: vec![
                ("authorization".to_owned(), format!("Bearer {token}")),
                ("accept".to_owned(), "application/vnd.github+json".to_owned()),
            ],
            ..stage.request("/")
        };
        let mut access = Stage::access_of(&egress);
        async move { access.fetch(request, None, None).await.unwrap().unwrap() }
    };
    for hour in 0..HOURS {
        let is_full = FULL_HOURS.contains(&hour);
        for round in 0..ROUNDS_AN_HOUR {
            if round > 0 && !is_full {
                fake.clock().advance(POLL);
                continue;
            }
            let answers: Vec<_> = stream::iter(0..REPOSITORIES).map(&look).buffer_unordered(8).collect().await;
            assert!(answers.iter().all(|answer| answer.status == 200 && answer.body.len() > 1000), "{hour}:{round}");
            fake.clock().advance(POLL);
        }
        let exchanges = fake.exchanges();
        if is_full {
            assert_eq!(exchanges.len(), REPOSITORIES * ROUNDS_AN_HOUR);
            assert!(exchanges.len() > QUOTA, "a quota for all of them would prove nothing");
        }
        let cost: u64 = exchanges.iter().map(|exchange| exchange.cost).sum();
        // In the first hour all is seen for the first time.
        let expected = if hour == 0 { REPOSITORIES } else { CHANGED };
        assert_eq!(cost, expected as u64, "in hour {hour}");
        fake.forget();
        for number in (0..CHANGED).map(|number| (hour * CHANGED + number) % REPOSITORIES) {
            let wiki = serde_json::json!({"has_wiki": false, "description": format!("changed in hour {hour}")});
            fake.seed().change_repository("anna", &format!("r{number}"), &wiki);
        }
    }
}
