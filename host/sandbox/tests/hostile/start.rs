//! What happens while an instance is made, before any call into it: start functions, and what no language would hand over.

use std::fmt::Write;

use capstan_engine::{ExternalSystem, Failure, Retry};
use capstan_hostile::Behaviour;
use capstan_sandbox::{Budget, Component, Guest};

use crate::{
    spliced,
    stage::{CALL, Stage, context, ran_out_of_time, stopped_in_time},
};

const MANAGED: &str = r#"{"spec":{"behaviour":"behaves"}}"#;

/// A part of one module that does this when it starts.
fn starting(what: &str) -> String {
    format!("(component (core module $m (func $f {what}) (start $f)) (core instance (instantiate $m)))")
}

async fn connect(guest: &Guest) -> Result<(), Failure> {
    guest.connect(&context(), MANAGED).await.map(drop)
}

async fn reason_of_describe(component: &Component) -> &'static str {
    component.describe().await.unwrap_err().reason()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_without_end_is_ended() {
    let stage = Stage::new(Behaviour::Behaves).await;
    let component = stage.load(spliced::with(&starting("(loop $l (br $l))"))).await;
    let guest = stage.guest_of(&component, Budget { call: CALL, ..Budget::default() });
    ran_out_of_time(stopped_in_time(&stage, connect(&guest)).await);
    assert_eq!(reason_of_describe(&component).await, "DeadlineExceeded");
    stage.leaves_nothing_behind().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_traps_is_a_crash_of_the_first_call() {
    let stage = Stage::new(Behaviour::Behaves).await;
    let component = stage.load(spliced::with(&starting("unreachable"))).await;
    let failure = connect(&stage.guest_of(&component, Budget::default())).await.unwrap_err();
    assert_eq!((&*failure.problem.reason, failure.retry), ("Trapped", Retry::Backoff), "{failure:?}");
    assert!(failure.problem.message.starts_with("connect crashed ("), "{failure:?}");
    assert_eq!(reason_of_describe(&component).await, "Trapped");
    stage.leaves_nothing_behind().await;
}

/// So many modules, each with something of its own (`has`) that it lets grow when it starts. Only the last may be refused:
/// an earlier one that is never comes to an end.
fn growing(count: usize, has: &str, grow: &str) -> String {
    let mut part = "(component".to_owned();
    for number in 1..=count {
        let refused = if number == count { "unreachable" } else { "(loop $l (br $l))" };
        write!(
            part,
            " (core module $m{number} ({has}) (func $f (if (i32.eq ({grow}) (i32.const -1)) (then {refused}))) (start $f))
              (core instance (instantiate $m{number}))"
        )
        .unwrap();
    }
    part + ")"
}

/// Three grow by the same number of bytes, and there is room for two and a half.
async fn summed(has: &str, grow: &str, bytes: usize) {
    let stage = Stage::new(Behaviour::Behaves).await;
    let component = stage.load(spliced::with(&growing(3, has, grow))).await;
    let memory = |parts: usize| Budget { call: CALL, memory: spliced::size() + parts * bytes / 2, ..Budget::default() };
    let failure = connect(&stage.guest_of(&component, memory(5))).await.unwrap_err();
    assert_eq!(failure.problem.reason, "MemoryExhausted", "{failure:?}");
    assert!(failure.problem.message.contains(&format!("memory is {} bytes", memory(5).memory)), "{failure:?}");
    // Refused before the last, so that the loop behind the refusal runs.
    let failure = connect(&stage.guest_of(&component, memory(3))).await.unwrap_err();
    assert_eq!(failure.problem.reason, "DeadlineExceeded", "{failure:?}");
    // Enough for all, and for what the guest itself needs.
    assert_eq!(connect(&stage.guest_of(&component, Budget::default())).await, Ok(()));
    stage.leaves_nothing_behind().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_memories_that_grow_are_counted_together() {
    summed("memory 0", "memory.grow (i32.const 40)", 40 << 16).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_tables_that_grow_are_counted_together() {
    summed("table 0 funcref", "table.grow (ref.null func) (i32.const 15000)", 15_000 * 8).await;
}

/// Calls the host's `write` with a level, a text and fields as they are given, two numbers for each of the latter. At 0 there
/// are bytes that are no UTF-8, at 16 a field whose name is one of these, and at 32 zeros.
fn writing(level: u32, text: (i32, i32), fields: (i32, i32)) -> String {
    format!(
        r#"(component
  (import "log" (instance $log
    (type $levels (enum "error" "warn" "info" "debug" "trace"))
    (export "level" (type $level (eq $levels)))
    (type $field (tuple string string))
    (type $fields (list $field))
    (type $write (func (param "level" $level) (param "message" string) (param "fields" $fields)))
    (export "write" (func (type $write)))))
  (core module $memory
    (memory (export "memory") 1)
    (data (i32.const 0) "\ff\fe\fd")
    (data (i32.const 16) "\00\00\00\00\03\00\00\00\00\00\00\00\00\00\00\00"))
  (core instance $held (instantiate $memory))
  (alias core export $held "memory" (core memory $texts))
  (core func $write (canon lower (func $log "write") (memory $texts)))
  (core module $speaks
    (import "log" "write" (func $write (param i32 i32 i32 i32 i32)))
    (func $start
      (call $write (i32.const {level}) (i32.const {}) (i32.const {}) (i32.const {}) (i32.const {})))
    (start $start))
  (core instance (instantiate $speaks (with "log" (instance (export "write" (func $write)))))))"#,
        text.0, text.1, fields.0, fields.1
    )
}

/// An empty list.
const NOTHING: (i32, i32) = (32, 0);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_language_hands_over_is_refused_at_the_boundary() {
    let stage = Stage::new(Behaviour::Behaves).await;
    let sound = stage.load(spliced::speaking(&writing(2, (32, 1), NOTHING))).await;
    assert_eq!(connect(&stage.guest_of(&sound, Budget::default())).await, Ok(()));
    for (what, part) in [
        ("a text that is no UTF-8", writing(2, (0, 3), NOTHING)),
        ("a text beyond the end of memory", writing(2, (65_530, 100), NOTHING)),
        ("a text longer than any memory", writing(2, (0, -1), NOTHING)),
        ("a text in a list that is no UTF-8", writing(2, (32, 1), (16, 1))),
        ("a list that is not aligned", writing(2, (32, 1), (17, 1))),
        ("a list beyond the end of memory", writing(2, (32, 1), (0, 100_000_000))),
        ("a level that there is not", writing(9, (32, 1), NOTHING)),
    ] {
        let component = stage.load(spliced::speaking(&part)).await;
        let failure = connect(&stage.guest_of(&component, Budget::default())).await.unwrap_err();
        assert_eq!(
            (&*failure.problem.reason, failure.retry),
            ("BoundaryViolated", Retry::Backoff),
            "{what}: {failure:?}"
        );
    }
    stage.leaves_nothing_behind().await;
}
