//! Processes in which one side of a comparison runs alone: this program again, with the name of what it is to do.
//!
//! It answers with lines of JSON on its standard output, and goes on when a line comes in.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result};
use serde::{Serialize, de::DeserializeOwned};

/// The argument before the name.
pub(crate) const FLAG: &str = "--child";

/// A process that ends when this is dropped.
pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    pub(crate) fn start(name: &str, server: &str) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.args([FLAG, name, server]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("the bench cannot start itself")?;
        let input = child.stdin.take().context("no standard input")?;
        let output = BufReader::new(child.stdout.take().context("no standard output")?);
        Ok(Self { child, input, output })
    }

    /// What it says next.
    pub(crate) fn answer<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        serde_json::from_str(&line).with_context(|| format!("a process of the bench said {line:?}"))
    }

    /// Lets it go on.
    pub(crate) fn proceed(&mut self) -> Result<()> {
        Ok(writeln!(self.input)?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// In the child: says something.
pub(crate) fn say(answer: &impl Serialize) -> Result<()> {
    println!("{}", serde_json::to_string(answer)?);
    Ok(std::io::stdout().flush()?)
}

/// In the child: waits until it may go on.
pub(crate) async fn until_told() -> Result<()> {
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await??;
    Ok(())
}
