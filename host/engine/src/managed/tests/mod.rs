//! The lifecycle against a provider that answers as told and an object store in memory: object state and answers in,
//! calls, writes, conditions and events out.

mod creates;
mod defects;
mod deletes;
mod events;
mod late;
mod lease;
mod model;
mod order;
mod pauses;
mod policies;
mod provider;
mod recovery;
mod requests;
mod store;
mod takeover;

use std::sync::Mutex;

use capstan_api::keys;
use capstan_events::{Event, EventKind, MaxSilence};
use serde_json::{Value, json};

use super::{announce::EventSink, *};
use crate::{loops::Loops, queue::BACKOFF};
use provider::{Answers, Scripted};
use store::Store;

/// The time of day at which scenarios begin.
const NOW: &str = "2026-01-01T00:00:00Z";

/// Everything that happened, in its order.
type Log = Arc<Mutex<Vec<String>>>;

/// A lifecycle, its object and its surroundings.
struct Scenario {
    lifecycle: Lifecycle,
    store: Arc<Store>,
    log: Log,
    events: Arc<Events>,
    answers: Arc<Mutex<Answers>>,
    pause: Pause,
    external: Arc<Scripted>,
    unrecorded: Unrecorded,
    sightings: Sightings,
    clock: WallClock,
    rules: Rules,
}

/// How one reconcile went.
#[derive(Debug)]
struct Run {
    /// Calls and writes in their order.
    steps: Vec<String>,
    /// `Normal Reason/Action: note`.
    events: Vec<String>,
    report: Report,
}

#[derive(Default)]
struct Events(Mutex<Vec<Event>>);

impl EventSink for Events {
    fn record(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

fn rules() -> Rules {
    Rules { recoverable: false, creation_grace: Duration::from_secs(30), poll_limits: PollLimits::default() }
}

fn recoverable() -> Rules {
    Rules { recoverable: true, ..rules() }
}

const SESSION_TIME: Duration = Duration::from_mins(1);

fn announcer(events: &Arc<Events>) -> Announcer {
    let silence = MaxSilence::of(Duration::from_mins(5));
    Announcer::new(Arc::<Events>::clone(events), "capstan.dev/test".to_owned(), silence)
}

impl Scenario {
    fn new(object: Value, answers: Answers) -> Self {
        Self::with_rules(object, answers, rules())
    }

    fn with_rules(object: Value, answers: Answers, rules: Rules) -> Self {
        let log = Log::default();
        let store = Arc::new(Store::new(object, Arc::clone(&log)));
        let answers = Arc::new(Mutex::new(answers));
        let external = Arc::new(Scripted {
            answers: Arc::clone(&answers),
            store: Arc::clone(&store),
            log: Arc::clone(&log),
            verbose: Mutex::default(),
        });
        let events = Arc::new(Events::default());
        let clock = WallClock::anchored(NOW.parse().unwrap());
        let (pause, unrecorded, sightings) = (Pause::default(), Unrecorded::default(), Sightings::default());
        let surroundings = Surroundings {
            external: Arc::<Scripted>::clone(&external),
            objects: Arc::<Store>::clone(&store),
            announcer: announcer(&events),
            clock,
            pause: pause.clone(),
            unrecorded: unrecorded.clone(),
            sightings: sightings.clone(),
            loops: Loops::default(),
            provider: "test".to_owned(),
        };
        let lifecycle = Lifecycle::new(surroundings, rules, SESSION_TIME);
        Self { lifecycle, store, log, events, answers, pause, external, unrecorded, sightings, clock, rules }
    }

    /// The controllers of the provider are built anew; the process goes on.
    fn rebuild(&mut self) {
        let surroundings = Surroundings {
            external: Arc::<Scripted>::clone(&self.external),
            objects: Arc::<Store>::clone(&self.store),
            announcer: announcer(&self.events),
            clock: self.clock,
            pause: self.pause.clone(),
            unrecorded: self.unrecorded.clone(),
            sightings: self.sightings.clone(),
            loops: Loops::default(),
            provider: "test".to_owned(),
        };
        self.lifecycle = Lifecycle::new(surroundings, self.rules, SESSION_TIME);
    }

    fn answer(&self, answers: Answers) {
        *self.answers.lock().unwrap() = answers;
    }

    async fn run(&self) -> Run {
        self.run_from(self.store.object()).await
    }

    /// From a state that need not be the newest.
    async fn run_from(&self, object: Object) -> Run {
        let report = self.lifecycle.reconcile(object, Arc::default()).await;
        let line = |event: Event| {
            let kind = if event.kind == EventKind::Normal { "Normal" } else { "Warning" };
            format!("{kind} {}/{}: {}", event.reason, event.action, event.note)
        };
        Run {
            steps: std::mem::take(&mut self.log.lock().unwrap()),
            events: std::mem::take(&mut *self.events.0.lock().unwrap()).into_iter().map(line).collect(),
            report,
        }
    }

    /// `Ready=False Creating: message`, for each condition.
    fn conditions(&self) -> Vec<String> {
        let value = self.store.value();
        let text = |condition: &Value, member: &str| condition[member].as_str().unwrap_or_default().to_owned();
        let line = |condition: &Value| {
            let message = match text(condition, "message").as_str() {
                "" => String::new(),
                message => format!(": {message}"),
            };
            format!("{}={} {}{message}", text(condition, "type"), text(condition, "status"), text(condition, "reason"))
        };
        value["status"]["conditions"].as_array().into_iter().flatten().map(line).collect()
    }

    fn annotation(&self, key: &str) -> Option<String> {
        Some(self.store.value()["metadata"]["annotations"].get(key)?.as_str()?.to_owned())
    }
}

/// An object that was never reconciled.
fn fresh() -> Value {
    json!({
        "apiVersion": "example.org/v1",
        "kind": "Thing",
        "metadata": {
            "name": "a", "namespace": "ns", "uid": "uid-1", "resourceVersion": "1", "generation": 1,
            "annotations": {}, "finalizers": [],
        },
        "spec": {"size": 1},
    })
}

/// One that we hold.
fn held() -> Value {
    let mut object = fresh();
    object["metadata"]["finalizers"] = json!([keys::FINALIZER]);
    object
}

/// One that we hold and that is being deleted.
fn deleted() -> Value {
    let mut object = held();
    object["metadata"]["deletionTimestamp"] = json!(NOW);
    object
}

fn annotated(mut object: Value, annotations: &[(&str, &str)]) -> Value {
    for (key, value) in annotations {
        object["metadata"]["annotations"][*key] = json!(value);
    }
    object
}

fn missing() -> crate::Observation {
    crate::Observation::default()
}

fn existing(up_to_date: bool) -> crate::Observation {
    crate::Observation { exists: true, up_to_date, readiness: crate::Readiness::Ready, ..missing() }
}
