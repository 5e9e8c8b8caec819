//! From the moment something happens to the API server.

use std::time::Duration;

use capstan_api::{GroupVersionKind, ObjectKey, ObjectRef};
use capstan_cluster::{Cluster, Error, Patch};
use prometheus_client::{metrics::counter::Counter, registry::Registry};
use serde_json::json;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Event, MaxSilence,
    series::{Repeated, Series, Turn},
};

/// Events waiting to be written. A burst of a few hundred objects fits; more at once means that the API server does not
/// keep up, and the objects' conditions say the same.
const WAITING: usize = 1024;
/// How long one event is tried again. The API server may just be restarting, and events that come meanwhile wait.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between the first two tries; twice as long each time.
const PAUSE: Duration = Duration::from_millis(500);
/// Between two tries at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// For what is still waiting when the host stops.
const DRAIN: Duration = Duration::from_secs(5);

/// Takes events from everywhere in the host. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Recorder {
    waiting: mpsc::Sender<Event>,
    dropped: Counter,
    max_silence: MaxSilence,
}

/// Writes what a [`Recorder`] takes.
pub struct Writer {
    cluster: Cluster,
    instance: String,
    waiting: mpsc::Receiver<Event>,
    series: Series,
    dropped: Counter,
}

impl Recorder {
    /// A recorder and its writer, which has to be run. `instance` names this process in every event.
    #[must_use]
    pub fn new(cluster: Cluster, instance: String) -> (Self, Writer) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let dropped = Counter::default();
        let max_silence = MaxSilence::default();
        let recorder = Self { waiting: sender, dropped: dropped.clone(), max_silence };
        (recorder, Writer { cluster, instance, waiting: receiver, series: Series::default(), dropped })
    }

    /// The same with another bound for the silence of those who throttle what they record.
    #[must_use]
    pub fn with_max_silence(self, max_silence: MaxSilence) -> Self {
        Self { max_silence, ..self }
    }

    /// How long whoever throttles what it records may hold the same back.
    #[must_use]
    pub fn max_silence(&self) -> MaxSilence {
        self.max_silence
    }

    /// Takes an event. Never blocks: if too many are waiting it is dropped, counted and logged.
    pub fn record(&self, event: Event) {
        if let Err(error) = self.waiting.try_send(event) {
            self.dropped.inc();
            let event = error.into_inner();
            tracing::warn!(object = %event.regarding.object, reason = event.reason, "too many events, one is dropped");
        }
    }

    /// Events that were not written since the start, for whatever reason.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.get()
    }

    /// Has what was dropped told with the metrics of a registry.
    pub fn register_metrics(&self, registry: &mut Registry) {
        let help = "Events that were not written: refused, too many at once, or the API server was away for too long";
        registry.register("capstan_events_dropped", help, self.dropped.clone());
    }
}

impl Writer {
    /// Writes events until it is cancelled, or until there is no recorder any more; then what is waiting, for a few
    /// seconds at most.
    pub async fn run(mut self, cancel: CancellationToken) {
        let mut lost = 0;
        while let Some(Some(next)) = cancel.run_until_cancelled(self.next()).await {
            // A stop lets a write that has begun finish, within the same few seconds.
            tokio::select! {
                () = self.work(next) => {}
                () = async { cancel.cancelled().await; sleep(DRAIN).await } => lost += 1,
            }
        }
        self.waiting.close();
        let deadline = Instant::now() + DRAIN;
        while let Some(event) = self.waiting.recv().await {
            if timeout_at(deadline, self.work(Next::Event(Box::new(event)))).await.is_err() {
                lost += 1;
            }
        }
        while let Some((event, repeated)) = self.series.unwritten() {
            if timeout_at(deadline, self.write(&event, Some(repeated))).await.is_err() {
                lost += 1;
            }
        }
        if lost > 0 {
            self.dropped.inc_by(lost);
            tracing::warn!(lost, "events are lost: the API server was too slow at the end");
        }
    }

    /// What is to be done next. `None` when there is no recorder any more. Nothing is lost if the future is dropped.
    async fn next(&mut self) -> Option<Next> {
        let due = self.series.next_due();
        tokio::select! {
            event = self.waiting.recv() => event.map(|event| Next::Event(Box::new(event))),
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => Some(Next::Unwritten),
        }
    }

    async fn work(&mut self, next: Next) {
        match next {
            // Counted once, however often it is tried.
            Next::Event(event) => match self.series.turn(&event, Instant::now(), jiff::Timestamp::now()) {
                Turn::New => self.write(&event, None).await,
                Turn::Again(repeated) => self.write(&event, Some(repeated)).await,
                Turn::Later => {}
            },
            Next::Unwritten => {
                if let Some((event, repeated)) = self.series.unwritten() {
                    self.write(&event, Some(repeated)).await;
                }
            }
        }
    }

    /// Writes an event, or how often one that was written has been repeated.
    async fn write(&mut self, event: &Event, mut repeated: Option<Repeated>) {
        // One name for all tries, so that one whose answer was lost is not written twice.
        let name = name(&event.regarding.object.key.name, jiff::Timestamp::now());
        let (deadline, mut pause, mut tried) = (Instant::now() + PATIENCE, PAUSE, false);
        loop {
            match self.send(event, &mut repeated, &name).await {
                Ok(()) => return,
                Err(Error::AlreadyExists(_)) if tried => return self.written(event, name),
                Err(error) if error.is_transient() && Instant::now() < deadline => {
                    let rest = error.retry_after().unwrap_or_default().min(PATIENCE);
                    sleep(pause.max(rest)).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(error) => {
                    self.dropped.inc();
                    tracing::warn!(object = %event.regarding.object, reason = event.reason, %error, "event not written");
                    return;
                }
            }
            tried = true;
        }
    }

    async fn send(&mut self, event: &Event, repeated: &mut Option<Repeated>, new_name: &str) -> Result<(), Error> {
        if let Some(Repeated { name, count, seen }) = repeated {
            let time = format!("{seen:.6}");
            let target = ObjectRef {
                kind: GroupVersionKind::gvk("events.k8s.io", "v1", "Event"),
                key: ObjectKey::namespaced(event.namespace(), name.as_str()),
            };
            let series = json!({"series": {"count": count, "lastObservedTime": time}});
            match self.cluster.patch(&target, None, Patch::Merge(&series)).await {
                // Events expire; then it begins anew.
                Err(Error::NotFound(_)) => {
                    self.series.forget(event);
                    *repeated = None;
                }
                written => return written.map(drop),
            }
        }
        let time = format!("{:.6}", jiff::Timestamp::now());
        self.cluster.create(&event.body(new_name, &self.instance, &time)).await?;
        self.written(event, new_name.to_owned());
        Ok(())
    }

    fn written(&mut self, event: &Event, name: String) {
        self.series.written(event, name, Instant::now(), jiff::Timestamp::now());
    }
}

/// What a writer wakes up for.
enum Next {
    /// Something happened.
    Event(Box<Event>),
    /// Repetitions were counted for long enough.
    Unwritten,
}

/// The object's name and the time, as client-go does it; the whole is a name of at most 253 bytes.
fn name(object: &str, time: jiff::Timestamp) -> String {
    let suffix = format!("{:x}", time.as_nanosecond());
    let end = object.floor_char_boundary(253 - 1 - suffix.len());
    // Names of some kinds have characters that those of events have not.
    let stem: String = object[..end.min(object.len())]
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c.to_ascii_lowercase() } else { '-' })
        .collect();
    format!("{stem}.{suffix}")
}

#[cfg(test)]
mod tests;
