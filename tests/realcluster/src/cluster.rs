//! Starting a control plane, and what its users need to know.

use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{
    Programs,
    process::Process,
    random::{free_port, token},
    state,
};

/// Usually four seconds; machines that compile something meanwhile need more.
const READY_WITHIN: Duration = Duration::from_mins(2);

const LOOK: Duration = Duration::from_millis(100);
/// Between two questions by kubectl, each of which costs a good part of a second of a processor.
const ASK: Duration = Duration::from_millis(400);

/// Others may take the port between choosing and using it.
const ATTEMPTS: u32 = 3;

/// Variables beside those of this program.
pub(crate) type Environment = &'static [(&'static str, &'static str)];

/// A running control plane. It ends when this is dropped, unless it was [left](Self::leave) to itself.
#[derive(Debug)]
pub struct RealCluster {
    // In this order they end.
    controller_manager: Process,
    api_server: Process,
    etcd: Process,
    programs: Programs,
    environment: Environment,
    folder: PathBuf,
    server: String,
    port: u16,
    admin_token: String,
}

impl RealCluster {
    /// Starts etcd, kube-apiserver and kube-controller-manager, and waits until namespaces get their service accounts. `folder`
    /// must not exist; everything is kept there: data, keys, logs, and `kubeconfig` for an admin.
    ///
    /// # Errors
    /// If a program ends or is not ready within two minutes; the error has the end of its log.
    pub fn start(programs: &Programs, folder: &Path) -> Result<Self> {
        Self::start_in(programs, folder, &[])
    }

    /// The same, with an environment for its programs beside this program's own.
    pub(crate) fn start_in(programs: &Programs, folder: &Path, environment: Environment) -> Result<Self> {
        let folder = std::path::absolute(folder)?;
        state::make_folder(&folder)?;
        state::own(&folder)?;
        let mut etcd = start_etcd(&programs.etcd, &folder, environment)?;
        state::record(&folder, &[&etcd])?;
        let (mut api_server, port) = start_api_server(&programs.api_server, &folder, &etcd, environment)?;
        state::record(&folder, &[&api_server, &etcd])?;
        let server = format!("https://127.0.0.1:{port}");
        let admin_token = fs::read_to_string(folder.join(ADMIN_TOKEN))?;
        write_private(&folder.join(KUBECONFIG), &kubeconfig(&server, &folder.join(CA), &admin_token))?;
        let deadline = Instant::now() + READY_WITHIN;
        let kubectl = || kubectl(&programs.kubectl, &folder);
        // The controllers wait 20 s for an API server in good health, and give up.
        until_answered(kubectl, &["get", "--raw", "/readyz"], &mut [&mut api_server, &mut etcd], deadline)?;
        let mut controller_manager = start_controllers(&programs.controller_manager, &folder, environment)?;
        state::record(&folder, &[&controller_manager, &api_server, &etcd])?;
        for wanted in [["get", "serviceaccount", "default"], ["get", "configmap", "kube-root-ca.crt"]] {
            let processes = &mut [&mut api_server, &mut controller_manager, &mut etcd];
            until_answered(kubectl, &wanted, processes, deadline)?;
        }
        let programs = programs.clone();
        Ok(Self { controller_manager, api_server, etcd, programs, environment, folder, server, port, admin_token })
    }

    /// Where the API server answers.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The certificate (PEM) to trust.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.folder.join(CA)
    }

    /// The bearer token of a member of `system:masters`.
    #[must_use]
    pub fn admin_token(&self) -> &str {
        &self.admin_token
    }

    /// A kubeconfig for an admin.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join(KUBECONFIG)
    }

    /// A kubeconfig (YAML) for whoever has a bearer token.
    #[must_use]
    pub fn kubeconfig_for(&self, token: &str) -> String {
        kubeconfig(&self.server, &self.ca_file(), token)
    }

    /// kubectl of the same version, as admin.
    #[must_use]
    pub fn kubectl(&self) -> Command {
        kubectl(&self.programs.kubectl, &self.folder)
    }

    /// Restarts the controllers: the garbage collector learns new kinds only every 30 s, and at its start.
    ///
    /// # Errors
    /// If it does not start.
    pub fn restart_controllers(&mut self) -> Result<()> {
        self.controller_manager.kill();
        self.controller_manager = start_controllers(&self.programs.controller_manager, &self.folder, self.environment)?;
        state::record(&self.folder, &[&self.controller_manager, &self.api_server, &self.etcd])?;
        Ok(())
    }

    /// Ends the API server, as a crash would, and starts it again at the same address, on the same data and with the same keys:
    /// every token stays valid. Waits until it is ready, which takes seconds.
    ///
    /// # Errors
    /// If it does not start.
    pub fn restart_api_server(&mut self) -> Result<()> {
        self.api_server.kill();
        let mut attempts = 1;
        loop {
            let arguments = api_server_arguments(self.port);
            let started = Process::start(&self.programs.api_server, &arguments, &self.folder, self.environment);
            self.api_server = started.context("kube-apiserver does not come back")?;
            state::record(&self.folder, &[&self.controller_manager, &self.api_server, &self.etcd])?;
            match until_listening(&mut self.api_server, self.port) {
                Ok(()) => break,
                Err(error) if attempts == ATTEMPTS => return Err(error),
                // Somebody may have had the port for a moment.
                Err(_) => attempts += 1,
            }
        }
        let (folder, program) = (&self.folder, &self.programs.kubectl);
        let processes = &mut [&mut self.api_server, &mut self.etcd];
        let deadline = Instant::now() + READY_WITHIN;
        until_answered(|| kubectl(program, folder), &["get", "--raw", "/readyz"], processes, deadline)
    }

    /// Lets it run after this process; [`end`](crate::end) ends it.
    ///
    /// # Errors
    /// If its folder cannot be written.
    pub fn leave(mut self) -> Result<()> {
        state::disown(&self.folder)?;
        for process in [&mut self.controller_manager, &mut self.api_server, &mut self.etcd] {
            process.leave();
        }
        // Nothing is left to end: the folder is the record.
        self.folder = PathBuf::new();
        Ok(())
    }
}

impl Drop for RealCluster {
    fn drop(&mut self) {
        for process in [&mut self.controller_manager, &mut self.api_server, &mut self.etcd] {
            process.kill();
        }
        if !self.folder.as_os_str().is_empty() {
            // What stays behind is swept next time.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

const KUBECONFIG: &str = "kubeconfig";
const ADMIN_TOKEN: &str = "admin.token";
const TOKENS: &str = "tokens.csv";
/// Leaf and CA certificate, which the API server makes itself.
const CA: &str = "certs/apiserver.crt";
/// Signs and verifies tokens of service accounts too: one key less to make.
const KEY: &str = "certs/apiserver.key";
/// Relative, as all paths here: a socket's path may have only 107 bytes, and these folders can be deep.
const SOCKET: &str = "etcd.sock";

fn start_etcd(program: &Path, folder: &Path, environment: Environment) -> Result<Process> {
    let arguments = [
        "--data-dir=etcd".to_owned(),
        // The data is not kept, so that it need not be safe.
        "--unsafe-no-fsync".to_owned(),
        "--log-level=warn".to_owned(),
        format!("--listen-client-urls=unix://{SOCKET}"),
        format!("--advertise-client-urls=unix://{SOCKET}"),
        "--listen-peer-urls=http://127.0.0.1:0".to_owned(),
    ];
    let mut etcd = Process::start(program, &arguments, folder, environment)?;
    let deadline = Instant::now() + READY_WITHIN;
    while !folder.join(SOCKET).exists() {
        etcd.check()?;
        if Instant::now() > deadline {
            bail!("etcd is not ready after {READY_WITHIN:?}:\n{}", etcd.last_words());
        }
        std::thread::sleep(LOOK);
    }
    Ok(etcd)
}

fn start_api_server(program: &Path, folder: &Path, etcd: &Process, environment: Environment) -> Result<(Process, u16)> {
    let admin_token = token()?;
    write_private(&folder.join(ADMIN_TOKEN), &admin_token)?;
    write_private(&folder.join(TOKENS), &format!("{admin_token},admin,admin,\"system:masters\"\n"))?;
    let mut attempts = 1;
    loop {
        let port = free_port()?;
        let mut server = Process::start(program, &api_server_arguments(port), folder, environment)?;
        state::record(folder, &[&server, etcd])?;
        match until_listening(&mut server, port) {
            Ok(()) => return Ok((server, port)),
            Err(error) if attempts == ATTEMPTS => return Err(error),
            // Most likely the port.
            Err(_) => attempts += 1,
        }
    }
}

fn until_listening(server: &mut Process, port: u16) -> Result<()> {
    let deadline = Instant::now() + READY_WITHIN;
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        server.check()?;
        if Instant::now() > deadline {
            bail!("kube-apiserver does not listen after {READY_WITHIN:?}:\n{}", server.last_words());
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

fn api_server_arguments(port: u16) -> Vec<String> {
    vec![
        format!("--etcd-servers=unix://{SOCKET}"),
        "--bind-address=127.0.0.1".to_owned(),
        "--advertise-address=127.0.0.1".to_owned(),
        format!("--secure-port={port}"),
        "--cert-dir=certs".to_owned(),
        format!("--token-auth-file={TOKENS}"),
        "--authorization-mode=RBAC".to_owned(),
        format!("--service-account-issuer=https://127.0.0.1:{port}/"),
        format!("--service-account-key-file={KEY}"),
        format!("--service-account-signing-key-file={KEY}"),
        "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
        // Else it complains about its loopback address.
        "--endpoint-reconciler-type=none".to_owned(),
        "--allow-privileged=true".to_owned(),
        "--profiling=false".to_owned(),
    ]
}

/// Without the controllers that would take the Pods of a played node for lost.
fn start_controllers(program: &Path, folder: &Path, environment: Environment) -> Result<Process> {
    let arguments = [
        format!("--kubeconfig={KUBECONFIG}"),
        "--leader-elect=false".to_owned(),
        "--secure-port=0".to_owned(),
        "--profiling=false".to_owned(),
        "--controllers=*,-node-lifecycle-controller,-pod-garbage-collector-controller,-taint-eviction-controller"
            .to_owned(),
        format!("--service-account-private-key-file={KEY}"),
        format!("--root-ca-file={CA}"),
        "--use-service-account-credentials=false".to_owned(),
    ];
    Process::start(program, &arguments, folder, environment)
}

fn kubectl(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("--kubeconfig").arg(folder.join(KUBECONFIG));
    command
}

/// Waits until kubectl succeeds. The first of the processes is the API server.
fn until_answered(
    kubectl: impl Fn() -> Command,
    wanted: &[&str],
    processes: &mut [&mut Process],
    deadline: Instant,
) -> Result<()> {
    loop {
        let status = kubectl().args(wanted).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if status.context("kubectl cannot be started")?.success() {
            return Ok(());
        }
        for process in &mut *processes {
            process.check()?;
        }
        if Instant::now() > deadline {
            let log = processes.first().map(|process| process.last_words()).unwrap_or_default();
            bail!("the control plane is not ready after {READY_WITHIN:?}: `kubectl {}` fails\n{log}", wanted.join(" "));
        }
        std::thread::sleep(ASK);
    }
}

fn kubeconfig(server: &str, ca: &Path, token: &str) -> String {
    let ca = ca.display();
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: real\nclusters:\n- name: real\n  cluster:\n    server: {server}\n    \
         certificate-authority: {ca}\ncontexts:\n- name: real\n  context: {{cluster: real, user: real, namespace: default}}\n\
         users:\n- name: real\n  user:\n    token: {token}\n"
    )
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    let file = fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("{} cannot be written", path.display()))
}
