//! Where the programs are.

use std::{
    fmt,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

/// The variable that envtest uses for the same purpose.
pub const ASSETS: &str = "KUBEBUILDER_ASSETS";

/// What the programs beside it are built of: they are built anew when it differs from the sources. It is there before them.
const STAMP: &str = "built-from";

/// Paths of the programs of one control plane.
#[derive(Debug, Clone)]
pub struct Programs {
    /// etcd
    pub etcd: PathBuf,
    /// kube-apiserver
    pub api_server: PathBuf,
    /// kube-controller-manager
    pub controller_manager: PathBuf,
    /// kubectl of the same version
    pub kubectl: PathBuf,
}

/// The folder that [`ASSETS`] names, as an absolute path.
#[must_use]
pub fn assets() -> Option<PathBuf> {
    let told = std::env::var_os(ASSETS).filter(|value| !value.is_empty()).map(PathBuf::from)?;
    Some(std::path::absolute(&told).unwrap_or(told))
}

/// Programs that neither `KUBEBUILDER_ASSETS` nor an earlier build has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Names of programs.
    pub programs: Vec<&'static str>,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} not found: run `cargo xtask cluster build`", self.programs.join(", "))
    }
}

impl std::error::Error for Missing {}

impl Programs {
    /// In `KUBEBUILDER_ASSETS` if it is set (relative to the working directory, as a user means it: the programs run in another
    /// one), else built before under cargo's target directory. What was built from other sources
    /// than today's is not found.
    ///
    /// # Errors
    /// Names what is missing.
    pub fn find(target: &Path) -> Result<Self, Missing> {
        Self::find_in(assets().as_deref(), &directory(target))
    }

    pub(crate) fn find_in(assets: Option<&Path>, built: &Path) -> Result<Self, Missing> {
        let current = is_current(built);
        let mut missing = Vec::new();
        let mut find = |name: &'static str| {
            let given = assets.map(|folder| folder.join(name)).filter(|path| path.exists());
            let own = || Some(built.join(name)).filter(|path| current && path.exists());
            given.or_else(own).unwrap_or_else(|| {
                missing.push(name);
                PathBuf::new()
            })
        };
        let programs = Self {
            etcd: find("etcd"),
            api_server: find("kube-apiserver"),
            controller_manager: find("kube-controller-manager"),
            kubectl: find("kubectl"),
        };
        if missing.is_empty() { Ok(programs) } else { Err(Missing { programs: missing }) }
    }

    /// What version the API server says it is, if it is another than the one that is built here: `KUBEBUILDER_ASSETS` may
    /// hold any.
    ///
    /// # Errors
    /// If it cannot be run.
    pub fn other_version(&self) -> Result<Option<String>> {
        let output = Command::new(&self.api_server).arg("--version").output();
        let output = output.with_context(|| format!("{} cannot be started", self.api_server.display()))?;
        Ok(other_version(&String::from_utf8_lossy(&output.stdout)))
    }
}

/// `Kubernetes v1.37.1`
fn other_version(said: &str) -> Option<String> {
    let found = said.trim();
    (found.strip_prefix("Kubernetes ") != Some(version())).then(|| found.to_owned())
}

/// Waits until nobody else builds into this folder, and keeps others waiting until the file is dropped or this process ends. The
/// file lies beside the folder, which may be removed meanwhile, and stays.
///
/// # Errors
/// If it cannot be made or locked.
pub(crate) fn alone(built: &Path) -> io::Result<File> {
    if let Some(parent) = built.parent() {
        fs::create_dir_all(parent)?;
    }
    let file = File::options().create(true).truncate(false).write(true).open(lock_file(built))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            eprintln!("Waiting for another build of the control plane");
            file.lock()?;
        }
        Err(TryLockError::Error(error)) => return Err(error),
    }
    Ok(file)
}

/// Beside the folder of a version, whose last number is no extension.
pub(crate) fn lock_file(built: &Path) -> PathBuf {
    let mut path = built.as_os_str().to_owned();
    path.push(".lock");
    path.into()
}

/// Makes the folder of a build, with its stamp. What was built from other sources is removed; what an earlier build from these
/// finished stays, even if it failed later: a program gets its name when it is finished.
///
/// # Errors
/// If it cannot be removed or made.
pub(crate) fn prepare(built: &Path) -> io::Result<()> {
    if is_current(built) {
        return Ok(());
    }
    if built.exists() {
        fs::remove_dir_all(built)?;
    }
    fs::create_dir_all(built)?;
    fs::write(built.join(STAMP), sources())
}

fn is_current(built: &Path) -> bool {
    fs::read_to_string(built.join(STAMP)).is_ok_and(|stamp| stamp == sources())
}

/// Where builds go: one folder per version, so that going back to an older commit costs nothing.
pub(crate) fn directory(target: &Path) -> PathBuf {
    target.join("realcluster").join(version())
}

/// The version of Kubernetes, as `go.mod` has it: `v1.37.1`.
pub(crate) fn version() -> &'static str {
    let required = include_str!("../go.mod").lines().find_map(|line| line.trim().strip_prefix("k8s.io/kubernetes "));
    // go.mod is part of this crate, and a test reads it.
    required.and_then(|rest| rest.split_whitespace().next()).expect("go.mod requires k8s.io/kubernetes")
}

/// Everything a build depends on, beside the Go toolchain.
fn sources() -> String {
    [
        include_str!("../go.mod"),
        include_str!("../go.sum"),
        include_str!("../etcd/main.go"),
        include_str!("build.rs"),
        include_str!("go.rs"),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [&str; 4] = ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl"];

    fn folder(name: &str, programs: &[&str]) -> PathBuf {
        let path = std::env::temp_dir().join(format!("capstan-programs-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        for program in programs {
            fs::write(path.join(program), "").unwrap();
        }
        path
    }

    #[test]
    fn the_version_is_that_of_the_module() {
        assert!(version().starts_with("v1."), "{}", version());
    }

    #[test]
    fn a_server_of_another_version_is_told_from_the_one_that_is_built() {
        assert_eq!(other_version(&format!("Kubernetes {}\n", version())), None);
        assert_eq!(other_version("Kubernetes v1.30.0\n"), Some("Kubernetes v1.30.0".to_owned()));
    }

    #[test]
    fn assets_come_first_and_what_they_lack_is_built() {
        let assets = folder("assets", &ALL[..2]);
        let built = folder("built", &ALL);
        fs::write(built.join(STAMP), sources()).unwrap();
        let programs = Programs::find_in(Some(&assets), &built).unwrap();
        assert_eq!(programs.etcd, assets.join("etcd"));
        assert_eq!(programs.controller_manager, built.join("kube-controller-manager"));
        fs::remove_dir_all(assets).unwrap();
        fs::remove_dir_all(built).unwrap();
    }

    #[test]
    fn what_was_built_from_other_sources_is_missing() {
        let built = folder("old", &ALL);
        fs::write(built.join(STAMP), "other sources").unwrap();
        assert_eq!(Programs::find_in(None, &built).unwrap_err().programs, ALL);
        fs::remove_dir_all(built).unwrap();
    }

    #[test]
    fn a_build_keeps_nothing_that_its_stamp_would_vouch_for_wrongly() {
        let built = folder("prepared", &ALL);
        fs::write(built.join(STAMP), sources()).unwrap();
        prepare(&built).unwrap();
        assert!(Programs::find_in(None, &built).is_ok(), "built from today's sources");
        for stamp in [Some("other sources"), None] {
            fs::write(built.join("etcd"), "").unwrap();
            match stamp {
                Some(stamp) => fs::write(built.join(STAMP), stamp).unwrap(),
                None => fs::remove_file(built.join(STAMP)).unwrap(),
            }
            prepare(&built).unwrap();
            let left: Vec<_> = fs::read_dir(&built).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert_eq!(left, [STAMP], "{stamp:?}");
            assert!(is_current(&built), "what is built now counts");
        }
        fs::remove_dir_all(built).unwrap();
    }
}
