//! The definitions that come with the providers of this repository: a server drops whatever they do not know of a status.

use std::{fs, path::Path};

use serde_json::{Value, json};

/// All shipped definitions, by file.
fn definitions() -> Vec<(String, Value)> {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    let folders = fs::read_dir(plugins).unwrap().map(|plugin| plugin.unwrap().path().join("crds"));
    let files = folders.filter(|folder| folder.is_dir()).flat_map(|folder| fs::read_dir(folder).unwrap());
    let files = files.map(|file| file.unwrap().path());
    files
        .map(|file| (file.display().to_string(), serde_saphyr::from_str(&fs::read_to_string(file).unwrap()).unwrap()))
        .collect()
}

#[test]
fn what_the_host_writes_into_a_status_is_kept() {
    let definitions = definitions();
    assert!(definitions.len() >= 10, "{definitions:#?}");
    for (file, definition) in definitions {
        for version in definition["spec"]["versions"].as_array().unwrap() {
            assert!(version["subresources"]["status"].is_object(), "{file}");
            let status = &version["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"];
            assert_eq!(status["observedGeneration"]["type"], "integer", "{file}");
            assert_eq!(status["lastHandledReconcileAt"]["type"], "string", "{file}");
            let conditions = &status["conditions"];
            assert_eq!(conditions["x-kubernetes-list-map-keys"], json!(["type"]), "{file}");
            let condition = &conditions["items"]["properties"];
            for (name, kind) in [
                ("type", "string"),
                ("status", "string"),
                ("reason", "string"),
                ("message", "string"),
                ("lastTransitionTime", "string"),
                ("observedGeneration", "integer"),
            ] {
                assert_eq!(condition[name]["type"], kind, "{file}: {name} of a condition");
            }
        }
    }
}
