//! A program that goes on printing, `kubectl get -w` for example.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tokio::{sync::mpsc, time::timeout};

/// What a running program prints, line by line. It is killed when this is dropped.
#[derive(Debug)]
pub struct Lines {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Lines {
    /// Starts it.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn of(mut command: Command) -> Result<Self> {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("{command:?} cannot be started"))?;
        let stdout = child.stdout.take().context("no stdout")?;
        let (sender, lines) = mpsc::channel(64);
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, lines })
    }

    /// Waits for a line with all of these words.
    ///
    /// # Errors
    /// If there is none within the time, or the program ends.
    pub async fn say(&mut self, words: &[&str], patience: Duration) -> Result<()> {
        let found = async {
            while let Some(line) = self.lines.recv().await {
                if words.iter().all(|word| line.contains(word)) {
                    return Ok(());
                }
            }
            bail!("it has ended")
        };
        let found = timeout(patience, found).await.context("the time is over").flatten();
        found.with_context(|| format!("nothing is said of {words:?}"))
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
