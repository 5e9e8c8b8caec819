//! One registry.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use capstan_realcluster::{free_port, target};

/// Who may do anything in a registry that asks.
pub const USER: &str = "alice";
/// Hers.
pub const PASSWORD: &str = "correct horse";
/// The registry takes bcrypt alone; this is the hash of the password, with the smallest cost that there is.
const HASH: &str = "$2a$04$qWRu0DlLfF7JQyH3Qg/emuIBvMyoNC9EmI7AhO9X2DjW7s7jJld0u";

/// It opens its port within a second; on a busy machine later.
const UP_WITHIN: Duration = Duration::from_secs(30);

/// How a registry is.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// Lets in [`USER`] alone, with her [`PASSWORD`].
    pub asks_who: bool,
    /// Speaks HTTPS, with this certificate and its key, both in PEM.
    pub tls: Option<(String, String)>,
}

/// Listens on a port of the loopback interface, and keeps its content in a folder. Killed when dropped.
#[derive(Debug)]
pub struct Registry {
    folder: PathBuf,
    address: SocketAddr,
    speaks_tls: bool,
    process: Option<Child>,
}

impl Registry {
    /// Starts one that keeps everything in `folder`.
    ///
    /// # Errors
    /// If the program is missing, or it does not start.
    pub fn start(folder: &Path, setup: &Setup) -> Result<Self> {
        fs::create_dir_all(folder.join("content")).with_context(|| format!("{} cannot be made", folder.display()))?;
        // The registry cannot say itself which port it got.
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        // Files are named from the folder, where the program runs.
        let mut tls = "";
        if let Some((certificate, key)) = &setup.tls {
            fs::write(folder.join("certificate.pem"), certificate)?;
            fs::write(folder.join("key.pem"), key)?;
            tls = ", tls: {certificate: certificate.pem, key: key.pem}";
        }
        let mut auth = "";
        if setup.asks_who {
            fs::write(folder.join("htpasswd"), format!("{USER}:{HASH}\n"))?;
            auth = "auth: {htpasswd: {realm: test, path: htpasswd}}\n";
        }
        let config = format!(
            "version: 0.1\nlog: {{level: warn, accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: content}}, maintenance: {{uploadpurging: {{enabled: false}}}}}}\n\
             http: {{addr: \"{address}\", secret: of-a-test{tls}}}\n{auth}"
        );
        fs::write(folder.join("config.yml"), config)?;
        let mut registry = Self { folder: folder.to_owned(), address, speaks_tls: setup.tls.is_some(), process: None };
        registry.resume()?;
        Ok(registry)
    }

    /// Host and port: what a reference begins with.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// It is gone, from one moment to the other.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended by itself.
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// It is back at the same address with the same content.
    ///
    /// # Errors
    /// If it does not start.
    pub fn resume(&mut self) -> Result<()> {
        self.stop();
        let target = target()?;
        let program = crate::find(&target).context("the registry is not built: run `cargo xtask registry`")?;
        let log = File::options().create(true).append(true).open(self.folder.join("registry.log"))?;
        let process = Command::new(&program)
            .args(["serve", "config.yml"])
            .current_dir(&self.folder)
            // Else it looks for a collector of traces, and says at length that there is none.
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        self.process = Some(process);
        self.wait()
    }

    fn wait(&mut self) -> Result<()> {
        let begun = Instant::now();
        loop {
            if self.answers() {
                return Ok(());
            }
            let ended = self.process.as_mut().map(Child::try_wait).transpose()?.flatten();
            if ended.is_some() || begun.elapsed() > UP_WITHIN {
                let log = fs::read_to_string(self.folder.join("registry.log")).unwrap_or_default();
                bail!("the registry does not answer ({ended:?}):\n{log}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn answers(&self) -> bool {
        let asked = || -> std::io::Result<bool> {
            let mut stream = TcpStream::connect(self.address)?;
            if self.speaks_tls {
                return Ok(true);
            }
            stream.set_read_timeout(Some(UP_WITHIN))?;
            stream.write_all(b"GET /v2/ HTTP/1.0\r\n\r\n")?;
            let mut beginning = [0; 5];
            stream.read_exact(&mut beginning)?;
            Ok(&beginning == b"HTTP/")
        };
        asked().unwrap_or(false)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stop();
    }
}
