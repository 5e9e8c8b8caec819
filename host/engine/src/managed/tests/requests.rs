//! What users ask for by annotation: a reconcile now, an interval of their own, a verbose log.

use tokio::time::advance;

use super::{provider::failure, *};

fn requesting(token: &str) -> Value {
    json!({"metadata": {"annotations": {keys::RECONCILE_REQUESTED_AT: token}}})
}

#[tokio::test(start_paused = true)]
async fn a_request_is_echoed_in_the_status_and_leaves_one_event() {
    let scenario = Scenario::new(held(), Answers::observing(existing(true)));
    scenario.run().await;
    scenario.store.edit(&requesting("12:00"));
    let run = scenario.run().await;
    assert_eq!(scenario.store.value()["status"]["lastHandledReconcileAt"], "12:00");
    let note = "Reconciled as requested by capstan.dev/reconcile-requested-at: 12:00";
    assert_eq!(run.events, [format!("Normal ReconcileRequestHandled/ProcessEvent: {note}")]);
    let again = scenario.run().await;
    assert_eq!((again.steps, again.events.len()), (vec!["connect".into(), "observe".into(), "disconnect".into()], 0));
}

#[tokio::test(start_paused = true)]
async fn a_request_is_handled_by_a_failure_too_and_not_by_a_pause() {
    let failing = Answers { observe: Err(failure("gateway")), ..Answers::default() };
    let scenario = Scenario::new(annotated(held(), &[(keys::RECONCILE_REQUESTED_AT, "1")]), failing);
    scenario.run().await;
    assert_eq!(scenario.store.value()["status"]["lastHandledReconcileAt"], "1");

    let paused = [(keys::RECONCILE_REQUESTED_AT, "1"), (keys::PAUSED, "true")];
    let scenario = Scenario::new(annotated(held(), &paused), Answers::default());
    scenario.run().await;
    assert_eq!(scenario.store.value()["status"].get("lastHandledReconcileAt"), None);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_the_definition_does_not_keep_is_told_once() {
    let scenario = Scenario::new(held(), Answers::default());
    scenario.store.define(|object| {
        object["status"].as_object_mut().map(|status| status.remove("lastHandledReconcileAt"));
    });
    for request in ["1", "2"] {
        scenario.store.edit(&requesting(request));
        let mut told = 0;
        for number in 0..3 {
            let status = Some(json!({"number": format!("{request}.{number}")}));
            scenario.answer(Answers::observing(crate::Observation { status, ..existing(true) }));
            let run = scenario.run().await;
            told += run.events.iter().filter(|event| event.contains("ReconcileRequestHandled")).count();
        }
        assert_eq!(told, 1, "{request}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_may_have_a_poll_interval_of_its_own() {
    for (text, seconds) in [("10m", Some(600)), ("1ms", Some(1)), ("999h", Some(86_400)), ("soon", None)] {
        let scenario =
            Scenario::new(annotated(held(), &[(keys::POLL_INTERVAL, text)]), Answers::observing(existing(true)));
        let run = scenario.run().await;
        assert_eq!(run.report.poll, seconds.map(Duration::from_secs), "{text}");
        let warnings = run.events.iter().filter(|event| event.starts_with("Warning InvalidPollInterval/ProcessEvent"));
        assert_eq!(warnings.count(), usize::from(seconds.is_none()), "{text}: {:?}", run.events);
        assert_eq!(scenario.conditions().len(), 2, "{text}: the conditions have their own events");
        assert!(run.events.iter().any(|event| event.contains("Synced is True")), "{text}: {:?}", run.events);
    }
}

#[tokio::test(start_paused = true)]
async fn a_senseless_interval_is_told_once_in_a_while() {
    let object = annotated(held(), &[(keys::POLL_INTERVAL, "soon")]);
    let scenario = Scenario::new(object, Answers::observing(existing(true)));
    scenario.run().await;
    assert_eq!(scenario.run().await.events, [""; 0]);
    advance(Duration::from_mins(5)).await;
    assert_eq!(scenario.run().await.events.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_verbose_object_is_verbose_to_the_provider() {
    for (word, verbose) in [("true", true), ("yes", false)] {
        let scenario = Scenario::new(annotated(held(), &[(keys::VERBOSE, word)]), Answers::observing(existing(true)));
        scenario.run().await;
        assert_eq!(*scenario.external.verbose.lock().unwrap(), verbose, "{word}");
    }
}
