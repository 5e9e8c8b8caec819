//! What of the container file can be checked without building it.

#[allow(dead_code, reason = "each test program uses its own part")]
mod support;

use std::path::Path;

use support::{capstan, objects};

/// Instruction and arguments of each logical line.
fn instructions(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n");
    let logical = lines.replace("\\\n", " ");
    let split = logical.lines().filter_map(|line| line.trim().split_once(char::is_whitespace));
    split.map(|(word, rest)| (word.to_uppercase(), rest.trim().to_owned())).collect()
}

fn top() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn containerfile() -> Vec<(String, String)> {
    instructions(&std::fs::read_to_string(top().join("deploy/Containerfile")).unwrap())
}

/// From the last FROM on.
fn last_stage() -> Vec<(String, String)> {
    let all = containerfile();
    let from = all.iter().rposition(|(word, _)| word == "FROM").unwrap();
    all[from..].to_vec()
}

fn only<'a>(stage: &'a [(String, String)], word: &str) -> &'a str {
    let found: Vec<_> = stage.iter().filter(|(other, _)| other == word).collect();
    let [(_, rest)] = found.as_slice() else { panic!("{} lines with {word}", found.len()) };
    rest
}

#[test]
fn the_image_runs_as_a_number_that_the_deployment_names() {
    let stage = last_stage();
    let (user, group) = only(&stage, "USER").split_once(':').unwrap();
    let (user, group): (u32, u32) = (user.parse().unwrap(), group.parse().unwrap());
    assert_ne!((user, group), (0, 0));
    let workload = std::fs::read_to_string(top().join("deploy/30-workload.yaml")).unwrap();
    assert!(workload.contains(&format!("runAsUser: {user}\n")) && workload.contains(&format!("runAsGroup: {group}\n")));
}

#[test]
fn the_last_stage_needs_no_shell_and_has_only_the_program() {
    let stage = last_stage();
    assert!(stage.iter().all(|(word, _)| word != "RUN"), "{stage:?}");
    assert!(only(&stage, "ENTRYPOINT").starts_with('[') && only(&stage, "CMD").starts_with('['));
    let copied: Vec<&str> = only(&stage, "COPY").split_whitespace().collect();
    let ["--from=build", _, placed] = copied.as_slice() else { panic!("{copied:?}") };
    assert_eq!(only(&stage, "ENTRYPOINT"), format!("[\"{placed}\"]"));
}

#[test]
fn stages_and_paths_that_it_names_exist() {
    let all = containerfile();
    let stages: Vec<&str> =
        all.iter().filter_map(|(word, rest)| (word == "FROM").then(|| rest.split(" AS ").nth(1))?).collect();
    for (_, rest) in all.iter().filter(|(word, _)| word == "COPY") {
        let mut words: Vec<&str> = rest.split_whitespace().collect();
        words.pop();
        match words.first().and_then(|word| word.strip_prefix("--from=")) {
            Some(stage) => assert!(stages.contains(&stage), "{stage}"),
            None => assert!(words.iter().all(|path| top().join(path).exists()), "{rest}"),
        }
    }
}

#[test]
fn both_images_are_of_one_release_of_debian_and_rust_is_the_one_that_is_asked_for() {
    let all = containerfile();
    let toolchain = only(&all[..1], "FROM");
    let version = manifest("Cargo.toml", "rust-version");
    assert!(toolchain.contains(&format!("rust:{version}-")), "{toolchain} is not Rust {version}");
    // Debian 12. A program does not start with an older C library than the one that it was linked with.
    assert!(toolchain.contains("-bookworm") && only(&last_stage(), "FROM").contains("-debian12:"), "{toolchain}");
}

#[test]
fn what_is_built_is_what_is_copied_and_started() {
    let all = containerfile();
    let run = only(&all, "RUN");
    let package = manifest("host/capstan/Cargo.toml", "name");
    let program = Path::new(env!("CARGO_BIN_EXE_capstan")).file_name().unwrap().to_str().unwrap();
    assert!(run.contains(&format!("cargo build --locked --release --package {package} &&")), "{run}");
    let copy = run.split(" && ").last().unwrap();
    let ["cp", built, kept] = copy.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{copy}") };
    assert_eq!(built, format!("target/release/{program}"));
    let stage = last_stage();
    assert_eq!(only(&stage, "COPY").split_whitespace().nth(1), Some(kept));
    // What is in a cache is gone after its step: that is why it is copied, and the cache has to be where cargo builds.
    let folder = only(&all, "WORKDIR");
    assert!(run.contains(&format!("--mount=type=cache,target={folder}/target ")), "{run}");
}

#[test]
fn the_program_takes_the_arguments_of_the_image_and_of_the_deployment() {
    let image: Vec<String> = serde_json::from_str(only(&last_stage(), "CMD")).unwrap();
    let workload = objects(&std::fs::read_to_string(top().join("deploy/30-workload.yaml")).unwrap());
    let containers = workload.iter().filter_map(|object| object.pointer("/spec/template/spec/containers/0/args"));
    let deployed: Vec<Vec<String>> = containers.map(|args| serde_json::from_value(args.clone()).unwrap()).collect();
    assert_eq!(deployed.len(), 1, "one Deployment");
    for arguments in deployed.iter().chain([&image]) {
        let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        // Said after what was parsed before it.
        arguments.push("--help");
        let output = capstan(&arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stdout).contains("Usage: capstan run"), "{arguments:?}");
    }
}

#[test]
fn what_the_build_reads_is_not_kept_out_and_what_was_built_elsewhere_is() {
    let text = std::fs::read_to_string(top().join("deploy/Containerfile.dockerignore")).unwrap();
    let patterns: Vec<&str> =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let kept_out = |path: &str| patterns.iter().any(|pattern| matches(pattern, path));
    for foreign in [".git/HEAD", "target/debug/capstan", "guest-sdk/target/x", "capstan.kubeconfig"] {
        assert!(kept_out(foreign), "{foreign}");
    }
    let workspace = std::fs::read_to_string(top().join("Cargo.toml")).unwrap();
    let (_, rest) = workspace.split_once("members = [").unwrap();
    let members = rest.split_once(']').unwrap().0.split(',').map(|member| member.trim().trim_matches('"'));
    let manifests = members.filter(|member| !member.is_empty()).map(|member| format!("{member}/Cargo.toml"));
    let others = ["Cargo.toml", "Cargo.lock", "wit/world.wit", "host/capstan/src/main.rs"];
    let deployed = ["10-namespace", "10-provider-crd", "20-rights", "30-workload", "optional/service-monitor"];
    let deployed = deployed.map(|name| format!("deploy/{name}.yaml"));
    for path in manifests.chain(deployed).chain(others.map(str::to_owned)) {
        assert!(top().join(&path).is_file(), "{path}");
        assert!(!kept_out(&path), "{path}");
    }
}

/// The value of a key at the beginning of a line of a manifest.
fn manifest(path: &str, key: &str) -> String {
    let text = std::fs::read_to_string(top().join(path)).unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.trim().strip_prefix('='));
    value.unwrap_or_else(|| panic!("{path} has no {key}")).trim().trim_matches('"').to_owned()
}

/// Whether a pattern of a `.dockerignore` keeps a path out, for the patterns that stand there.
fn matches(pattern: &str, path: &str) -> bool {
    let mut names = path.split('/');
    let plain = |name: &str| !name.contains(['*', '?', '[', '!', '/']);
    match (pattern.strip_prefix("**/"), pattern.strip_prefix('*')) {
        (Some(name), _) if plain(name) => names.any(|part| part == name),
        (None, Some(end)) if plain(end) => names.next().is_some_and(|first| first.ends_with(end)),
        (None, None) if plain(pattern) => names.next() == Some(pattern),
        _ => panic!("{pattern}: this test has to learn such patterns"),
    }
}
