//! A host as a user runs it: the program, in a process of its own.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, ensure};

/// What a process can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Come to an orderly end.
    Terminate,
    /// Stand still, until it is told to go on.
    Stop,
    /// Go on.
    Continue,
}

/// Killed when dropped.
#[derive(Debug)]
pub struct HostProcess {
    child: Child,
    log: PathBuf,
}

impl HostProcess {
    /// `capstan ARGUMENTS`, with its log in a file of `folder`.
    pub fn start(folder: &Path, arguments: &[&str]) -> Result<Self> {
        Self::start_in(folder, &[], arguments)
    }

    /// The same, with variables of its environment.
    pub fn start_in(folder: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> Result<Self> {
        let log = folder.join("host.log");
        let output = File::options().create(true).append(true).open(&log).context("no log file")?;
        let mut command = crate::cli::command()?;
        command.envs(environment.iter().copied());
        let child = command
            .args(arguments)
            .args(["--log", "text"])
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .context("the host cannot be started")?;
        Ok(Self { child, log })
    }

    /// The process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: it gets no chance to say or finish anything.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let signal = match signal {
            Signal::Terminate => "-TERM",
            Signal::Stop => "-STOP",
            Signal::Continue => "-CONT",
        };
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status()?;
        ensure!(sent.success(), "kill {signal}: {sent}");
        Ok(())
    }

    /// Whether it has ended by itself, and without an error.
    pub fn has_succeeded(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some_and(|status| status.success()))
    }

    /// The code that it has ended with by itself; nothing while it runs, or if a signal ended it.
    pub fn exit_code(&mut self) -> Result<Option<i32>> {
        Ok(self.child.try_wait()?.and_then(|status| status.code()))
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Everything it has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for HostProcess {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
