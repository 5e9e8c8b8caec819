//! A host as a user runs it: the program, in a process of its own.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result};

use crate::program;

/// Killed when dropped.
#[derive(Debug)]
pub struct HostProcess {
    child: Child,
    log: PathBuf,
}

impl HostProcess {
    /// `capstan ARGUMENTS`, with its log in a file of `folder`.
    pub fn start(folder: &Path, arguments: &[&str]) -> Result<Self> {
        let log = folder.join("host.log");
        let output = File::options().create(true).append(true).open(&log).context("no log file")?;
        let child = Command::new(program("capstan")?)
            .args(arguments)
            .args(["--log", "text"])
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .context("the host cannot be started")?;
        Ok(Self { child, log })
    }

    /// SIGKILL: it gets no chance to say or finish anything.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
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
