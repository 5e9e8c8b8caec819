//! What it costs to look at many things again and again.

use std::time::Duration;

use capstan_fakegithub::{Fake, Settings};
use futures::{StreamExt, stream};

use super::{Request, Stage};

const REPOSITORIES: usize = 500;
const POLL: Duration = Duration::from_mins(5);
/// The first one, in which all is seen for the first time, and another one, after which every other is like.
const HOURS: usize = 2;
const ROUNDS_AN_HOUR: usize = 12;

/// Without conditional requests these are 6,000 an hour, of which GitHub answers 5,000.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polling_many_repositories_costs_what_changed() {
    let fake = Fake::start(Settings::default()).await.unwrap();
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
        async move { access.fetch(request, None).await.unwrap().unwrap() }
    };
    let mut changed = 0;
    for hour in 0..HOURS {
        for _ in 0..ROUNDS_AN_HOUR {
            let answers: Vec<_> = stream::iter(0..REPOSITORIES).map(&look).buffer_unordered(8).collect().await;
            assert!(answers.iter().all(|answer| answer.status == 200 && answer.body.len() > 1000));
            fake.clock().advance(POLL);
        }
        let cost: u64 = fake.exchanges().iter().map(|exchange| exchange.cost).sum();
        let expected = if hour == 0 { REPOSITORIES } else { changed };
        assert_eq!(cost, expected as u64, "in hour {hour}");
        assert_eq!(fake.exchanges().len(), REPOSITORIES * ROUNDS_AN_HOUR);
        fake.forget();
        // Some are changed by somebody.
        changed = 10;
        for number in 0..changed {
            let wiki = serde_json::json!({"has_wiki": hour % 2 == 1});
            fake.seed().change_repository("anna", &format!("r{number}"), &wiki);
        }
    }
}
