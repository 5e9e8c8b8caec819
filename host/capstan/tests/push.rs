//! `capstan provider push`, as it is run, to a real registry.

#[allow(dead_code, reason = "each test program uses its own part")]
mod support;

use std::{
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{ExitCode, Output},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use capstan_registry::{PASSWORD, Registry, Setup, USER, is_here};
use libtest_mimic::{Arguments, Trial};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::{Value, json};
use support::{command, objects, plugin};
use tempfile::TempDir;

fn main() -> ExitCode {
    let here = is_here();
    let cases: [(&str, fn()); 6] = [
        ("a_push_prints_a_provider_that_pins_it", a_push_prints_a_provider_that_pins_it),
        ("the_same_file_is_the_same_artifact", the_same_file_is_the_same_artifact),
        ("credentials_come_from_docker", credentials_come_from_docker),
        ("a_certificate_is_trusted_from_a_bundle", a_certificate_is_trusted_from_a_bundle),
        ("what_goes_wrong_says_what_to_do", what_goes_wrong_says_what_to_do),
        ("what_is_no_provider_is_not_pushed", what_is_no_provider_is_not_pushed),
    ];
    let trial = |(name, case): (&str, fn())| {
        let run = move || {
            case();
            Ok(())
        };
        Trial::test(name, run).with_ignored_flag(!here)
    };
    libtest_mimic::run(&Arguments::from_args(), cases.into_iter().map(trial).collect()).exit_code()
}

struct World {
    registry: Registry,
    folder: TempDir,
}

impl World {
    fn start(asks_who: bool) -> Self {
        Self::with(&Setup { asks_who, ..Setup::default() })
    }

    fn with(setup: &Setup) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::start(folder.path(), setup).unwrap();
        Self { registry, folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn address(&self) -> String {
        self.registry.address().to_string()
    }

    fn sign_in(&self, config: &Value) {
        std::fs::write(self.path().join("config.json"), config.to_string()).unwrap();
    }

    /// `capstan provider push ARGUMENTS`, with the world's own Docker configuration.
    fn push(&self, arguments: &[&str]) -> Output {
        let mut command = command();
        command.args(["provider", "push"]).args(arguments).env("DOCKER_CONFIG", self.path());
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", self.path().display()));
        command.env_remove("SOURCE_DATE_EPOCH").output().unwrap()
    }

    fn neighbour(&self, more: &[&str]) -> Output {
        let (file, reference) = (plugin("neighbour"), format!("{}/team/neighbour:1", self.address()));
        self.push(&[&[file.to_str().unwrap(), &reference, "--plain-http"], more].concat())
    }
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn printed(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", said(output));
    objects(std::str::from_utf8(&output.stdout).unwrap())
}

fn refused(output: &Output) -> String {
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]), "{}", said(output));
    said(output)
}

fn a_push_prints_a_provider_that_pins_it() {
    let world = World::start(false);
    let grants = world.path().join("grants.yaml");
    std::fs::write(&grants, "kubernetes: [{apiGroups: [''], kinds: [ConfigMap], verbs: [get]}]\nlimits: {memory: 8Mi}")
        .unwrap();
    let output = world.neighbour(&["--grants", grants.to_str().unwrap(), "--pull-secret", "registry", "--name", "n1"]);
    let made = printed(&output);
    let [role, binding, provider] = made.as_slice() else { panic!("{made:?}") };
    assert_eq!(role["rules"][0]["resourceNames"], json!(["registry"]));
    assert_eq!((&role["rules"][0]["resources"], &role["rules"][0]["verbs"]), (&json!(["secrets"]), &json!(["get"])));
    assert_eq!(binding["subjects"][0]["namespace"], "capstan-system");
    assert_eq!(role["metadata"]["namespace"], "capstan-system");

    assert_eq!((&provider["kind"], &provider["metadata"]["name"]), (&json!("Provider"), &json!("n1")));
    let spec = &provider["spec"];
    let inspected = support::stdout(&["provider", "inspect", plugin("neighbour").to_str().unwrap(), "-o", "json"]);
    let inspected: Value = serde_json::from_str(&inspected).unwrap();
    assert_eq!(spec["digest"], inspected["digest"]);
    assert_eq!(spec["grants"]["kubernetes"][0]["kinds"], json!(["ConfigMap"]));
    let oci = &spec["source"]["oci"];
    assert_eq!((&oci["pullSecret"]["name"], &oci["plainHttp"]), (&json!("registry"), &json!(true)));
    let (name, manifest) = oci["reference"].as_str().unwrap().split_once('@').unwrap();
    assert_eq!(name, format!("{}/team/neighbour", world.address()));
    // People read it in both places.
    assert!(said(&output).contains(&format!("manifest   {manifest}")), "{}", said(&output));
    let yaml = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(yaml.contains(&format!("# {}/team/neighbour:1 with the manifest {manifest}", world.address())), "{yaml}");
}

fn the_same_file_is_the_same_artifact() {
    let world = World::start(false);
    let reference = |output: &Output| printed(output)[0]["spec"]["source"]["oci"]["reference"].clone();
    let first = reference(&world.neighbour(&[]));
    assert_eq!(reference(&world.neighbour(&[])), first);
}

fn credentials_come_from_docker() {
    let world = World::start(true);
    let to = world.address();
    let both = format!("{USER}:{PASSWORD}");
    world.sign_in(&json!({"auths": {&to: {"auth": STANDARD.encode(both)}}}));
    printed(&world.neighbour(&[]));

    // A helper in the path, which is told the registry.
    let helper = world.path().join("docker-credential-test");
    let answer = json!({"ServerURL": &to, "Username": USER, "Secret": PASSWORD});
    std::fs::write(&helper, format!("#!/bin/sh\n[ \"$1 $(cat)\" = 'get {to}' ] && echo '{answer}'\n")).unwrap();
    std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).unwrap();
    world.sign_in(&json!({"auths": {&to: {}}, "credsStore": "test"}));
    printed(&world.neighbour(&[]));

    world.sign_in(&json!({"credsStore": "absent"}));
    let error = refused(&world.neighbour(&[]));
    assert!(error.contains("docker-credential-absent cannot be started") && error.contains("docker login"), "{error}");
}

fn a_certificate_is_trusted_from_a_bundle() {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let world = World::with(&Setup { tls: Some((cert.pem(), signing_key.serialize_pem())), ..Setup::default() });
    let bundle = world.path().join("bundle.pem");
    std::fs::write(&bundle, cert.pem()).unwrap();
    let (file, reference) = (plugin("neighbour"), format!("localhost:{}/neighbour:1", world.registry.address().port()));
    let file = file.to_str().unwrap();
    let error = refused(&world.push(&[file, &reference]));
    assert!(error.contains("--ca-bundle FILE"), "{error}");
    let made = printed(&world.push(&[file, &reference, "--ca-bundle", bundle.to_str().unwrap()]));
    assert!(made[0]["spec"]["source"]["oci"].get("plainHttp").is_none(), "{made:?}");
}

fn what_goes_wrong_says_what_to_do() {
    let mut world = World::start(true);
    let error = refused(&world.neighbour(&[]));
    assert!(error.contains(&format!("docker login {}", world.address())), "{error}");
    assert!(error.contains(world.path().join("config.json").to_str().unwrap()), "{error}");

    world.sign_in(&json!({"auths": {world.address(): {"username": USER, "password": "hunter2"}}}));
    let error = refused(&world.neighbour(&[]));
    assert!(error.contains("does not accept the credentials") && !error.contains("hunter2"), "{error}");

    world.sign_in(&json!({"auths": {world.address(): {"auth": "hunter2"}}}));
    let error = refused(&world.neighbour(&[]));
    assert!(error.contains("config.json cannot be used") && !error.contains("hunter2"), "{error}");

    let file = plugin("neighbour");
    let file = file.to_str().unwrap();
    world.sign_in(&json!({}));
    let local = format!("{}/neighbour:1", world.address());
    let error = refused(&world.push(&[file, &local]));
    assert!(error.contains("--plain-http"), "{error}");
    let error = refused(&world.push(&[file, "registry.example.org/neighbour:1", "--plain-http"]));
    assert!(error.contains("leave out --plain-http"), "{error}");
    world.registry.stop();
    let error = refused(&world.push(&[file, &local, "--plain-http"]));
    assert!(error.contains("see whether it runs"), "{error}");
}

fn what_is_no_provider_is_not_pushed() {
    let world = World::start(false);
    let module = world.path().join("module.wasm");
    std::fs::write(&module, b"\0asm\x01\0\0\0").unwrap();
    let reference = format!("{}/module:1", world.address());
    let error = refused(&world.push(&[module.to_str().unwrap(), &reference, "--plain-http"]));
    assert!(error.contains("wasm32-wasip2"), "{error}");

    let neighbour = plugin("neighbour");
    let neighbour = neighbour.to_str().unwrap();
    let output = world.push(&[neighbour, "neighbour:1"]);
    assert_eq!(output.status.code(), Some(2), "wrong usage");
    assert!(said(&output).contains("names no registry"), "{}", said(&output));
    let digest = format!("{}/neighbour@sha256:{}", world.address(), "0".repeat(64));
    let error = refused(&world.push(&[neighbour, &digest, "--plain-http"]));
    assert!(error.contains("names no tag"), "{error}");
}
