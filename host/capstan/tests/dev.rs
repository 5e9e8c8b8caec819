//! `capstan dev`, as it is started.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_mins(1);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// Ended when dropped.
struct Running {
    child: Child,
    folder: TempDir,
}

impl Running {
    fn start(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let mut dev = Command::new(env!("CARGO_BIN_EXE_capstan"));
        dev.args(["dev", "--kubeconfig", "kubeconfig", "--code-cache"]).arg(folder.path().join("cache")).args(more);
        dev.env_remove("CAPSTAN_NAMESPACE");
        let child = dev.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        Self { child: child.spawn().unwrap(), folder }
    }

    /// Once it is there, all of it is.
    fn kubeconfig(&mut self) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Ok(text) = fs::read_to_string(self.folder.path().join("kubeconfig")) {
                return text;
            }
            let ended = self.child.try_wait().unwrap();
            let log = || fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(ended.is_none() && Instant::now() < deadline, "{ended:?}: {}", log());
            thread::sleep(LOOK);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn value<'t>(kubeconfig: &'t str, key: &str) -> Option<&'t str> {
    kubeconfig.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix(": "))
}

/// What comes back for a request in plain HTTP: nothing, if the connection is closed at once.
fn asked(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // In one piece: who understands none of it may be gone before a second one.
    let request = format!("GET /version HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A connection that is reset has given no answer either.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn https_is_served_and_the_kubeconfig_has_whom_to_trust_and_no_key() {
    let mut dev = Running::start(&[]);
    let kubeconfig = dev.kubeconfig();
    let port = value(&kubeconfig, "server").unwrap().strip_prefix("https://127.0.0.1:").unwrap();
    assert!(!asked(&format!("127.0.0.1:{port}")).contains("200 OK"));
    let authority = STANDARD.decode(value(&kubeconfig, "certificate-authority-data").unwrap()).unwrap();
    let authority = String::from_utf8(authority).unwrap();
    assert_eq!(authority.matches("-----BEGIN CERTIFICATE-----").count(), 1, "{authority}");
    assert!(!authority.contains("PRIVATE KEY"));
}

#[test]
fn what_is_logged_into_a_file_is_json() {
    let mut dev = Running::start(&[]);
    dev.kubeconfig();
    let is_json = |line: &str| {
        let line = serde_json::from_str::<serde_json::Value>(line);
        line.is_ok_and(|line| line["level"].is_string() && line["message"].is_string())
    };
    let deadline = Instant::now() + PATIENCE;
    loop {
        let log = fs::read_to_string(dev.folder.path().join("log")).unwrap();
        if log.lines().any(is_json) {
            break;
        }
        assert!(Instant::now() < deadline, "{log}");
        thread::sleep(LOOK);
    }
}

#[test]
fn plain_http_is_served_to_who_asks_for_it() {
    let mut dev = Running::start(&["--plain-http"]);
    let kubeconfig = dev.kubeconfig();
    let address = value(&kubeconfig, "server").unwrap().strip_prefix("http://").unwrap();
    assert!(asked(address).starts_with("HTTP/1.1 200 OK"));
    assert_eq!(value(&kubeconfig, "certificate-authority-data"), None);
}
