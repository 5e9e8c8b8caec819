//! `capstan dev` as people meet it: kubectl with the kubeconfig that it wrote, over TLS.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use capstan_e2e::{HostProcess, Lines, eventually, output};
use capstan_realcluster::{Programs, is_here, target};

const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn kubectl_creates_reads_and_watches() -> Result<()> {
    if !is_here() {
        eprintln!("!!! SKIPPED: there is no kubectl, which is built with Go !!!");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let kubeconfig = folder.path().join("kubeconfig");
    let host = HostProcess::start(folder.path(), &["dev", "--kubeconfig", &kubeconfig.to_string_lossy()])?;
    let ready = || async { run(&kubeconfig, &["get", "--raw", "/readyz"]) };
    eventually("it serves", PATIENCE, ready, |said| said == "ok").await.with_context(|| host.log())?;
    let written = std::fs::read_to_string(&kubeconfig)?;
    ensure!(written.contains("server: https://"), "no TLS: {written}");

    run(&kubeconfig, &["create", "configmap", "seen", "--from-literal=a=1"])?;
    ensure!(run(&kubeconfig, &["get", "configmap", "seen", "-o", "jsonpath={.data.a}"])? == "1");
    let mut watch = kubectl(&kubeconfig)?;
    watch.args(["get", "configmaps", "--field-selector=metadata.name=seen", "-w", "-o", "jsonpath={.data.a}{\"\\n\"}"]);
    let mut seen = Lines::of(watch)?;
    seen.say(&["1"], PATIENCE).await?;
    run(&kubeconfig, &["patch", "configmap", "seen", "--type=merge", "-p", r#"{"data": {"a": "2"}}"#])?;
    seen.say(&["2"], PATIENCE).await
}

fn kubectl(kubeconfig: &Path) -> Result<Command> {
    let mut command = Command::new(Programs::find(&target()?).context("no kubectl")?.kubectl);
    command.arg("--kubeconfig").arg(kubeconfig);
    Ok(command)
}

fn run(kubeconfig: &Path, words: &[&str]) -> Result<String> {
    let mut command = kubectl(kubeconfig)?;
    command.args(words);
    output(command)
}
