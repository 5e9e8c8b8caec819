//! `capstan provider inspect` and `package`, as they are run, on a real component.

#[allow(dead_code, reason = "each test program uses its own part")]
mod support;

use std::{
    fs::Permissions,
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use support::{capstan, command, objects, plugin, refusal, stdout};
use tempfile::TempDir;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn neighbour() -> String {
    text(&plugin("neighbour")).to_owned()
}

fn write(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

/// The neighbour with all of one text replaced by another of the same length, which leaves a whole component.
fn altered(folder: &TempDir, from: &str, to: &str) -> PathBuf {
    assert_eq!(from.len(), to.len());
    let mut bytes = std::fs::read(plugin("neighbour")).unwrap();
    let places: Vec<usize> =
        (0..bytes.len() - from.len()).filter(|&at| bytes[at..].starts_with(from.as_bytes())).collect();
    assert!(!places.is_empty(), "{from} is not in the component");
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    write(folder, "altered.wasm", bytes)
}

fn unpacked(packed: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut plain).unwrap();
    plain
}

#[test]
fn inspect_tells_people_what_a_provider_is() {
    let said = stdout(&["provider", "inspect", &neighbour()]);
    for expected in [
        "Name      neighbour\n",
        "Contract  capstan:provider@0.1.0\n",
        "Digest    sha256:",
        "Note (test.capstan.dev/v1), namespaced, brings its definition\n",
        "on ConfigMap of the core group\n",
        "kinds: [\"ConfigMap\"]\n",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[test]
fn what_is_looked_into_is_compiled_once_where_a_host_keeps_code() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("code");
    let inspect = || {
        let output = command().args(["provider", "inspect", &neighbour()]).env("CAPSTAN_CODE_CACHE", &cache).output();
        let output = output.unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(inspect(), (true, String::new()));
    let kept = || -> Vec<_> { std::fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path()).collect() };
    let code = kept().into_iter().filter(|path| path.metadata().unwrap().len() > 100_000).collect::<Vec<_>>();
    let [code] = &code[..] else { panic!("{:?}", kept()) };
    let made = std::fs::metadata(code).unwrap().created().unwrap();
    assert_eq!(inspect(), (true, String::new()));
    assert_eq!(std::fs::metadata(code).unwrap().created().unwrap(), made, "it was compiled again");

    // Nobody else may leave code there.
    std::fs::set_permissions(&cache, Permissions::from_mode(0o777)).unwrap();
    let (fine, said) = inspect();
    assert!(!fine && said.contains("the sandbox cannot be set up"), "{said}");
}

#[test]
fn inspect_tells_machines_the_same_of_a_packed_component() {
    let folder = tempfile::tempdir().unwrap();
    let component = std::fs::read(plugin("neighbour")).unwrap();
    let mut packed = Vec::new();
    flate2::read::GzEncoder::new(component.as_slice(), flate2::Compression::fast()).read_to_end(&mut packed).unwrap();
    // What it is stands in the file, not in its name.
    let packed = write(&folder, "no-ending", packed);
    let plain: Value = serde_json::from_str(&stdout(&["provider", "inspect", &neighbour(), "-o", "json"])).unwrap();
    let packed: Value = serde_json::from_str(&stdout(&["provider", "inspect", text(&packed), "-o", "json"])).unwrap();
    assert_eq!(plain, packed);
    assert_eq!(plain["size"]["bytes"], component.len());
    assert_eq!(
        plain["kinds"],
        json!([{
            "apiVersion": "test.capstan.dev/v1", "kind": "Note", "definition": "notes.test.capstan.dev",
            "scope": "Namespaced", "recoverable": true,
        }])
    );
}

#[test]
fn package_prints_what_the_host_needs_and_reads() {
    let folder = tempfile::tempdir().unwrap();
    let file = "# mine\nkubernetes:\n  - {apiGroups: [''], kinds: [ConfigMap], verbs: [get, create, patch]}\n  \
                - {apiGroups: [''], kinds: [Secret], verbs: [get], namespaces: [team], names: [key]}\n";
    let grants = write(&folder, "grants.yaml", file);
    let arguments =
        ["provider", "package", &neighbour(), "--grants", text(&grants), "--namespace", "host", "--name", "n1"];
    let made = objects(&stdout(&arguments));
    let kinds: Vec<&str> = made.iter().map(|object| object["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["CustomResourceDefinition", "ClusterRole", "Role", "RoleBinding", "ConfigMap"]);

    let [definition, cluster_role, role, binding, carrier] = made.as_slice() else { unreachable!() };
    assert_eq!(definition["metadata"]["annotations"]["capstan.dev/provider"], "n1");
    assert_eq!(cluster_role["metadata"]["labels"]["capstan.dev/aggregate-to-host"], "true");
    assert_eq!(
        cluster_role["rules"],
        json!([
            {
                "apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"],
                "verbs": ["get", "list", "watch", "create", "patch"], "resourceNames": ["notes.test.capstan.dev"],
            },
            {"apiGroups": ["test.capstan.dev"], "resources": ["notes"], "verbs": ["get", "list", "watch", "patch"]},
            {"apiGroups": ["test.capstan.dev"], "resources": ["notes/status"], "verbs": ["patch"]},
            {"apiGroups": ["test.capstan.dev"], "resources": ["notes/finalizers"], "verbs": ["update"]},
            {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch", "create", "patch"]},
        ])
    );
    assert_eq!(role["metadata"]["namespace"], "team");
    assert_eq!(
        role["rules"],
        json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list", "watch"], "resourceNames": ["key"]}])
    );
    assert_eq!(binding["subjects"][0]["namespace"], "host");

    assert_eq!(carrier["metadata"]["namespace"], "host");
    assert_eq!(carrier["metadata"]["labels"]["capstan.dev/provider"], "n1");
    assert_eq!(carrier["data"], json!({"grants.yaml": file}));
    let packed = STANDARD.decode(carrier["binaryData"]["provider.wasm.gz"].as_str().unwrap()).unwrap();
    assert_eq!(unpacked(&packed), std::fs::read(plugin("neighbour")).unwrap());

    let json = stdout(&[&arguments[..], &["-o", "json"]].concat());
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["items"], json!(made));
    let rest = objects(&stdout(&[&arguments[..], &["--without-component"]].concat()));
    assert_eq!(rest, made[..4]);
    let left_to_the_host = objects(&stdout(&[&arguments[..], &["--without-definitions"]].concat()));
    assert_eq!(left_to_the_host, made[1..]);
}

#[test]
fn without_grants_nothing_is_granted_and_it_says_so() {
    let output = capstan(&["provider", "package", &neighbour(), "--without-component"]);
    let made = objects(std::str::from_utf8(&output.stdout).unwrap());
    assert_eq!(made.len(), 2);
    assert!(!made[1].to_string().contains("configmaps"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("inspect") && said.contains("-o grants"), "{said}");
}

#[test]
fn a_wildcard_is_printed_with_a_word_of_care() {
    let folder = tempfile::tempdir().unwrap();
    let grants = write(&folder, "grants.yaml", "kubernetes: [{apiGroups: ['*'], kinds: ['*'], verbs: [get]}]");
    let output = capstan(&["provider", "package", &neighbour(), "--grants", text(&grants)]);
    let (printed, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("pods/exec") && printed.contains("# Careful: "), "{said}");
}

#[test]
fn a_kind_that_nobody_knows_is_named_with_a_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let grants = write(&folder, "grants.yaml", "kubernetes: [{apiGroups: [acme.io], kinds: [Thing], verbs: [get]}]");
    let (code, said) = refusal(&["provider", "package", &neighbour(), "--grants", text(&grants)]);
    assert_eq!(code, Some(1));
    assert!(said.contains("rule 1") && said.contains("Thing") && said.contains("--kubeconfig"), "{said}");
}

#[test]
fn what_is_no_provider_is_refused_with_a_sentence_that_helps() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        (write(&folder, "text", "hello"), "built for wasm32-wasip2"),
        (write(&folder, "module", b"\0asm\x01\0\0\0"), "build it for wasm32-wasip2"),
        (write(&folder, "broken.gz", [0x1f, 0x8b, 0]), "broken.gz"),
        (folder.path().join("nowhere.wasm"), "nowhere.wasm cannot be read"),
        (altered(&folder, "@0.1.0", "@9.1.0"), "built for capstan:provider@9.1.0"),
    ];
    for (file, expected) in cases {
        for command in ["inspect", "package"] {
            let (code, said) = refusal(&["provider", command, text(&file)]);
            assert_eq!(code, Some(1), "{said}");
            assert!(said.contains(expected), "{expected}: {said}");
        }
    }
    let unknown = altered(&folder, "capstan:provider/log@", "capstan:provider/leg@");
    let (code, said) = refusal(&["provider", "inspect", text(&unknown)]);
    assert_eq!(code, Some(1));
    assert!(said.contains("capstan:provider/leg@0.1.0") && said.contains("the interfaces of the contract"), "{said}");
}

#[test]
fn wrong_usage_and_wrong_values_differ() {
    for (arguments, expected) in [
        (vec!["provider", "inspect"], 2),
        (vec!["provider", "package", "x.wasm", "--output", "xml"], 2),
        (vec!["provider", "package", "x.wasm", "--context", "c"], 2),
        (vec!["provider", "package", &neighbour(), "--name", "Not A Name"], 1),
    ] {
        let (code, said) = refusal(&arguments);
        assert_eq!(code, Some(expected), "{said}");
    }
}
