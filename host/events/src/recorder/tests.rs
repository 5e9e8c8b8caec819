//! What reaches the API server.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard},
};

use http::{Request, Response};
use kube::client::Body;
use prometheus_client::encoding::text::encode;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::*;
use crate::{EventKind, Regarding};

/// An API server that stores events, and refuses some requests.
#[derive(Clone, Default)]
struct Fake(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Method, path and body of each write.
    writes: Vec<(String, String, Value)>,
    /// Codes with which the next writes are refused.
    refusals: VecDeque<u16>,
    /// Writes are never answered.
    silent: bool,
    /// Until then it only says that it is not there.
    away_until: Option<Instant>,
}

impl Fake {
    fn cluster(&self) -> Cluster {
        let fake = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let fake = fake.clone();
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect_bytes().await.unwrap();
                let (code, answer) = fake.answer(parts.method.as_str(), parts.uri.path(), &body).await;
                let answer = Body::from(answer.to_string().into_bytes());
                Ok::<_, Infallible>(Response::builder().status(code).body(answer).unwrap())
            }
        });
        Cluster::new(kube::Client::new(service, "default"))
    }

    async fn answer(&self, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
        if method == "GET" {
            let events =
                json!({"name": "events", "singularName": "", "namespaced": true, "kind": "Event", "verbs": []});
            return (200, json!({"groupVersion": "events.k8s.io/v1", "resources": [events]}));
        }
        if self.state().silent {
            std::future::pending::<()>().await;
        }
        let mut state = self.state();
        if state.away_until.is_some_and(|until| Instant::now() < until) {
            return (503, json!({"kind": "Status", "code": 503, "message": "away"}));
        }
        let body: Value = serde_json::from_slice(body).unwrap();
        state.writes.push((method.to_owned(), path.to_owned(), body));
        match state.refusals.pop_front() {
            Some(code) if code >= 400 => {
                (code, json!({"kind": "Status", "code": code, "message": "refused", "details": {"name": "e"}}))
            }
            _ => (200, json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "e"}})),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Records events one after the other, and gives what was written.
    async fn written(&self, events: Vec<Event>) -> (Vec<(String, String, Value)>, u64) {
        let (recorder, writer) = Recorder::new(self.cluster(), "host-0".to_owned());
        for event in events {
            recorder.record(event);
        }
        let cancel = CancellationToken::new();
        let (stop, counting) = (cancel.clone(), recorder.clone());
        tokio::join!(writer.run(cancel), async move {
            sleep(Duration::from_mins(1)).await;
            stop.cancel();
        });
        (self.state().writes.clone(), counting.dropped())
    }
}

fn event(namespace: Option<&str>, note: &str) -> Event {
    let kind = GroupVersionKind::gvk("example.com", "v1", "Thing");
    let key = ObjectKey { namespace: namespace.map(Into::into), name: "a".into() };
    Event {
        controller: "capstan.dev/patch".into(),
        regarding: Regarding { object: ObjectRef { kind, key }, uid: "u".into(), resource_version: "7".into() },
        kind: EventKind::Warning,
        reason: "CannotObserve".into(),
        action: "Observe".into(),
        note: note.into(),
    }
}

#[test]
fn names_fit() {
    let time = jiff::Timestamp::now();
    assert!(name("a", time).starts_with("a."));
    assert_eq!(name(&"x".repeat(253), time).len(), 253);
    assert!(name("system:admin", time).starts_with("system-admin."));
}

#[tokio::test(start_paused = true)]
async fn an_event_says_who_what_and_why() {
    let (writes, _) = Fake::default().written(vec![event(Some("n"), "quota 100% used, %s %d")]).await;
    let (method, path, body) = &writes[0];
    assert_eq!((method.as_str(), path.as_str()), ("POST", "/apis/events.k8s.io/v1/namespaces/n/events"));
    for (pointer, expected) in [
        ("/reportingController", "capstan.dev/patch"),
        ("/reportingInstance", "host-0"),
        ("/regarding/uid", "u"),
        ("/regarding/namespace", "n"),
        ("/type", "Warning"),
        ("/reason", "CannotObserve"),
        ("/action", "Observe"),
        ("/note", "quota 100% used, %s %d"),
    ] {
        assert_eq!(body.pointer(pointer), Some(&json!(expected)), "{pointer}");
    }
}

#[tokio::test(start_paused = true)]
async fn events_of_cluster_scoped_objects_go_to_default() {
    let (writes, _) = Fake::default().written(vec![event(None, "x")]).await;
    assert_eq!(writes[0].1, "/apis/events.k8s.io/v1/namespaces/default/events");
    assert_eq!(writes[0].2.pointer("/regarding/namespace"), None);
}

#[tokio::test(start_paused = true)]
async fn repetitions_are_counted_in_the_first_event() {
    let (writes, _) = Fake::default().written(vec![event(None, "x"), event(None, "x"), event(None, "x")]).await;
    let counts: Vec<_> =
        writes.iter().map(|(method, _, body)| (method.as_str(), body["series"]["count"].as_u64())).collect();
    assert_eq!(counts, [("POST", None), ("PATCH", Some(2)), ("PATCH", Some(3))]);
}

#[tokio::test(start_paused = true)]
async fn many_repetitions_are_few_writes_and_none_of_them_is_lost() {
    let (writes, dropped) = Fake::default().written(vec![event(None, "x"); 100]).await;
    let counts: Vec<_> = writes.iter().map(|(_, _, body)| body["series"]["count"].as_u64()).collect();
    assert_eq!((counts, dropped), (vec![None, Some(2), Some(100)], 0));
}

#[tokio::test(start_paused = true)]
async fn a_stop_writes_the_repetitions_that_were_only_counted() {
    let fake = Fake::default();
    let (recorder, writer) = Recorder::new(fake.cluster(), String::new());
    for _ in 0..5 {
        recorder.record(event(None, "x"));
    }
    let cancel = CancellationToken::new();
    cancel.cancel();
    writer.run(cancel).await;
    let last = fake.state().writes.last().unwrap().2["series"]["count"].as_u64();
    assert_eq!((last, recorder.dropped()), (Some(5), 0));
}

#[tokio::test(start_paused = true)]
async fn a_repetition_that_is_tried_twice_counts_once() {
    let fake = Fake::default();
    fake.state().refusals.extend([200, 503]);
    let (writes, dropped) = fake.written(vec![event(None, "x"), event(None, "x")]).await;
    let counts: Vec<_> = writes.iter().map(|(_, _, body)| body["series"]["count"].as_u64()).collect();
    assert_eq!((counts, dropped), (vec![None, Some(2), Some(2)], 0));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_expired_is_written_anew() {
    let fake = Fake::default();
    fake.state().refusals.extend([200, 404]);
    let (writes, dropped) = fake.written(vec![event(None, "x"), event(None, "x")]).await;
    let methods: Vec<_> = writes.iter().map(|(method, _, _)| method.as_str()).collect();
    assert_eq!((methods, dropped), (vec!["POST", "PATCH", "POST"], 0));
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_half_a_minute_costs_no_event() {
    let fake = Fake::default();
    fake.state().away_until = Some(Instant::now() + Duration::from_secs(30));
    let (writes, dropped) = fake.written(["a", "b", "c"].map(|note| event(None, note)).into()).await;
    let notes: Vec<_> = writes.iter().map(|(_, _, body)| body["note"].as_str().unwrap()).collect();
    assert_eq!((notes, dropped), (vec!["a", "b", "c"], 0));
}

#[tokio::test(start_paused = true)]
async fn an_event_is_given_up_after_a_while_and_the_next_one_has_its_turn() {
    let fake = Fake::default();
    fake.state().away_until = Some(Instant::now() + Duration::from_secs(90));
    let (recorder, writer) = Recorder::new(fake.cluster(), String::new());
    for note in ["a", "b"] {
        recorder.record(event(None, note));
    }
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    tokio::join!(writer.run(cancel), async move {
        sleep(Duration::from_mins(3)).await;
        stop.cancel();
    });
    let written = fake.state().writes.clone();
    assert_eq!((written.len(), recorder.dropped()), (1, 1));
    assert_eq!(written[0].2["note"], "b");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_final() {
    let fake = Fake::default();
    fake.state().refusals.extend(vec![403; 10]);
    let (writes, dropped) = fake.written(vec![event(None, "x")]).await;
    assert_eq!((writes.len(), dropped), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_is_dropped_and_counted() {
    let (recorder, _writer) = Recorder::new(Fake::default().cluster(), String::new());
    for _ in 0..WAITING + 5 {
        recorder.record(event(None, "x"));
    }
    assert_eq!(recorder.dropped(), 5);
    let (mut registry, mut text) = (Registry::default(), String::new());
    recorder.register_metrics(&mut registry);
    encode(&mut text, &registry).unwrap();
    assert!(text.contains("capstan_events_dropped_total 5"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_writes_what_waits_but_does_not_wait_for_ever() {
    let fake = Fake::default();
    let (recorder, writer) = Recorder::new(fake.cluster(), String::new());
    recorder.record(event(None, "x"));
    let cancel = CancellationToken::new();
    cancel.cancel();
    writer.run(cancel.clone()).await;
    assert_eq!(fake.state().writes.len(), 1);

    fake.state().silent = true;
    let (recorder, writer) = Recorder::new(fake.cluster(), String::new());
    recorder.record(event(None, "x"));
    let stopped = timeout(DRAIN + Duration::from_secs(1), writer.run(cancel)).await;
    assert!(stopped.is_ok());
    assert_eq!(recorder.dropped(), 1, "what is lost at the end is counted");
}

#[tokio::test(start_paused = true)]
async fn a_write_that_hangs_does_not_hold_up_a_stop() {
    let fake = Fake::default();
    fake.state().silent = true;
    let (recorder, writer) = Recorder::new(fake.cluster(), String::new());
    recorder.record(event(None, "x"));
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let both = async {
        tokio::join!(writer.run(cancel), async move {
            sleep(Duration::from_secs(1)).await;
            stop.cancel();
        })
    };
    assert!(timeout(Duration::from_secs(2) + DRAIN, both).await.is_ok());
    assert_eq!(recorder.dropped(), 1);
}
