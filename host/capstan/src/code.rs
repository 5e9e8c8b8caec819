//! Where compiled code is kept, and the process that compiles.

use std::{env, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, Result};
use capstan_api::memory;
use capstan_sandbox::{CodeSettings, CompileLimits, Compiler, Sandbox, Settings, StartError};
use clap::{Args, Parser};

/// The hidden command by which the program calls itself.
pub(crate) const COMPILE: &str = "compile";

const FAILED: &str = "the sandbox cannot be set up";

const CACHE: &str = "CAPSTAN_CODE_CACHE";
const CACHE_SIZE: &str = "512Mi";
const MEMORY: &str = "1Gi";
const TIMEOUT: &str = "1m";

/// How components become machine code.
#[derive(Debug, Args)]
pub(crate) struct Code {
    /// Where compiled components are kept, so that a restart does not compile them again; nobody but the host's user may have
    /// access [default: capstan in the user's cache directory, or in memory if there is none]
    #[arg(long = "code-cache", value_name = "DIR", env = CACHE)]
    cache: Option<PathBuf>,
    /// Bytes that are kept there; what was not used for the longest time goes first
    #[arg(long = "code-cache-size", value_name = "SIZE", default_value = CACHE_SIZE, value_parser = memory)]
    cache_size: u64,
    /// Memory that compiling one component may take
    #[arg(long, value_name = "SIZE", default_value = MEMORY, value_parser = memory)]
    compile_memory: u64,
    /// Time that compiling one component may take
    #[arg(long, value_name = "DURATION", default_value = TIMEOUT, value_parser = crate::cli::duration)]
    compile_timeout: Duration,
}

/// For commands that have no settings for this: those of a host that was told nothing but by the environment.
#[derive(Debug, Parser)]
struct Untold {
    #[command(flatten)]
    code: Code,
}

/// A sandbox for commands that have no settings of their own for it.
pub(crate) fn sandbox(settings: Settings) -> Result<Sandbox> {
    let Untold { code } = Untold::try_parse_from([""; 1]).context(FAILED)?;
    code.sandbox(settings)
}

impl Code {
    /// A sandbox that keeps code where it was told to, or where users keep what can be made again.
    pub(crate) fn sandbox(&self, settings: Settings) -> Result<Sandbox> {
        let with = |directory: PathBuf| -> Result<Result<Sandbox, StartError>> {
            let limits = CompileLimits { memory: self.compile_memory, time: self.compile_timeout };
            let compiler = Compiler { program: this_program()?, arguments: vec![COMPILE.to_owned()], limits };
            let code = CodeSettings { directory, size: self.cache_size, compiler: Some(compiler) };
            Ok(Sandbox::new(Settings { code: Some(code), ..settings.clone() }))
        };
        if let Some(directory) = &self.cache {
            return with(directory.clone())?.context(FAILED);
        }
        if let Some(directory) = users_cache() {
            match with(directory)? {
                Err(StartError::Directory(error)) => in_memory(&format!("{:#}", anyhow::Error::new(error))),
                sandbox => return sandbox.context(FAILED),
            }
        } else {
            in_memory("the user has no directory for it: neither XDG_CACHE_HOME nor HOME is set");
        }
        Sandbox::new(settings).context(FAILED)
    }
}

fn in_memory(why: &str) {
    tracing::warn!(
        why,
        "components are compiled in this process, without limits of memory and time, and again at every start: --code-cache, or \
         CAPSTAN_CODE_CACHE, names a directory to keep the code in"
    );
}

/// What the XDG Base Directory Specification says, which wants absolute paths.
fn users_cache() -> Option<PathBuf> {
    let named = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")))?;
    Some(cache.join("capstan"))
}

/// The very file that runs now, although another one may have taken its name since.
fn this_program() -> Result<PathBuf> {
    let running = PathBuf::from("/proc/self/exe");
    if running.exists() { Ok(running) } else { env::current_exe().context("this program does not find itself") }
}

/// `capstan compile BYTES`: a component at standard input becomes code at standard output.
pub(crate) fn compile(memory: u64) -> ExitCode {
    match capstan_sandbox::compile(memory) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{:#}", anyhow::Error::new(error));
            ExitCode::FAILURE
        }
    }
}
