//! From the error that ended a call to its name. By type alone: the text of an error is for people.

use wasmtime::{Trap, WasmBacktrace, component::ResourceTableError};
use wasmtime_wasi::I32Exit;

use crate::{
    Call, Outcome, TimeLimit, cluster::RequestsExhausted, http::Exhausted, limiter::Limiter, log::Journal,
    state::ImportUnavailable,
};

/// Ends a call into the guest that ran until its budget was spent.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(crate) struct Interrupted;

/// Bytes of detail that stem from the guest.
const DETAIL: usize = 512;

/// Names what ended a call. `time` is the limit that was in force.
pub(crate) fn classify(
    call: Call,
    time: TimeLimit,
    error: &wasmtime::Error,
    limiter: &Limiter,
    journal: &Journal,
) -> Outcome {
    if error.is::<Interrupted>() {
        return Outcome::DeadlineExceeded { call, limit: time, last_said: journal.last_said() };
    }
    if let Some(RequestsExhausted(limit)) = error.downcast_ref() {
        return Outcome::RequestsExhausted { call, limit: *limit };
    }
    match error.downcast_ref() {
        Some(Exhausted::Requests(limit)) => return Outcome::HttpRequestsExhausted { call, limit: *limit },
        Some(Exhausted::Bytes(limit)) => return Outcome::HttpBytesExhausted { call, limit: *limit },
        None => {}
    }
    if let Some(ImportUnavailable(import)) = error.downcast_ref() {
        return Outcome::ImportUnavailable { call, import };
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => {
            return Outcome::DeadlineExceeded { call, limit: time, last_said: journal.last_said() };
        }
        Some(Trap::StackOverflow) => return Outcome::StackExhausted { call, last_said: journal.last_said() },
        _ => {}
    }
    // A guest that gets no memory aborts, or cannot even be made: the cause, and not how it shows.
    if limiter.exhausted() || error.downcast_ref::<Trap>() == Some(&Trap::AllocationTooLarge) {
        return Outcome::MemoryExhausted { call, limit: limiter.limit(), last_said: journal.last_said() };
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        let mut text = trap.to_string();
        if let Some(function) = function(error) {
            text += " in ";
            text += &function;
        }
        if *trap == Trap::MemoryOutOfBounds {
            // Compilers keep a part of the stack in memory, below everything else: it ends at the edge of the memory.
            text += ", which endless recursion looks like too";
        }
        return Outcome::Trapped { call, trap: text, last_words: journal.last_words() };
    }
    if let Some(I32Exit(status)) = error.downcast_ref() {
        return Outcome::Trapped { call, trap: format!("exit with status {status}"), last_words: journal.last_words() };
    }
    if error.is::<ResourceTableError>() {
        return Outcome::BoundaryViolated { call, detail: "too many handles, or one that is not there".to_owned() };
    }
    // What is left is said by code between guest and host: a string that is no Unicode, more data than one call may carry.
    let detail = crate::text::cut(&error.root_cause().to_string(), DETAIL).into_owned();
    Outcome::BoundaryViolated { call, detail }
}

/// Where it happened, if the component still has its names.
fn function(error: &wasmtime::Error) -> Option<String> {
    let frames = error.downcast_ref::<WasmBacktrace>()?.frames();
    let name = frames.iter().find_map(|frame| frame.func_name())?;
    Some(crate::text::cut(name, DETAIL).into_owned())
}
