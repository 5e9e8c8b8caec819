//! The embedded API server as a process of its own: it can crash, and what it acknowledged is there when it comes back.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use capstan_devcluster::DevCluster;
use capstan_realcluster::free_port;
use tempfile::TempDir;

use crate::program;

/// Long, because the machine may be busy with other things.
const READY_WITHIN: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(20);

/// Runs until it is dropped.
#[derive(Debug)]
pub(super) struct Crashing {
    process: Child,
    address: SocketAddr,
    data: TempDir,
}

impl Crashing {
    /// Starts on a free port of the loopback interface, and waits until it answers.
    pub(super) fn start() -> Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let data = tempfile::tempdir()?;
        let mut server = Self { process: run(address, data.path())?, address, data };
        server.until_listening()?;
        Ok(server)
    }

    /// Ends it without a word and starts it again, at the same address and on the same data.
    pub(super) fn restart(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        self.process = run(self.address, self.data.path())?;
        self.until_listening()
    }

    /// The text of a kubeconfig.
    pub(super) fn kubeconfig(&self) -> String {
        DevCluster::kubeconfig(self.address)
    }

    /// It has read its data by then.
    fn until_listening(&mut self) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        while TcpStream::connect(self.address).is_err() {
            if let Some(status) = self.process.try_wait()? {
                bail!("the API server ended with {status}: see above");
            }
            ensure!(Instant::now() < deadline, "the API server does not answer within {READY_WITHIN:?}");
            sleep(LOOK);
        }
        Ok(())
    }
}

fn run(address: SocketAddr, data: &Path) -> Result<Child> {
    let mut command = Command::new(program("api_server")?);
    command.arg(address.to_string()).arg(data).stdin(Stdio::null());
    command.spawn().context("the API server cannot be started")
}

impl Drop for Crashing {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
