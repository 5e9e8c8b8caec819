//! Having a component compiled by another process.

use std::{fs::File, io, os::unix::process::ExitStatusExt, process::Stdio};

use rustix::process::Signal;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy, sink},
    process::Command,
    time::timeout,
};

use super::{CompileLimits, Compiler, worker::MALFORMED};
use crate::{LoadError, load_error};

/// What a compiler that fails may say: a few lines.
const SAID: u64 = 4 << 10;

#[derive(Debug)]
pub(super) struct Child(Compiler);

impl Child {
    pub(super) fn new(compiler: Compiler) -> Self {
        Self(compiler)
    }

    /// Writes code to a file. The process ends with the future.
    pub(super) async fn compile(&self, bytes: &[u8], code: &File) -> Result<(), LoadError> {
        self.run(bytes, code).await.map_err(|error| {
            LoadError::Host(format!("the compiler {} does not run: {error}", self.0.program.display()))
        })?
    }

    /// The outer error is that of starting it.
    async fn run(&self, bytes: &[u8], code: &File) -> io::Result<Result<(), LoadError>> {
        let Compiler { program, arguments, limits } = &self.0;
        let CompileLimits { memory, time } = *limits;
        let mut child = Command::new(program)
            .args(arguments)
            .arg(memory.to_string())
            // What the host was told in its environment is none of the compiler's business.
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(code.try_clone()?)
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
        let fed = async {
            if let Some(mut stdin) = stdin {
                // One that ends early says why itself.
                let _ = stdin.write_all(bytes).await;
            }
        };
        let heard = async {
            let mut said = Vec::new();
            if let Some(mut stderr) = stderr {
                let _ = (&mut stderr).take(SAID).read_to_end(&mut said).await;
                // Whoever finds it closed cannot say what else is to be said, not even the exit code.
                let _ = copy(&mut stderr, &mut sink()).await;
            }
            load_error::said(&String::from_utf8_lossy(&said).trim())
        };
        let whole = async { tokio::join!(fed, heard, child.wait()) };
        let Ok(((), said, status)) = timeout(time, whole).await else {
            return Ok(Err(LoadError::CompileTimedOut { limit: time }));
        };
        let status = status?;
        Ok(match status.code() {
            Some(0) => Ok(()),
            Some(code) if code == i32::from(MALFORMED) => Err(LoadError::Malformed(said)),
            Some(_) => Err(LoadError::Host(said)),
            None => Err(self.killed(status.signal().unwrap_or_default(), said)),
        })
    }

    /// Where there is no more memory it aborts.
    fn killed(&self, signal: i32, said: String) -> LoadError {
        if signal == Signal::ABORT.as_raw() {
            LoadError::CompileOutOfMemory { limit: self.0.limits.memory, said }
        } else {
            LoadError::Host(format!("the compiler was ended by signal {signal}: {said}"))
        }
    }
}
