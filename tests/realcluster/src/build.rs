//! Building the programs with Go.

use std::{
    fs,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{
    go::Go,
    programs::{Missing, Programs, alone, directory, prepare, version},
};

/// Between two lines that say a build still runs.
const SIGN_OF_LIFE: Duration = Duration::from_mins(1);

/// Builds what [`Programs::find`] does not find, and says on stderr what it is doing and how long that takes. A build that is
/// under way in another process is waited for.
///
/// # Errors
/// If there is no usable Go, or it fails: its own words are on stderr by then.
pub fn build(target: &Path) -> Result<Programs> {
    if let Ok(programs) = Programs::find(target) {
        return Ok(programs);
    }
    if let Go::Missing(advice) = Go::find() {
        bail!("the real control plane is built with Go: {advice}");
    }
    build_alone(|| Programs::find(target), &directory(target), compile)
}

/// Builds what is not found, while nobody else looks or builds.
fn build_alone(
    find: impl Fn() -> Result<Programs, Missing>,
    into: &Path,
    compile: impl Fn(&'static str, &Path) -> Result<()>,
) -> Result<Programs> {
    let _alone = alone(into).with_context(|| format!("{} cannot be locked", into.display()))?;
    // Another build may just have come to its end.
    let missing = match find() {
        Ok(programs) => return Ok(programs),
        Err(Missing { programs }) => programs,
    };
    prepare(into).with_context(|| format!("{} cannot be made ready", into.display()))?;
    eprintln!(
        "Building {} {} from Go modules: about twelve minutes on two cores, once per version",
        missing.join(", "),
        version()
    );
    for program in missing {
        let start = Instant::now();
        let unfinished = into.join(format!("{program}.unfinished"));
        compile(program, &unfinished)?;
        fs::rename(unfinished, into.join(program)).with_context(|| format!("{program} cannot be put in its place"))?;
        eprintln!("    {program} built in {:.0?}", start.elapsed());
    }
    find().map_err(Into::into)
}

fn compile(program: &'static str, output: &Path) -> Result<()> {
    let package = match program {
        "etcd" => "./etcd".to_owned(),
        kubernetes => format!("k8s.io/kubernetes/cmd/{kubernetes}"),
    };
    let mut go = Go::command(env!("CARGO_MANIFEST_DIR"));
    // Nobody looks into them with a debugger.
    go.args(["build", "-trimpath", "-gcflags=all=-dwarf=false", "-ldflags", &link_flags(), "-o"])
        .arg(output)
        .arg(package);
    let mut child = go.stdin(Stdio::null()).spawn().context("go cannot be started")?;
    let start = Instant::now();
    let mut said = start;
    loop {
        if let Some(status) = child.try_wait().context("go cannot be waited for")? {
            if !status.success() {
                bail!("go cannot build {program}: see above");
            }
            return Ok(());
        }
        if said.elapsed() >= SIGN_OF_LIFE {
            said = Instant::now();
            eprintln!("    still compiling {program} after {:.0?}", start.elapsed());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Stripped; and without the versions the programs would call themselves `v0.0.0-master`, which clients compare.
fn link_flags() -> String {
    let version = version();
    let mut parts = version.trim_start_matches('v').split('.');
    let (major, minor) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let component = "k8s.io/component-base/version";
    format!(
        "-s -w -X {component}.gitVersion={version} -X {component}.gitMajor={major} -X {component}.gitMinor={minor} \
         -X k8s.io/client-go/pkg/version.gitVersion={version}"
    )
}

#[cfg(test)]
mod tests {
    use std::{
        cell::RefCell,
        fs::{File, TryLockError},
        path::PathBuf,
    };

    use crate::programs::lock_file;

    use super::*;

    fn folder(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("capstan-build-{name}-{}", std::process::id()))
    }

    fn remove(built: &Path) {
        fs::remove_dir_all(built).unwrap();
        fs::remove_file(lock_file(built)).unwrap();
    }

    #[test]
    fn nobody_else_looks_or_builds_meanwhile() {
        let built = folder("alone");
        let is_locked = || {
            let lock = File::open(lock_file(&built)).unwrap();
            matches!(lock.try_lock(), Err(TryLockError::WouldBlock))
        };
        let find = || {
            assert!(is_locked(), "what is found missing may be under way elsewhere");
            Programs::find_in(None, &built)
        };
        let compile = |_: &'static str, output: &Path| -> Result<()> {
            assert!(is_locked(), "another build could remove the folder");
            Ok(fs::write(output, "")?)
        };
        build_alone(find, &built, compile).unwrap();
        assert!(!is_locked(), "the next one has its turn");
        build_alone(find, &built, |program, _| bail!("{program} is there")).unwrap();
        remove(&built);
    }

    #[test]
    fn a_build_that_fails_keeps_what_it_has_finished() {
        let built = folder("failed");
        let find = || Programs::find_in(None, &built);
        let fails = |program: &'static str, output: &Path| -> Result<()> {
            fs::write(output, "")?;
            if program == "kubectl" {
                bail!("no space");
            }
            Ok(())
        };
        build_alone(find, &built, fails).unwrap_err();
        assert_eq!(find().unwrap_err().programs, ["kubectl"]);
        let compiled = RefCell::new(Vec::new());
        let compile = |program: &'static str, output: &Path| -> Result<()> {
            compiled.borrow_mut().push(program);
            Ok(fs::write(output, "")?)
        };
        build_alone(find, &built, compile).unwrap();
        assert_eq!(*compiled.borrow(), ["kubectl"]);
        remove(&built);
    }
}
