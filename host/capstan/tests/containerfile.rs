//! What of the container file can be checked without building it.

use std::path::Path;

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
    let toolchain = only(&all[..1], "FROM");
    let manifest = std::fs::read_to_string(top().join("Cargo.toml")).unwrap();
    let version = manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap().trim_matches('"');
    assert!(toolchain.contains(&format!("rust:{version}-")), "{toolchain} is not Rust {version}");
}
