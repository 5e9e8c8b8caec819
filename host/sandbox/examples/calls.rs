//! What a reconcile in the sandbox costs: `cargo run -p capstan-sandbox --example calls`.
//!
//! Prints how long a component takes to load, how long a fresh instance with connect, observe and disconnect takes, how
//! long after its budget a guest that loops is stopped, and how much memory a loaded component keeps.

#[path = "../tests/support/mod.rs"]
mod support;

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use capstan_api::{Grants, GroupVersionKind, ObjectKey, ObjectRef};
use capstan_cluster::Watches;
use capstan_engine::{Context, ExternalSystem, Reads};
use capstan_events::Recorder;
use capstan_hostile::{Behaviour, describing};
use capstan_sandbox::{Budget, Component, Granted, Guest, Sandbox, Services, Settings};
use tokio_util::sync::CancellationToken;

use support::{api::Api, component::hostile};

const RECONCILES: usize = 5_000;
const KILLS: usize = 20;
const BUDGET: Duration = Duration::from_millis(100);

#[tokio::main]
async fn main() {
    let sandbox = Sandbox::new(Settings::default()).expect("the sandbox starts");
    println!("pooled instances         {}", sandbox.pooled());
    let began = Instant::now();
    let component = load(&sandbox, hostile().to_vec()).await;
    println!("load, {:>6} bytes       {:?}", component.size(), began.elapsed());

    let hurried = guest(&component, Budget { call: BUDGET, ..Budget::default() }).await;
    let guest = guest(&component, Budget::default()).await;
    let mut times = Vec::with_capacity(RECONCILES);
    for _ in 0..RECONCILES {
        times.push(reconcile(&guest, "behaves").await);
    }
    print("fresh instance, 3 calls ", &mut times);

    let mut late = Vec::with_capacity(KILLS);
    for _ in 0..KILLS {
        late.push(reconcile(&hurried, "spins_in_observe").await.saturating_sub(BUDGET));
    }
    print("stopped after its budget", &mut late);

    let before = resident();
    let mut kept = Vec::new();
    for behaviour in Behaviour::ALL.iter().filter(|behaviour| **behaviour != Behaviour::Behaves) {
        kept.push(load(&sandbox, describing(hostile(), *behaviour)).await);
    }
    let grown = resident().saturating_sub(before) / kept.len();
    println!("memory per component     {grown} KiB resident, {} loaded", kept.len());
}

async fn load(sandbox: &Sandbox, bytes: Vec<u8>) -> Component {
    sandbox.load(bytes.into()).await.expect("it is a provider")
}

async fn guest(component: &Component, budget: Budget) -> Guest {
    let descriptor = component.describe().await.expect("it describes itself");
    let cluster = Api::default().cluster();
    let (recorder, _) = Recorder::new(cluster.clone(), "bench".into());
    let services = Services { watches: Watches::new(cluster.clone(), CancellationToken::new()), cluster, recorder };
    Guest::new(component.clone(), "bench", Granted::new(&descriptor, &Grants::default()), budget, services)
}

async fn reconcile(guest: &Guest, behaviour: &str) -> Duration {
    let kind = GroupVersionKind::gvk("test.capstan.dev", "v1", "Hostile");
    let object = ObjectRef { kind, key: ObjectKey::namespaced("n", "a") };
    let context = Context { object, uid: "uid".into(), reconcile_id: 1, reads: Arc::new(Reads::default()) };
    let managed = format!(r#"{{"spec":{{"behaviour":"{behaviour}"}}}}"#);
    let began = Instant::now();
    let mut session = guest.connect(&context, &managed).await.expect("connect behaves");
    // Whether it is stopped is what is measured.
    let _ = session.observe(&managed).await;
    session.disconnect().await.expect("disconnect behaves");
    began.elapsed()
}

fn print(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!("{what} p50 {:?}, p99 {:?}", at(50), at(99));
}

/// Kibibytes of this process in memory; 0 where the system does not say.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
