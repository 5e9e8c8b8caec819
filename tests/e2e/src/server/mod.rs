//! API servers to run scenarios against.

mod crashing;
mod embedded;

use std::{
    fmt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use capstan_realcluster::{Programs, RealCluster, target};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use tempfile::TempDir;

use crashing::Crashing;
pub use embedded::Embedded;

/// Which API server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerKind {
    /// `host/devcluster`, in this process.
    Embedded,
    /// kube-apiserver with etcd and kube-controller-manager.
    Real,
}

impl fmt::Display for ServerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Embedded => "embedded",
            Self::Real => "real",
        })
    }
}

/// A running API server; it ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    running: Running,
    admin: Config,
    kubeconfig: PathBuf,
    _folder: TempDir,
}

#[derive(Debug)]
enum Running {
    Embedded(Embedded),
    Crashing(Crashing),
    Real(Box<RealCluster>),
}

impl Server {
    /// Starts one on a free port of the loopback interface.
    ///
    /// # Errors
    /// If it does not become ready, or the programs of the real one were not built.
    pub fn start(kind: ServerKind) -> Result<Self> {
        Self::of(match kind {
            ServerKind::Embedded => Running::Embedded(Embedded::start()?),
            ServerKind::Real => Running::Real(Box::new(RealCluster::start_for_test()?)),
        })
    }

    /// Starts one that [`restart`](Self::restart) can end and start again: the embedded one as a process of its own.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_apart(kind: ServerKind) -> Result<Self> {
        match kind {
            ServerKind::Embedded => Self::of(Running::Crashing(Crashing::start()?)),
            ServerKind::Real => Self::start(kind),
        }
    }

    fn of(running: Running) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let kubeconfig = folder.path().join("kubeconfig");
        match &running {
            Running::Embedded(server) => std::fs::write(&kubeconfig, server.kubeconfig())?,
            Running::Crashing(server) => std::fs::write(&kubeconfig, server.kubeconfig())?,
            Running::Real(cluster) => std::fs::copy(cluster.kubeconfig(), &kubeconfig).map(drop)?,
        }
        let file = Kubeconfig::read_from(&kubeconfig)?;
        // Scenarios come and go on runtimes of their own; this is needed once.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let admin = runtime.block_on(Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()))?;
        Ok(Self { running, admin, kubeconfig, _folder: folder })
    }

    /// Which one this is.
    #[must_use]
    pub fn kind(&self) -> ServerKind {
        match self.running {
            Running::Embedded(_) | Running::Crashing(_) => ServerKind::Embedded,
            Running::Real(_) => ServerKind::Real,
        }
    }

    /// A client with every right.
    pub fn client(&self) -> Result<Client> {
        Ok(Client::try_from(self.admin.clone())?)
    }

    /// How to reach it with every right.
    #[must_use]
    pub fn admin(&self) -> Config {
        self.admin.clone()
    }

    /// A kubeconfig with every right.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Writes a kubeconfig with the rights of a service account; the embedded server knows no accounts.
    pub fn write_kubeconfig_for(&self, namespace: &str, account: &str, path: &Path) -> Result<()> {
        match &self.running {
            Running::Embedded(_) | Running::Crashing(_) => std::fs::copy(&self.kubeconfig, path).map(drop)?,
            Running::Real(cluster) => {
                let mut create = cluster.kubectl();
                create.args(["create", "token", account, "--namespace", namespace, "--duration", "2h"]);
                let token = output(create)?;
                std::fs::write(path, cluster.kubeconfig_for(token.trim()))?;
            }
        }
        Ok(())
    }

    /// Ends the real API server and starts it again at the same address and on the same data. Waits until it is ready.
    ///
    /// # Errors
    /// If it does not come back, or is the embedded one within this process.
    pub fn restart(&mut self) -> Result<()> {
        match &mut self.running {
            Running::Embedded(_) => bail!("an API server within this process is not restarted: use `start_apart`"),
            Running::Crashing(server) => server.restart(),
            Running::Real(cluster) => cluster.restart_api_server(),
        }
    }

    /// kubectl with every right; nothing if none was built.
    pub fn kubectl(&self) -> Result<Option<Command>> {
        let Ok(programs) = Programs::find(&target()?) else {
            return Ok(None);
        };
        let mut command = Command::new(programs.kubectl);
        command.arg("--kubeconfig").arg(&self.kubeconfig);
        Ok(Some(command))
    }
}

/// Runs a program; what it printed, or an error with what it complained of.
pub fn output(mut command: Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?} cannot be started"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed ({}): {complaint}", output.status);
    String::from_utf8(output.stdout).context("the output is no text")
}
