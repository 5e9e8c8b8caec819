//! The compiler's own process.

use std::{
    io::{self, Read, Write},
    process::ExitCode,
};

use rustix::process::{Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit};

use super::is_malformed;
use crate::engine;

/// Exit code: the bytes are not valid, which is their author's to mend. Apart from 1, which every program ends with when
/// something else is wrong.
pub(super) const MALFORMED: u8 = 3;

/// Why a process for compiling is of no use.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// A limit cannot be set.
    #[error("the limits of this process cannot be set: {0}")]
    Limits(#[from] rustix::io::Errno),
    /// Standard input or output.
    #[error("the component cannot be read, or its code not be written")]
    Io(#[from] io::Error),
    /// The engine, or the compiler.
    #[error("{0}")]
    Engine(String),
}

/// Reads a component from standard input and writes its code to standard output, within `memory` bytes.
///
/// To be called at once by a process of its own: the limit holds from then on for all that it does, and it ends with the thread
/// that started it. How long it may take is up to whoever waits for it. The code is for a
/// [`Sandbox`](crate::Sandbox) of the same program on the same machine.
pub fn compile(memory: u64) -> Result<ExitCode, CompileError> {
    bound(memory)?;
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    let engine = engine::compiling().map_err(|error| CompileError::Engine(format!("{error:#}")))?;
    match engine.precompile_component(&bytes) {
        Ok(code) => {
            let mut out = io::stdout().lock();
            out.write_all(&code)?;
            out.flush()?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) if is_malformed(&error, &bytes) => {
            eprintln!("{error:#}");
            Ok(ExitCode::from(MALFORMED))
        }
        Err(error) => Err(CompileError::Engine(format!("{error:#}"))),
    }
}

fn bound(memory: u64) -> Result<(), CompileError> {
    // Nobody waits for the code any more when the host is gone.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let limit = |resource, value: u64| {
        // Nobody may raise what is lower already.
        let value = getrlimit(resource).maximum.map_or(value, |maximum| maximum.min(value));
        setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })
    };
    // Memory that may be written, and not the address space, much of which is only set aside.
    limit(Resource::Data, memory)?;
    // A file of code is a few times as large as what it is made from, which is bounded.
    limit(Resource::Fsize, memory)?;
    limit(Resource::Core, 0)?;
    Ok(())
}
