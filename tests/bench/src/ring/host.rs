//! The host of the ring: the program as it ships, with a directory of components.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use capstan_e2e::{HostProcess, Objects, Server, capstan, probe};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::objects::kind;
use crate::surroundings::component;

/// Far more than it takes, so that a bench that hangs ends.
const LIMIT: Duration = Duration::from_mins(5);

pub(super) struct RingHost {
    process: HostProcess,
    began: Instant,
    count: usize,
    health: SocketAddr,
    objects: Objects,
    _folder: TempDir,
}

impl RingHost {
    /// With a directory for compiled code, from which a second start takes what the first one left.
    pub(super) async fn start(server: &Server, count: usize, code: &Path) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let providers = folder.path().join("providers");
        fs::create_dir(&providers)?;
        let bytes = component("ring")?;
        for number in 0..count {
            let name = format!("ring-{number:04}");
            fs::write(providers.join(format!("{name}.wasm")), numbered(&bytes, number)?)?;
            let next = kind((number + 1) % count.max(1));
            let grants =
                format!("kubernetes: [{{apiGroups: [ring.capstan.dev], kinds: [{next}], verbs: [get, patch]}}]\n");
            fs::write(providers.join(format!("{name}.grants.yaml")), grants)?;
        }
        let objects = Objects::new(server.client()?);
        objects.apply(&capstan(&["manifests"])?).await?;
        let health = free()?;
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let began = Instant::now();
        let process = HostProcess::start_in(
            folder.path(),
            &[("CAPSTAN_CODE_CACHE", &text(code))],
            &[
                "run",
                "--kubeconfig",
                &text(server.kubeconfig()),
                "--providers",
                &text(&providers),
                "--health-address",
                &health.to_string(),
            ],
        )?;
        Ok(Self { process, began, count, health, objects, _folder: folder })
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(super) fn log(&self) -> String {
        self.process.log()
    }

    /// Until every operator is in service; how long that was after the start.
    pub(super) async fn until_all_serve(&self) -> Result<Duration> {
        loop {
            let all = self.objects.list("capstan.dev/v1alpha1", "providers", "").await?;
            let serves = |provider: &&serde_json::Value| {
                let conditions = provider["status"]["conditions"].as_array().into_iter().flatten();
                conditions.into_iter().any(|condition| condition["type"] == "Healthy" && condition["status"] == "True")
            };
            if all.iter().filter(serves).count() >= self.count {
                return Ok(self.began.elapsed());
            }
            ensure!(self.began.elapsed() < LIMIT, "not all serve: {}", self.log());
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Until so many reconciles have ended; how long that was after the start.
    pub(super) async fn until_reconciled(&self, count: usize) -> Result<Duration> {
        // It does not answer before it listens.
        while self.reconciles().await.unwrap_or_default() < count as u64 {
            ensure!(self.began.elapsed() < LIMIT, "not all are reconciled: {}", self.log());
            sleep(Duration::from_millis(5)).await;
        }
        Ok(self.began.elapsed())
    }

    /// That ended since it was started, of all operators.
    pub(super) async fn reconciles(&self) -> Result<u64> {
        let (_, text) = probe(self.health, "/metrics").await?;
        let lines = text.lines().filter(|line| line.starts_with("controller_runtime_reconcile_total{"));
        let counts = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
        Ok(counts.sum())
    }

    /// Ends it, and waits for that.
    pub(super) fn stop(&mut self) -> Result<()> {
        self.process.kill()
    }
}

/// The component of one operator.
fn numbered(component: &[u8], number: usize) -> Result<Vec<u8>> {
    let mut bytes = component.to_vec();
    let number = format!("{number:04}");
    let mut places = 0;
    for mark in ["OperatorLink0000", "operatorlinks0000", "operatorlink0000"] {
        let mark = mark.as_bytes();
        for at in 0..=bytes.len().saturating_sub(mark.len()) {
            if bytes[at..].starts_with(mark) {
                bytes[at + mark.len() - number.len()..at + mark.len()].copy_from_slice(number.as_bytes());
                places += 1;
            }
        }
    }
    ensure!(places > 0, "the component of the ring has no number to replace");
    Ok(bytes)
}

/// A port that nobody has at this moment.
fn free() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?)
}
