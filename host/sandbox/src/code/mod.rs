//! From the bytes of a component to machine code.
//!
//! Compiling is what wasmtime does not promise to bound, so the host has it done by a process of its own, with limits of
//! memory and time, and maps the file that comes out: code is paged in as it is used, paged out when memory is short, and
//! there already when the host starts again. Without [`CodeSettings`] all of it happens in this process and in memory.

mod child;
mod kept;
mod map;
mod worker;

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Write},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::{sync::OwnedSemaphorePermit, task};

use wasmparser::{BinaryReaderError, Validator};
use wasmtime::{Engine, component::Component};

pub use self::{
    kept::DirectoryError,
    worker::{CompileError, compile},
};

use self::{child::Child, kept::Kept};
use crate::{LoadError, load_error::said};

/// Where machine code is kept, and who makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeSettings {
    /// Only the user whom the host runs as may have access. Made if it is not there.
    pub directory: PathBuf,
    /// Bytes of code that are kept there; what was not used for the longest time goes first.
    pub size: u64,
    /// Compiles in a process of its own; in this one if there is none.
    pub compiler: Option<Compiler>,
}

/// A program that calls [`compile`] when it is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiler {
    /// Its path.
    pub program: PathBuf,
    /// What makes it do that. The bytes of memory that it may take follow.
    pub arguments: Vec<String>,
    /// What one component may take.
    pub limits: CompileLimits,
}

/// What compiling one component may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompileLimits {
    /// Bytes of memory.
    pub memory: u64,
    /// By the clock.
    pub time: Duration,
}

/// How often code was compiled, and how often it was there already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compilations {
    /// By the compiler, with success.
    pub compiled: u64,
    /// Found in the directory.
    pub found: u64,
    /// Refused by the compiler, given up at a limit, or not kept for lack of room.
    pub failed: u64,
}

/// Makes code, one component at a time.
#[derive(Debug)]
pub(crate) struct Code {
    kept: Option<(Arc<Kept>, Option<Child>)>,
    /// What code depends on beside the component: version, settings, processor.
    engine: u64,
    compiled: AtomicU64,
    found: AtomicU64,
    failed: AtomicU64,
}

impl Code {
    pub(crate) fn new(engine: &Engine, settings: Option<&CodeSettings>) -> Result<Self, DirectoryError> {
        let open = |settings: &CodeSettings| {
            let kept = Arc::new(Kept::open(settings.directory.clone(), settings.size)?);
            Ok((kept, settings.compiler.clone().map(Child::new)))
        };
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Self {
            kept: settings.map(open).transpose()?,
            engine: hasher.finish(),
            compiled: AtomicU64::default(),
            found: AtomicU64::default(),
            failed: AtomicU64::default(),
        })
    }

    pub(crate) fn compilations(&self) -> Compilations {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Compilations { compiled: read(&self.compiled), found: read(&self.found), failed: read(&self.failed) }
    }

    /// Code that was kept of the component with this digest. Blocks for as long as reading it takes.
    pub(crate) fn find(&self, engine: &Engine, digest: &str) -> Option<Component> {
        let (kept, _) = self.kept.as_ref()?;
        let path = kept.find(&self.key(digest))?;
        match map::map(engine, &path) {
            Ok(component) => {
                self.found.fetch_add(1, Ordering::Relaxed);
                Some(component)
            }
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "code that was kept cannot be used: it is compiled again");
                None
            }
        }
    }

    /// Compiles a component, and keeps the code where there is a directory for it. A compiler in a process of its own ends when this
    /// is given up; one in this process goes on to its end, and with it `turn`.
    pub(crate) async fn make(
        &self,
        engine: &Engine,
        digest: &str,
        bytes: Bytes,
        turn: Arc<OwnedSemaphorePermit>,
    ) -> Result<Component, LoadError> {
        let engine = engine.clone();
        let made = match &self.kept {
            None => {
                let compile = move || {
                    let _turn = turn;
                    Component::new(&engine, &bytes).map_err(|error| refused(&error, &bytes))
                };
                background(compile).await
            }
            Some((kept, child)) => self.make_kept(engine, kept, child.as_ref(), digest, bytes, turn).await,
        };
        let counter = if made.is_ok() { &self.compiled } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
        made
    }

    async fn make_kept(
        &self,
        engine: Engine,
        kept: &Arc<Kept>,
        child: Option<&Child>,
        digest: &str,
        bytes: Bytes,
        turn: Arc<OwnedSemaphorePermit>,
    ) -> Result<Component, LoadError> {
        let directory = kept.directory().display().to_string();
        let host = move |what: &str, error: io::Error| LoadError::Host(format!("{what} {directory}: {error}"));
        let begun = Arc::clone(kept);
        let mut file =
            background(move || Ok(begun.begin())).await?.map_err(|error| host("no file can be made in", error))?;
        if let Some(child) = child {
            child.compile(&bytes, file.as_file()).await?;
        }
        let (kept, key, compiled) = (Arc::clone(kept), self.key(digest), child.is_some());
        let keep = move || {
            let _turn = turn;
            if !compiled {
                let code = engine.precompile_component(&bytes).map_err(|error| refused(&error, &bytes))?;
                file.write_all(&code).map_err(|error| host("code cannot be written to", error))?;
            }
            let path = kept.keep(file, &key).map_err(|error| host("code cannot be kept in", error))?;
            map::map(&engine, &path).map_err(|error| LoadError::Host(format!("{error:#}")))
        };
        background(keep).await
    }

    fn key(&self, digest: &str) -> String {
        format!("{}-{:016x}", digest.trim_start_matches("sha256:"), self.engine)
    }
}

/// On a thread that may block.
pub(crate) async fn background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    task::spawn_blocking(work).await.map_err(|error| LoadError::Host(error.to_string()))?
}

fn refused(error: &wasmtime::Error, bytes: &[u8]) -> LoadError {
    if is_malformed(error, bytes) { LoadError::Malformed(said(error)) } else { LoadError::Host(said(error)) }
}

/// Whether it is the bytes that are to blame for an error of the compiler. It validates function by function as it goes, and does
/// not tell such an error from its own.
fn is_malformed(error: &wasmtime::Error, bytes: &[u8]) -> bool {
    error.is::<BinaryReaderError>() || Validator::new().validate_all(bytes).is_err()
}
