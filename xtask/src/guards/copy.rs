//! A copy of the tree, in which guards can be taken away.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

/// Beside what cargo builds in it, the copy has just the files of the checkout.
pub(super) struct Copy {
    root: PathBuf,
}

impl Copy {
    /// Brings a copy up to date, or makes it. Files that are as they were are not touched, so that nothing is built again for
    /// them. `guards` of the target folder holds the copy and a list of its files. Nothing of that folder is copied, also if it
    /// is in the tree.
    pub(super) fn of(tree: &Path, target: &Path) -> Result<Self> {
        let (root, list) = (target.join("guards/tree"), target.join("guards/files"));
        fs::create_dir_all(&root).with_context(|| format!("{} cannot be made", root.display()))?;
        let built = below(tree, target)?;
        let mut wanted = files(tree)?;
        wanted.retain(|name| !built.as_ref().is_some_and(|built| Path::new(name).starts_with(built)));
        let former = fs::read_to_string(&list).unwrap_or_default();
        for gone in former.split_terminator('\0').filter(|name| !wanted.contains(*name)) {
            // It may have been removed by hand.
            let _ = fs::remove_file(root.join(gone));
        }
        for name in &wanted {
            replace(&root.join(name), &read(&tree.join(name))?)?;
        }
        let names: String = wanted.iter().flat_map(|name| [name.as_str(), "\0"]).collect();
        fs::write(&list, names).with_context(|| format!("{} cannot be written", list.display()))?;
        Ok(Self { root })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Changes a file for as long as `work` takes.
    pub(super) fn changed<T>(&self, file: &str, content: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let path = self.root.join(file);
        let before = read(&path)?;
        replace(&path, content.as_bytes())?;
        let done = work();
        replace(&path, &before)?;
        done
    }
}

/// Where a folder is in the tree, if it is there and not the tree itself. Both have to exist.
fn below(tree: &Path, folder: &Path) -> Result<Option<PathBuf>> {
    let whole = |path: &Path| path.canonicalize().with_context(|| format!("{} is not there", path.display()));
    let (tree, folder) = (whole(tree)?, whole(folder)?);
    Ok(folder.strip_prefix(&tree).ok().filter(|path| *path != Path::new("")).map(Path::to_owned))
}

/// Names of the files that the checkout has or would have, relative to it.
fn files(tree: &Path) -> Result<BTreeSet<String>> {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = Command::new("git").args(arguments).current_dir(tree).output().context("git cannot be started")?;
    ensure!(listed.status.success(), "git does not list the files of {}: this needs a checkout", tree.display());
    let names = String::from_utf8(listed.stdout).context("a file whose name is no text")?;
    // What was deleted and is not committed is listed too.
    Ok(names.split_terminator('\0').filter(|name| tree.join(name).is_file()).map(str::to_owned).collect())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// Cargo goes by the time of the last change.
fn replace(path: &Path, content: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|found| found == content) {
        return Ok(());
    }
    let cannot = || format!("{} cannot be written", path.display());
    fs::create_dir_all(path.parent().context("a file in no folder")?).with_context(cannot)?;
    fs::write(path, content).with_context(cannot)
}
