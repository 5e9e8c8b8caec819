//! Why a component cannot be run here.

use std::{fmt::Display, time::Duration};

use crate::{bindings::VERSION, text::line};

/// Bytes of what others say is wrong, which may have any name in it that the component has.
const SAID: usize = 1 << 10;

/// What others say is wrong.
pub(crate) fn said(error: &dyn Display) -> String {
    // With its causes, where it has some.
    line(&format!("{error:#}"), SAID)
}

/// The bytes cannot become a provider. Trying again with the same bytes does not help, except after [`Self::Host`].
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Too much of something.
    #[error("the component has {found} {what}, the limit is {limit}")]
    TooLarge {
        /// Of what, in plural.
        what: &'static str,
        /// How many it has.
        found: u64,
        /// How many it may have.
        limit: u64,
    },
    /// Compiled already, by whomever. Such a file is native code and would run outside of the sandbox.
    #[error("this is native code, not WebAssembly: give the .wasm file itself, the host compiles it")]
    Native,
    /// A plain module, as `wasm32-wasip1` and `wasm32-unknown-unknown` make them.
    #[error("this is a core module, not a component: build it for wasm32-wasip2")]
    CoreModule,
    /// Not WebAssembly, or broken.
    #[error("this is no valid component: {0}")]
    Malformed(String),
    /// Of another version of the contract.
    #[error("built for capstan:provider@{found}, this host supports {VERSION}")]
    Version {
        /// The version it was built for.
        found: String,
    },
    /// It needs something that no provider gets.
    #[error(
        "it imports {0}, which this host does not offer: a provider gets the interfaces of the contract, and what standard \
         libraries import of WASI 0.2"
    )]
    UnknownImport(String),
    /// It is no provider.
    #[error("it does not export capstan:provider/{0}: is it built as a provider?")]
    MissingExport(&'static str),
    /// The names are right, the types behind them are not.
    #[error("it does not fit capstan:provider@{VERSION}: {0}")]
    Contract(String),
    /// Compiling takes too long.
    #[error(
        "compiling it was given up after {limit:?}: give the host more time for it (--compile-timeout), or make the component \
         smaller"
    )]
    CompileTimedOut {
        /// What compiling one component may take.
        limit: Duration,
    },
    /// Compiling takes too much memory, or comes to a bad end otherwise.
    #[error(
        "compiling it was given up, most likely at {limit} bytes of memory: give the host more for it (--compile-memory), or \
         make the component smaller: {said}"
    )]
    CompileOutOfMemory {
        /// Bytes that compiling one component may take.
        limit: u64,
        /// The compiler's last words.
        said: String,
    },
    /// Compiling failed, or did not end properly, for a reason that lies with this host.
    #[error("it could not be compiled: {0}")]
    Host(String),
}

impl LoadError {
    /// For conditions, events and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "ComponentTooLarge",
            Self::Native => "NativeCode",
            Self::CoreModule => "NotAComponent",
            Self::Malformed(_) => "ComponentMalformed",
            Self::Version { .. } => "UnsupportedVersion",
            Self::UnknownImport(_) => "UnknownImport",
            Self::MissingExport(_) | Self::Contract(_) => "NotAProvider",
            Self::CompileTimedOut { .. } => "CompileTimedOut",
            Self::CompileOutOfMemory { .. } => "CompileOutOfMemory",
            Self::Host(_) => "CompileFailed",
        }
    }
}

impl From<wasmparser::BinaryReaderError> for LoadError {
    fn from(error: wasmparser::BinaryReaderError) -> Self {
        Self::Malformed(said(&error))
    }
}
