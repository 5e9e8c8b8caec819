//! What is said to somebody who has made a usual mistake: one line that names what is wrong, and what to do.

#[allow(dead_code, reason = "each test program uses its own part")]
mod support;

use std::{fs, net::TcpListener};

use support::{plugin, refusal};
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }
}

/// Of a command that fails: its last line, which has to be all that it says of the mistake.
fn mistake(arguments: &[&str], expected: &[&str]) {
    let (code, said) = refusal(arguments);
    assert_eq!(code, Some(1), "{arguments:?}: {said}");
    let told: Vec<&str> = said.lines().skip_while(|line| !line.starts_with("error: ")).collect();
    let [error] = told[..] else { panic!("{arguments:?}: {said}") };
    for part in expected {
        assert!(error.contains(part), "{arguments:?}: {part}: {error}");
    }
    for debug in ["\\\"", "Some(", "Os {", "kind: "] {
        assert!(!error.contains(debug), "{arguments:?}: {error}");
    }
}

#[test]
fn of_a_kubeconfig() {
    let folder = Folder::new();
    let missing = folder.path("missing");
    mistake(&["run", "--kubeconfig", &missing], &[&missing, "cannot be read: No such file"]);
    let text = folder.file("text", "hello: [");
    mistake(&["run", "--kubeconfig", &text], &[&text, "it is no kubeconfig"]);
    let cluster = "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]\ncontexts: [{name: dev, context: {cluster: c}}]\n";
    let without = folder.file("without", cluster);
    mistake(&["run", "--kubeconfig", &without], &["name one with --context, of dev"]);
    mistake(&["run", "--kubeconfig", &without, "--context", "prod"], &["no context prod", "of dev"]);
}

#[test]
fn of_the_embedded_server() {
    let folder = Folder::new();
    let (kubeconfig, cache) = (folder.path("kubeconfig"), folder.path("cache"));
    let dev = |more: &[&str], expected: &[&str]| {
        let arguments = [&["dev", "--kubeconfig", &kubeconfig, "--code-cache", &cache], more].concat();
        mistake(&arguments, expected);
        assert!(!fs::exists(&kubeconfig).unwrap(), "{more:?}: nothing is left behind");
    };
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    dev(&["--listen", &address], &[&address, "choose another one with --listen", "Address already in use"]);
    dev(&["--listen", "0.0.0.0:0"], &["no loopback address", "use 127.0.0.1"]);
    let file = folder.file("file", "");
    dev(&["--data", &file], &["--data", &file]);
    let nowhere = folder.path("nowhere/at/all");
    dev(&["--providers", &nowhere], &[&nowhere, "--providers", "No such file"]);
    dev(&["--ca-bundle", &nowhere], &["--ca-bundle", &nowhere, "No such file"]);
    let arguments = ["dev", "--kubeconfig", &nowhere, "--code-cache", &cache];
    mistake(&arguments, &["--kubeconfig", &nowhere, "cannot be written", "No such file"]);
}

#[test]
fn of_an_address_for_probes() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    mistake(&["run", "--health-address", &address], &["another --health-address", "Address already in use"]);
}

#[test]
fn of_files_of_a_provider() {
    let folder = Folder::new();
    let component = plugin("neighbour").to_str().unwrap().to_owned();
    let directory = folder.path("");
    mistake(&["provider", "inspect", &directory], &[&directory, "cannot be read", "Is a directory"]);
    let grants = folder.file("grants.yaml", "kubernetes:\n- {apiGroups: [''], kind: [ConfigMap], verbs: [get]}\n");
    let package = ["provider", "package", &component, "--grants", &grants];
    mistake(&package, &[&grants, "cannot be used", "kind", "line 2"]);
    let missing = folder.path("missing.yaml");
    mistake(&["provider", "package", &component, "--grants", &missing], &[&missing, "cannot be read"]);
    let case = folder.file("case.yaml", "steps:\n- expects: {}\n");
    mistake(&["provider", "test", &component, &case], &[&case, "is no case", "expects", "line 2"]);
    mistake(&["provider", "test", &component, &missing], &[&missing, "cannot be read"]);
}

#[test]
fn of_a_directory_for_pages() {
    let folder = Folder::new();
    let file = folder.file("file", "");
    let below = folder.path("file/below");
    mistake(&["man", "--directory", &below], &[&below, "cannot be made"]);
    mistake(&["man", "--directory", &file], &[&file, "cannot be made"]);
}
