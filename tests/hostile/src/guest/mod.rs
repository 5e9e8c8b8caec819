//! The guest itself, written on the bindings alone.

mod descriptor;
mod machine;
mod objects;
mod outside;

mod bindings {
    #![allow(unsafe_code, missing_docs, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated code")]

    wit_bindgen::generate!({ world: "provider", path: "../../wit" });

    export!(Hostile with_types_in self);

    use super::Hostile;
}

use std::{
    hint,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use self::{
    bindings::{
        capstan::provider::{
            events, log,
            types::{Failure, Problem},
        },
        exports::capstan::provider::external::{Change, Creation, Difference, Guest, Observation, Readiness},
    },
    machine::{allocate, look_around, recurse, recurse_with_locals, spin, trap},
};
use crate::Behaviour;

struct Hostile;

/// What connect was told, for disconnect, which sees no object.
static CONNECTED: OnceLock<Behaviour> = OnceLock::new();
/// Where [`Behaviour::Remembers`] keeps what should not be there the next time.
static MEMORY: AtomicU32 = AtomicU32::new(0);

impl Guest for Hostile {
    fn connect(managed: String) -> Result<(), Failure> {
        let behaviour = behaviour(&managed);
        let _ = CONNECTED.set(behaviour);
        match behaviour {
            Behaviour::SpinsInConnect => spin(),
            Behaviour::TrapsInConnect => trap(),
            _ => Ok(()),
        }
    }

    fn observe(managed: String) -> Result<Observation, Failure> {
        let mut answer = Observation {
            exists: true,
            up_to_date: true,
            differences: Vec::new(),
            late_initialize: None,
            status: None,
            readiness: Readiness::Ready,
            external_name: None,
        };
        match behaviour(&managed) {
            Behaviour::SpinsInObserve => spin(),
            Behaviour::Sleeps => thread::sleep(Duration::from_hours(1)),
            Behaviour::TrapsInObserve => trap(),
            // So that the host comes to the call that they are about.
            Behaviour::SpinsInCreate | Behaviour::TrapsInCreate => answer.exists = false,
            Behaviour::SpinsInUpdate | Behaviour::TrapsInUpdate => answer.up_to_date = false,
            Behaviour::Panics => panic!("these are the words"),
            Behaviour::Exits => std::process::exit(3),
            Behaviour::Recurses => answer.exists = recurse(0, hint::black_box(u64::MAX)) > 0,
            Behaviour::RecursesWithLocals => answer.exists = recurse_with_locals(0, hint::black_box(u64::MAX)) > 0,
            Behaviour::Allocates => allocate(),
            Behaviour::AllocatesAndRecovers => {
                let refused = Vec::<u8>::new().try_reserve_exact(1 << 30).is_err();
                answer.status = Some(format!(r#"{{"refused": {refused}}}"#));
            }
            Behaviour::MalformedLateInitialize => answer.late_initialize = Some("{\"spec\":".to_owned()),
            Behaviour::MalformedStatusOfObserve => answer.status = Some("[]".to_owned()),
            Behaviour::MalformedDifference => {
                let desired = Some("not json".to_owned());
                answer.differences = vec![Difference { path: ".spec".to_owned(), desired, actual: None }];
            }
            Behaviour::DeepStatus => answer.status = Some(deep()),
            Behaviour::HugeAnswer => answer.status = Some(huge()),
            Behaviour::HugeLogLine => log::write(log::Level::Info, &huge(), &[]),
            Behaviour::HugeFailure => {
                let problem = Problem { reason: "no\nreason ".repeat(1000), message: "long ".repeat(10_000) };
                return Err(Failure::Retryable(problem));
            }
            Behaviour::FloodsTheLog => {
                for line in 0..10_000 {
                    log::write(log::Level::Error, "flood", &[("line".to_owned(), line.to_string())]);
                }
            }
            Behaviour::FloodsTheOutput => {
                for line in 0..10_000 {
                    println!("out {line}");
                    eprintln!("err {line}");
                }
            }
            Behaviour::FloodsEvents => {
                for number in 0..1_000 {
                    events::emit(events::Kind::Warning, "Flood", "Flood", &format!("number {number}"));
                }
            }
            Behaviour::LooksAround => answer.status = Some(look_around()),
            Behaviour::Remembers => {
                let before = MEMORY.fetch_add(1, Relaxed);
                answer.status = Some(format!(r#"{{"before": {before}}}"#));
            }
            other => {
                objects::reach_for(other)?;
                outside::reach_out(other)?;
            }
        }
        Ok(answer)
    }

    fn create(managed: String) -> Result<Creation, Failure> {
        let mut answer = Creation { external_name: None, annotations: Vec::new(), status: None };
        match behaviour(&managed) {
            Behaviour::SpinsInCreate => spin(),
            Behaviour::TrapsInCreate => trap(),
            Behaviour::MalformedStatusOfCreate => answer.status = Some("[]".to_owned()),
            _ => {}
        }
        Ok(answer)
    }

    fn update(managed: String) -> Result<Change, Failure> {
        let mut answer = Change { status: None };
        match behaviour(&managed) {
            Behaviour::SpinsInUpdate => spin(),
            Behaviour::TrapsInUpdate => trap(),
            Behaviour::MalformedStatusOfUpdate => answer.status = Some("[]".to_owned()),
            _ => {}
        }
        Ok(answer)
    }

    fn delete(managed: String) -> Result<(), Failure> {
        match behaviour(&managed) {
            Behaviour::SpinsInDelete => spin(),
            Behaviour::TrapsInDelete => trap(),
            _ => Ok(()),
        }
    }

    fn disconnect() -> Result<(), Failure> {
        match CONNECTED.get() {
            Some(Behaviour::SpinsInDisconnect) => spin(),
            Some(Behaviour::TrapsInDisconnect) => trap(),
            _ => Ok(()),
        }
    }
}

/// The text behind `"behaviour":"`; no reader of JSON is worth its size here.
fn behaviour(managed: &str) -> Behaviour {
    let name = managed.split_once(r#""behaviour":""#).and_then(|(_, rest)| rest.split_once('"'));
    name.and_then(|(name, _)| Behaviour::of(name)).unwrap_or(Behaviour::Behaves)
}

fn huge() -> String {
    "x".repeat(20 << 20)
}

/// JSON that a recursive reader does not bear.
fn deep() -> String {
    format!("{{\"a\":{}", "[".repeat(100_000))
}

/// Something was given to us that should not have been. Said so that the test sees it.
fn told(object: &str) {
    panic!("got hold of {object}");
}
