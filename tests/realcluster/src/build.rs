//! Building the programs with Go.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::programs::{Missing, Programs, STAMP, directory, prepare, sources, version};

/// The first release that fetches by itself the toolchain that `go.mod` asks for.
const OLDEST_GO: u32 = 21;

/// Between two lines that say a build still runs.
const SIGN_OF_LIFE: Duration = Duration::from_mins(1);

/// What can be said about the Go toolchain of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Go {
    /// It can build the programs.
    Usable,
    /// There is none, or one too old; the text says what to do.
    Missing(String),
}

impl Go {
    /// Looks for `go` on the path.
    #[must_use]
    pub fn find() -> Self {
        let output = Command::new("go").arg("version").output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        Self::judge(&text)
    }

    /// `go version go1.26.8 linux/amd64`
    fn judge(text: &str) -> Self {
        let minor = text.split("go1.").nth(1).map(|rest| rest.chars().take_while(char::is_ascii_digit).collect());
        match minor.map(|digits: String| digits.parse::<u32>()) {
            Some(Ok(minor)) if minor >= OLDEST_GO => Self::Usable,
            Some(_) => Self::Missing(format!("{} is too old: install Go 1.{OLDEST_GO} or newer", text.trim())),
            None => Self::Missing(format!("install Go 1.{OLDEST_GO} or newer (https://go.dev/dl)")),
        }
    }
}

/// Builds what [`Programs::find`] does not find, and says on stderr what it is doing and how long that takes.
///
/// # Errors
/// If there is no usable Go, or it fails: its own words are on stderr by then.
pub fn build(target: &Path) -> Result<Programs> {
    let missing = match Programs::find(target) {
        Ok(programs) => return Ok(programs),
        Err(Missing { programs }) => programs,
    };
    if let Go::Missing(advice) = Go::find() {
        bail!("the real control plane is built with Go: {advice}");
    }
    let into = directory(target);
    prepare(&into).with_context(|| format!("{} cannot be made ready", into.display()))?;
    eprintln!(
        "Building {} {} from Go modules: about twelve minutes on two cores, once per version",
        missing.join(", "),
        version()
    );
    for program in missing {
        let start = Instant::now();
        compile(program, &into)?;
        eprintln!("    {program} built in {:.0?}", start.elapsed());
    }
    fs::write(into.join(STAMP), sources()).context("the build cannot be marked as complete")?;
    Programs::find(target).map_err(Into::into)
}

fn compile(program: &'static str, into: &Path) -> Result<()> {
    let package = match program {
        "etcd" => "./etcd".to_owned(),
        kubernetes => format!("k8s.io/kubernetes/cmd/{kubernetes}"),
    };
    let mut go = Command::new("go");
    go.current_dir(env!("CARGO_MANIFEST_DIR"));
    // Static, and the same bytes wherever the sources lie. The versions in go.mod are the ones that count.
    go.env("CGO_ENABLED", "0").env("GOFLAGS", "-mod=readonly -buildvcs=false");
    // Nobody looks into them with a debugger.
    go.args(["build", "-trimpath", "-gcflags=all=-dwarf=false", "-ldflags", &link_flags(), "-o"])
        .arg(into.join(program))
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
    use super::*;

    #[test]
    fn old_and_absent_toolchains_are_told_apart_from_usable_ones() {
        assert_eq!(Go::judge("go version go1.26.8 linux/amd64\n"), Go::Usable);
        assert_eq!(Go::judge("go version go1.21 linux/amd64"), Go::Usable);
        let Go::Missing(advice) = Go::judge("go version go1.19.8 linux/amd64") else { panic!("too old") };
        assert!(advice.contains("go1.19.8") && advice.contains("1.21"), "{advice}");
        assert!(matches!(Go::judge(""), Go::Missing(_)));
    }
}
