//! Replicas on the embedded API server and on a paused clock.

mod api_server;
mod membership;
mod sharing;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::json;
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use super::*;
use api_server::{ApiServer, Line, Trouble};

const SECOND: Duration = Duration::from_secs(1);
/// A wait between two renewals, with all its jitter.
const RENEWAL: Duration = Duration::from_millis(2_400);

/// A replica that wants providers and hands them over when it is asked, as the host does it.
struct Replica {
    member: Option<Member>,
    line: Line,
    serving: JoinSet<()>,
    stop: CancellationToken,
    log: Arc<Log>,
}

/// What runs where, over all replicas. A provider that runs twice at the same time is a panic.
#[derive(Default)]
struct Log {
    running: Mutex<BTreeMap<String, String>>,
    /// How many come to rest now, and the most there ever were.
    coming_to_rest: Mutex<(i32, i32)>,
}

impl Log {
    fn begin(&self, provider: &str, replica: &str) {
        let before = self.running.lock().unwrap().insert(provider.to_owned(), replica.to_owned());
        assert_eq!(before, None, "{provider} runs twice");
    }

    fn end(&self, provider: &str) {
        self.running.lock().unwrap().remove(provider);
    }

    fn comes_to_rest(&self, change: i32) {
        let mut count = self.coming_to_rest.lock().unwrap();
        count.0 += change;
        count.1 = count.1.max(count.0);
    }

    fn of(&self, replica: &str) -> Vec<String> {
        let running = self.running.lock().unwrap();
        running.iter().filter(|(_, runner)| *runner == replica).map(|(provider, _)| provider.clone()).collect()
    }

    fn len(&self) -> usize {
        self.running.lock().unwrap().len()
    }
}

/// How long a provider takes to come to rest.
const DRAIN: Duration = Duration::from_secs(3);

impl Replica {
    async fn start(server: &ApiServer, log: &Arc<Log>, name: &str, seed: u64, providers: &[String]) -> Self {
        let (replicas, line) = server.replica(name, seed);
        let member = timeout(60 * SECOND, replicas.join(&CancellationToken::new())).await.unwrap().unwrap();
        let stop = CancellationToken::new();
        let mut serving = JoinSet::new();
        for provider in providers {
            let (leases, log, stop) = (member.leases(), Arc::clone(log), stop.clone());
            let (provider, name) = (provider.clone(), name.to_owned());
            serving.spawn(async move {
                while let Some(term) = stop.run_until_cancelled(leases.acquire(&provider)).await {
                    log.begin(&provider, &name);
                    tokio::select! {
                        () = term.lost() => log.end(&provider),
                        () = async { tokio::select! { () = stop.cancelled() => {} () = term.wanted_elsewhere() => {} } } => {
                            log.comes_to_rest(1);
                            sleep(DRAIN).await;
                            log.comes_to_rest(-1);
                            log.end(&provider);
                        }
                    }
                    let _ = term.release().await;
                }
            });
        }
        Self { member: Some(member), line, serving, stop, log: Arc::clone(log) }
    }

    /// It dies without a word.
    fn kill(mut self, name: &str) {
        self.serving.abort_all();
        for provider in self.log.of(name) {
            self.log.end(&provider);
        }
        // Nothing more passes, not even what it does when it is dropped.
        self.line.trouble(Trouble::Silent);
        drop(self.member.take());
    }

    async fn stop(mut self) {
        let member = self.member.take().unwrap();
        member.announce_leave();
        self.stop.cancel();
        while self.serving.join_next().await.is_some() {}
        member.leave().await.unwrap();
    }
}

fn providers(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("p{number}")).collect()
}

async fn until(what: &str, limit: Duration, done: impl Fn() -> bool) -> Duration {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < limit, "{what}: not within {limit:?}");
        sleep(Duration::from_millis(10)).await;
    }
    begun.elapsed()
}
