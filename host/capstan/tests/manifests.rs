//! `capstan manifests`, as it is run.

#[allow(dead_code, reason = "each test program uses its own part")]
mod support;

use support::{objects, refusal, stdout};

#[test]
fn what_is_printed_are_the_files_of_deploy() {
    let files = ["10-namespace", "10-provider-crd", "20-rights", "30-workload"].map(|name| {
        let path = format!("{}/../../deploy/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
        objects(&std::fs::read_to_string(path).unwrap())
    });
    let printed = objects(&stdout(&["manifests"]));
    let files = files.concat();
    assert_eq!(printed.len(), files.len());
    // One by one, so that a difference can be read.
    for (printed, file) in printed.iter().zip(&files) {
        assert_eq!(printed, file);
    }
}

#[test]
fn options_arrive() {
    let printed =
        stdout(&["manifests", "--namespace", "on", "--image", "r.example.org/capstan@sha256:0", "--replicas", "1"]);
    let objects = objects(&printed);
    // `on` is a boolean for some readers of YAML.
    assert_eq!(objects[0]["metadata"]["name"], "on");
    let deployment = objects.iter().find(|object| object["kind"] == "Deployment").unwrap();
    assert_eq!(deployment["spec"]["replicas"], 1);
    assert_eq!(deployment["spec"]["template"]["spec"]["containers"][0]["image"], "r.example.org/capstan@sha256:0");
}

#[test]
fn the_hosts_own_definition_is_a_part_of_its_own() {
    let printed = objects(&stdout(&["manifests", "--part", "crds"]));
    let names: Vec<_> = printed.iter().map(|object| object["metadata"]["name"].clone()).collect();
    assert_eq!(names, ["providers.capstan.dev"]);
}

#[test]
fn nonsense_is_wrong_usage() {
    for arguments in
        [["--namespace", "Not-A-Namespace"], ["--image", "two words"], ["--replicas", "0"], ["--part", "half"]]
    {
        let (code, said) = refusal(&[&["manifests"], &arguments[..]].concat());
        assert_eq!(code, Some(2), "{said}");
    }
}
