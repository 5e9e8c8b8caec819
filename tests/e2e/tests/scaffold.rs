//! What `capstan provider new` makes builds, passes its tests and reconciles, unchanged.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};
use capstan_e2e::{HostProcess, Objects, capstan, eventually, output};
use capstan_realcluster::target;
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};

const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn what_new_makes_builds_and_reconciles_as_it_is() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let crate_folder = folder.path().join("hello");
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let sdk = checkout.join("guest-sdk");
    let text = |path: &Path| path.to_string_lossy().into_owned();
    capstan(&["provider", "new", "hello", "--kind", "Greeting", "--sdk", &text(&sdk), "--path", &text(&crate_folder)])?;
    // The versions that this checkout has, so that nothing needs to be fetched.
    fs::copy(checkout.join("Cargo.lock"), crate_folder.join("Cargo.lock"))?;

    cargo(&crate_folder, &["test"])?;
    cargo(&crate_folder, &["build", "--release", "--target", "wasm32-wasip2"])?;
    let providers = folder.path().join("providers");
    fs::create_dir(&providers)?;
    let built = built_in()?.join("wasm32-wasip2/release/hello_provider.wasm");
    fs::copy(built, providers.join("hello.wasm")).context("the component was not built")?;
    fs::copy(crate_folder.join("grants.yaml"), providers.join("hello.grants.yaml"))?;

    let (component, grants) = (providers.join("hello.wasm"), crate_folder.join("grants.yaml"));
    let case = crate_folder.join("cases/lifecycle.yaml");
    let tested = capstan(&["provider", "test", &text(&component), "--grants", &text(&grants), &text(&case)])?;
    assert!(tested.ends_with("1 passed, 0 failed\n"), "{tested}");

    let kubeconfig = folder.path().join("kubeconfig");
    let host = HostProcess::start(
        folder.path(),
        &["dev", "--providers", &text(&providers), "--kubeconfig", &text(&kubeconfig)],
    )?;
    let client = eventually(
        "the API server",
        PATIENCE,
        || async {
            let client = connect(&kubeconfig).await?;
            client.apiserver_version().await?;
            Ok(Shown(client))
        },
        |_| true,
    );
    let objects = Objects::new(client.await.with_context(|| host.log())?.0);
    let sample = fs::read_to_string(crate_folder.join("sample.yaml"))?;
    // Its kind is installed when the provider has been loaded.
    let applied = eventually("the sample", PATIENCE, || objects.apply(&sample), |()| true);
    applied.await.with_context(|| host.log())?;
    let look = || objects.get("v1", "configmaps", "default", "greeting-first");
    let written = eventually("the ConfigMap", PATIENCE, look, |map| map["data"]["text"] == "hello");
    written.await.with_context(|| host.log())?;
    Ok(())
}

/// Says in a failure only that it was there.
struct Shown(Client);

impl std::fmt::Debug for Shown {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a client")
    }
}

/// Apart from the workspace's own, and kept, so that only the first time takes long.
fn built_in() -> Result<PathBuf> {
    Ok(target()?.join("scaffold"))
}

fn cargo(folder: &Path, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(folder).env("CARGO_TARGET_DIR", built_in()?);
    output(command)
}

async fn connect(kubeconfig: &Path) -> Result<Client> {
    let file = Kubeconfig::read_from(kubeconfig)?;
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}
