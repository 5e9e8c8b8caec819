//! `capstan dev --data DIR`: what was written is there again after whatever became of the process.

use std::{fs, future::ready, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use capstan_e2e::{HostProcess, Objects, eventually};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};

const PATIENCE: Duration = Duration::from_mins(1);

const OBJECT: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: kept, namespace: default}, data: {a: b}}";

#[tokio::test]
async fn objects_outlive_the_process_and_damage_is_refused() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let kubeconfig = folder.path().join("kubeconfig");
    let mut host = dev(folder.path(), &data, &kubeconfig)?;
    let apply = || async { objects(&kubeconfig).await?.apply(OBJECT).await };
    eventually("the object is applied", PATIENCE, apply, |()| true).await.with_context(|| host.log())?;
    let written = uid(&kubeconfig).await?;

    // A second one has a folder of its own for all but the data.
    let second = tempfile::tempdir()?;
    let (code, log) = ended(dev(second.path(), &data, &second.path().join("kubeconfig"))?).await?;
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("is in use by another process"), "{log}");
    assert!(!second.path().join("kubeconfig").exists());

    host.kill()?;
    // Until the next one serves, the kubeconfig leads nowhere.
    let mut host = dev(folder.path(), &data, &kubeconfig)?;
    let read = eventually("the object is there again", PATIENCE, || uid(&kubeconfig), |_| true).await;
    assert_eq!(read.with_context(|| host.log())?, written);

    host.kill()?;
    let journal = data.join("journal");
    let mut content = fs::read(&journal)?;
    let middle = content.len() / 2;
    content[middle] ^= 1;
    fs::write(&journal, &content)?;
    let third = tempfile::tempdir()?;
    let (code, log) = ended(dev(third.path(), &data, &third.path().join("kubeconfig"))?).await?;
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("is damaged at byte") && log.contains("truncate --size="), "{log}");
    assert_eq!(fs::read(&journal)?, content, "it is left as it is");
    Ok(())
}

fn dev(folder: &Path, data: &Path, kubeconfig: &Path) -> Result<HostProcess> {
    let (data, kubeconfig) = (data.to_string_lossy(), kubeconfig.to_string_lossy());
    HostProcess::start(folder, &["dev", "--data", &data, "--kubeconfig", &kubeconfig])
}

/// The code and the log of a process that ends by itself.
async fn ended(mut host: HostProcess) -> Result<(Option<i32>, String)> {
    let code = eventually("the process ends", PATIENCE, || ready(host.exit_code()), Option::is_some).await;
    let code = code.with_context(|| host.log())?;
    Ok((code, host.log()))
}

async fn uid(kubeconfig: &Path) -> Result<String> {
    let object = objects(kubeconfig).await?.get("v1", "configmaps", "default", "kept").await?;
    let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
    ensure!(!uid.is_empty(), "{object:#}");
    Ok(uid.to_owned())
}

async fn objects(kubeconfig: &Path) -> Result<Objects> {
    let file = Kubeconfig::read_from(kubeconfig)?;
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?;
    Ok(Objects::new(Client::try_from(config)?))
}
