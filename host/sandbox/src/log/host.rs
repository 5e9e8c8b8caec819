//! The log interface as the guest calls it.

use tracing::Level;

use super::Journal;
use crate::{bindings::capstan::provider::log, state::Held};

impl log::Host for Held<'_, Journal> {
    fn write(&mut self, level: log::Level, message: String, fields: Vec<(String, String)>) -> wasmtime::Result<()> {
        self.get()?.write(level_of(level), &message, &fields);
        Ok(())
    }

    fn enabled(&mut self, level: log::Level) -> wasmtime::Result<bool> {
        self.get()?;
        Ok(Journal::enabled(level_of(level)))
    }
}

fn level_of(level: log::Level) -> Level {
    match level {
        log::Level::Error => Level::ERROR,
        log::Level::Warn => Level::WARN,
        log::Level::Info => Level::INFO,
        log::Level::Debug => Level::DEBUG,
        log::Level::Trace => Level::TRACE,
    }
}
