//! One program of a control plane.

use std::{
    fs::File,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail};

/// What an error shows of a program's log.
const LAST_LINES: usize = 12;

/// Killed when dropped, unless it was [left](Self::leave) to itself.
#[derive(Debug)]
pub(crate) struct Process {
    child: Option<Child>,
    pub(crate) program: PathBuf,
    log: PathBuf,
}

impl Process {
    /// Runs a program in `folder`, where its log goes too, with `environment` beside this program's own.
    pub(crate) fn start(
        program: &Path,
        arguments: &[String],
        folder: &Path,
        environment: &[(&str, &str)],
    ) -> Result<Self> {
        let name = program.file_name().context("no program")?.to_string_lossy();
        let log = folder.join(format!("{name}.log"));
        let output = File::options().create(true).append(true).open(&log).context("no log file")?;
        let child = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            // Of its own, so that Ctrl-C in a terminal does not end clusters that should stay.
            .process_group(0)
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        Ok(Self { child: Some(child), program: program.to_owned(), log })
    }

    pub(crate) fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// An error with its last words if it has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        if let Some(child) = &mut self.child
            && let Some(status) = child.try_wait()?
        {
            bail!("{} ended ({status}):\n{}", self.program.display(), self.last_words());
        }
        Ok(())
    }

    pub(crate) fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
    }

    /// Lets it run on after this program.
    pub(crate) fn leave(&mut self) {
        self.child = None;
    }

    /// SIGKILL: asked politely, an API server with open watches takes a minute.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
