//! Objects that Krateo's runtime left behind, and definitions older than this host.

use super::*;
use crate::Observation;

/// An object as provider-runtime 1.2 leaves it when all is well: conditions without `observedGeneration`.
fn left_by_krateo() -> Value {
    let condition = |kind: &str, reason: &str| json!({"type": kind, "status": "True", "reason": reason, "lastTransitionTime": "2025-06-01T10:00:00Z"});
    let mut object = annotated(
        held(),
        &[
            (keys::CREATE_PENDING, "2025-06-01T09:59:58Z"),
            (keys::CREATE_SUCCEEDED, "2025-06-01T09:59:58Z"),
            (keys::EXTERNAL_NAME, "ext-1"),
        ],
    );
    object["status"] =
        json!({"conditions": [condition("Ready", "Available"), condition("Synced", "ReconcileSuccess")]});
    object
}

/// Krateo's definitions know no `observedGeneration`: the API server drops it.
fn without_generations(object: &mut Value) {
    for condition in object["status"]["conditions"].as_array_mut().into_iter().flatten() {
        condition.as_object_mut().unwrap().remove("observedGeneration");
    }
}

fn found() -> Answers {
    Answers::observing(Observation { external_name: Some("ext-1".to_owned()), ..existing(true) })
}

#[tokio::test(start_paused = true)]
async fn an_object_that_krateo_left_is_taken_over_quietly() {
    let scenario = Scenario::new(left_by_krateo(), found());
    scenario.store.define(without_generations);
    let before = scenario.store.value();
    let run = scenario.run().await;
    assert_eq!(run.steps, ["connect", "observe", "disconnect", "status"], "no finalizer, no annotation, no create");
    assert_eq!(run.events, [""; 0], "nothing happened");
    assert_eq!(scenario.store.value(), before, "what the definition does not keep changes nothing");
    for _ in 0..3 {
        assert_eq!(scenario.run().await.steps, ["connect", "observe", "disconnect"], "and it is not tried again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_policy_that_krateo_took_for_orphan_leaves_its_conditions_alone() {
    let scenario = Scenario::new(annotated(left_by_krateo(), &[(keys::DELETION_POLICY, "Delete")]), found());
    scenario.store.define(without_generations);
    let before = scenario.store.value();
    let run = scenario.run().await;
    assert_eq!(run.events.len(), 1, "{:?}", run.events);
    assert!(run.events[0].starts_with("Warning InvalidPolicy/ProcessEvent: "), "{:?}", run.events);
    assert_eq!(scenario.store.value(), before);
    assert_eq!(scenario.run().await.events, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn under_a_newer_definition_only_the_generation_is_added() {
    let scenario = Scenario::new(left_by_krateo(), found());
    let run = scenario.run().await;
    assert_eq!(run.events, [""; 0]);
    let conditions = &scenario.store.value()["status"]["conditions"];
    assert_eq!((&conditions[0]["observedGeneration"], &conditions[1]["observedGeneration"]), (&json!(1), &json!(1)));
    assert_eq!(conditions[0]["lastTransitionTime"], "2025-06-01T10:00:00Z", "no transition");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_krateo_left_paused_or_in_the_middle_goes_on() {
    let mut paused = annotated(left_by_krateo(), &[(keys::PAUSED, "true")]);
    paused["status"]["conditions"][1]["status"] = json!("False");
    paused["status"]["conditions"][1]["reason"] = json!("ReconcilePaused");
    let scenario = Scenario::new(paused, found());
    scenario.store.define(without_generations);
    assert_eq!(scenario.run().await.events, [""; 0], "still paused");

    let unclear = annotated(left_by_krateo(), &[(keys::CREATE_PENDING, "2025-06-01T10:00:00Z")]);
    assert_eq!(Scenario::new(unclear, found()).run().await.report.outcome, Outcome::Unclear);

    let mut deleting = left_by_krateo();
    deleting["metadata"]["deletionTimestamp"] = json!(NOW);
    let scenario = Scenario::new(deleting, found());
    assert_eq!(scenario.run().await.report.outcome, Outcome::Deleted);
    scenario.answer(Answers::default());
    scenario.run().await;
    assert!(scenario.store.is_gone());
}

#[tokio::test(start_paused = true)]
async fn a_definition_that_prunes_or_fills_in_causes_no_endless_writes() {
    let schemas: [store::Mutation; 4] = [
        without_generations,
        // Knows no such field.
        |object| drop(object["status"].as_object_mut().map(|status| status.remove("ports"))),
        // Fills in a default in each item.
        |object| {
            for port in object["status"]["ports"].as_array_mut().into_iter().flatten() {
                port["protocol"] = json!("TCP");
            }
        },
        // Knows no conditions at all.
        |object| drop(object["status"].as_object_mut().map(|status| status.remove("conditions"))),
    ];
    for (number, schema) in schemas.into_iter().enumerate() {
        let found = Observation { status: Some(json!({"ports": [{"port": 80}]})), ..existing(true) };
        let scenario = Scenario::new(held(), Answers::observing(found));
        scenario.store.define(schema);
        scenario.run().await;
        for _ in 0..3 {
            let run = scenario.run().await;
            assert_eq!(run.steps, ["connect", "observe", "disconnect"], "schema {number}");
            assert_eq!(run.events, [""; 0], "schema {number}");
        }
        // What does change is written nevertheless, if there is a place for it, and told in any case.
        scenario.answer(Answers { observe: Err(provider::failure("gateway")), ..Answers::default() });
        let run = scenario.run().await;
        assert_eq!(run.steps.contains(&"status".to_owned()), number != 3, "schema {number}");
        assert_eq!(run.events.len(), 1, "schema {number}: {:?}", run.events);
    }
}

#[tokio::test(start_paused = true)]
async fn a_pruned_field_is_not_written_again_though_its_value_is_another_each_time() {
    let scenario = Scenario::new(held(), Answers::default());
    let look = |seen: u64, url: &str| {
        let status = json!({"seen": seen, "items": [{"at": seen, "name": "a"}], "url": url});
        scenario.answer(Answers::observing(Observation { status: Some(status), ..existing(true) }));
    };
    scenario.store.define(|object| {
        let status = object["status"].as_object_mut().unwrap();
        status.remove("seen");
        for item in status.get_mut("items").and_then(Value::as_array_mut).into_iter().flatten() {
            item.as_object_mut().unwrap().remove("at");
        }
    });
    for seen in 0..5 {
        look(seen, "x");
        let steps = scenario.run().await.steps;
        assert_eq!(steps.contains(&"status".to_owned()), seen == 0, "{seen}: {steps:?}");
    }
    look(5, "y");
    scenario.run().await;
    assert_eq!(scenario.store.value()["status"]["url"], "y", "what is kept is written");
}

#[tokio::test(start_paused = true)]
async fn transitions_that_a_definition_does_not_keep_are_told_once() {
    let scenario = Scenario::new(held(), Answers::default());
    scenario.store.define(|object| drop(object["status"].as_object_mut().map(|status| status.remove("conditions"))));
    for number in 0..3 {
        let found = Observation { status: Some(json!({"number": number})), ..existing(true) };
        scenario.answer(Answers::observing(found));
        let run = scenario.run().await;
        assert!(run.steps.contains(&"status".to_owned()), "{number}");
        assert_eq!(run.events.len(), if number == 0 { 2 } else { 0 }, "{number}: {:?}", run.events);
    }
    let problem = crate::Problem { reason: "".into(), message: "down".to_owned() };
    let found = Observation { readiness: crate::Readiness::NotReady(problem), ..existing(true) };
    scenario.answer(Answers::observing(found));
    assert_eq!(scenario.run().await.events, ["Warning Unavailable/ConditionChanged: down"]);
}

#[tokio::test(start_paused = true)]
async fn a_late_initialised_field_that_is_not_kept_is_not_written_for_ever() {
    let found = Observation { late_initialize: Some(json!({"region": "eu"})), ..existing(true) };
    let scenario = Scenario::new(held(), Answers::observing(found));
    scenario.store.define(|object| drop(object["spec"].as_object_mut().map(|spec| spec.remove("region"))));
    assert!(scenario.run().await.steps.contains(&"record".to_owned()));
    assert_eq!(scenario.run().await.steps, ["connect", "observe", "disconnect"]);
}
