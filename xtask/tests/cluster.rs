//! `cargo xtask cluster`, as it is typed.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, ensure};
use capstan_realcluster::{Programs, end, is_here, target};

/// For a process that was killed.
const GONE_WITHIN: Duration = Duration::from_secs(20);

/// What names of control planes of this test begin with; then comes the test's process.
const PREFIX: &str = "test-";

/// A name, and what may have been started under it, which ends with this.
struct Named {
    name: String,
    target: PathBuf,
}

impl Named {
    fn new(target: &Path, letter: char) -> Self {
        Self { name: format!("{PREFIX}{}-{letter}", std::process::id()), target: target.to_owned() }
    }

    fn folder(&self) -> PathBuf {
        folder(&self.target).join(&self.name)
    }

    fn run(&self, command: &str) -> Result<Output> {
        let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
        xtask.args(["cluster", command, &self.name]).env("CARGO_TARGET_DIR", &self.target);
        xtask.output().context("xtask cannot be started")
    }

    /// What it printed.
    fn done(&self, command: &str) -> Result<String> {
        let output = self.run(command)?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "cluster {command} {}: {said}", self.name);
        Ok(String::from_utf8(output.stdout)?)
    }

    /// What it said when it failed, as it has to.
    fn refused(&self, command: &str) -> Result<String> {
        let output = self.run(command)?;
        ensure!(output.status.code() == Some(1) && output.stdout.is_empty(), "cluster {command}: {output:?}");
        Ok(String::from_utf8(output.stderr)?)
    }

    /// The namespaces that kubectl sees in a shell that was told of the control plane, and nothing else.
    fn namespaces(&self) -> Result<String> {
        let script = "eval \"$1\" && exec kubectl get namespaces --output name";
        let output = Command::new("sh").args(["-c", script, "sh", &self.done("env")?]).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Where its API server listens.
    fn address(&self) -> Result<String> {
        let kubeconfig = fs::read_to_string(self.folder().join("kubeconfig"))?;
        let server = kubeconfig.lines().find_map(|line| line.trim().strip_prefix("server: https://"));
        Ok(server.context("the kubeconfig names no server")?.to_owned())
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        // Nothing, after a test that passed.
        let _ = end(&self.folder());
    }
}

fn folder(target: &Path) -> PathBuf {
    target.join("realcluster/up")
}

/// Ends what tests left that were killed, where it can be seen whether they were.
fn sweep(target: &Path) -> Result<()> {
    if !Path::new("/proc/self").exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder(target)).into_iter().flatten() {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-')).map(|(process, _)| process);
        if owner.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            end(&entry.path())?;
        }
    }
    Ok(())
}

#[test]
fn control_planes_come_and_go_one_by_one() -> Result<()> {
    if !is_here() {
        return Ok(());
    }
    let target = target()?;
    // `up` would build them, which takes minutes.
    Programs::find(&target)?;
    sweep(&target)?;
    let (one, other) = (Named::new(&target, 'a'), Named::new(&target, 'b'));
    assert!(one.refused("env")?.contains("is not up"));
    assert!(one.refused("down")?.contains("is not up"));

    thread::scope(|scope| {
        let beside = scope.spawn(|| other.done("up"));
        let up = one.done("up");
        beside.join().map_err(|_| anyhow!("a thread panicked"))?.and(up)
    })?;
    for named in [&one, &other] {
        let namespaces = named.namespaces()?;
        assert!(namespaces.lines().any(|line| line == "namespace/default"), "{namespaces}");
    }
    assert!(one.refused("up")?.contains("is up already"));

    let address = one.address()?;
    assert_ne!(address, other.address()?);
    one.done("down")?;
    assert!(!one.folder().exists());
    let deadline = Instant::now() + GONE_WITHIN;
    while TcpStream::connect(&address).is_ok() {
        assert!(Instant::now() < deadline, "its API server still listens on {address}");
        thread::yield_now();
    }
    assert!(other.namespaces()?.contains("namespace/default"), "the other one is left alone");
    other.done("down")?;
    Ok(())
}

/// Cargo takes its target directory for relative to where it is called, and so does everything that it runs; and whoever names the
/// programs of a control plane means it the same way.
#[test]
fn relative_directories_are_below_where_the_command_is_given() -> Result<()> {
    let made = std::env::temp_dir().join(format!("capstan-xtask-{}", std::process::id()));
    let control_plane = made.join("built/realcluster/up/it");
    fs::create_dir_all(&control_plane)?;
    fs::write(control_plane.join("kubeconfig"), "")?;
    let programs = made.join("programs");
    fs::create_dir_all(&programs)?;
    for program in ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl"] {
        fs::write(programs.join(program), "")?;
    }
    let top = fs::canonicalize(&made)?;
    let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
    xtask.args(["cluster", "env", "it"]).current_dir(&top);
    let output = xtask.env("CARGO_TARGET_DIR", "built").env("KUBEBUILDER_ASSETS", "programs").output()?;
    fs::remove_dir_all(made)?;
    let printed = String::from_utf8(output.stdout)?;
    let kubeconfig = top.join("built/realcluster/up/it/kubeconfig");
    assert!(printed.contains(&format!("KUBECONFIG='{}'", kubeconfig.display())), "{printed}");
    assert!(printed.contains(&format!("PATH='{}':", top.join("programs").display())), "{printed}");
    Ok(())
}
