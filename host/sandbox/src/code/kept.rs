//! The directory in which code is kept.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rustix::process::geteuid;
use sha2::{Digest, Sha256};
use tempfile::{Builder, NamedTempFile};

/// Of files that are code. Others are left alone.
const SUFFIX: &str = ".cwasm";
/// Of files that are being written.
const UNFINISHED: &str = ".unfinished";
/// A file that was begun so long ago is not being written any more: its process was killed. Younger ones may be another host's.
const GIVEN_UP_AFTER: Duration = Duration::from_hours(1);

/// The directory cannot be trusted, or not be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// It cannot be made or read.
    #[error("the directory for compiled code, {path}, cannot be used")]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Whoever can write there can have any code run by the host.
    #[error(
        "the directory for compiled code, {0}, must belong to the user whom the host runs as, and nobody else may have access: \
         remove it, so that it is made anew, or name another one"
    )]
    NotPrivate(PathBuf),
}

/// Files named KEY-HASH.cwasm, where HASH is that of the content.
#[derive(Debug)]
pub(super) struct Kept {
    directory: PathBuf,
    size: u64,
}

impl Kept {
    pub(super) fn open(directory: PathBuf, size: u64) -> Result<Self, DirectoryError> {
        let unusable = |source| DirectoryError::Unusable { path: directory.clone(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(unusable)?;
        // Not followed: where a link leads may change.
        let found = fs::symlink_metadata(&directory).map_err(unusable)?;
        if !found.is_dir() || !is_private(&found) {
            return Err(DirectoryError::NotPrivate(directory));
        }
        for (path, metadata) in files(&directory, UNFINISHED).map_err(unusable)? {
            let age = metadata.modified().ok().and_then(|begun| begun.elapsed().ok());
            if age.is_some_and(|age| age > GIVEN_UP_AFTER) {
                // If it stays, it costs space and nothing else.
                let _ = fs::remove_file(path);
            }
        }
        Ok(Self { directory, size })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The file of this key, if there is one and it is as it was written. Any doubt is none.
    pub(super) fn find(&self, key: &str) -> Option<PathBuf> {
        let prefix = format!("{key}-");
        let (path, metadata) = files(&self.directory, SUFFIX).ok()?.into_iter().find(|(path, _)| {
            path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(&prefix))
        })?;
        // The directory may not always have been private.
        if !is_private(&metadata) || metadata.nlink() != 1 || self.name(key, &path).ok()? != path {
            tracing::warn!(path = %path.display(), "code that was kept is not as it was written: it is compiled again");
            let _ = fs::remove_file(path);
            return None;
        }
        // The time of use decides what goes first; without it, code that is used goes a little early.
        let _ = File::open(&path).and_then(|file| file.set_modified(SystemTime::now()));
        Some(path)
    }

    /// An empty file, which is gone when dropped.
    pub(super) fn begin(&self) -> io::Result<NamedTempFile> {
        Builder::new().suffix(UNFINISHED).tempfile_in(&self.directory)
    }

    /// Names a file that is complete, and removes what has no room beside it.
    pub(super) fn keep(&self, file: NamedTempFile, key: &str) -> io::Result<PathBuf> {
        let path = self.name(key, file.path())?;
        file.persist(&path)?;
        if let Err(error) = self.trim(&path) {
            tracing::warn!(directory = %self.directory.display(), %error, "old code is not removed");
        }
        Ok(path)
    }

    /// What a file of this key with this content is called.
    fn name(&self, key: &str, content: &Path) -> io::Result<PathBuf> {
        let mut hasher = Sha256::new();
        io::copy(&mut File::open(content)?, &mut hasher)?;
        Ok(self.directory.join(format!("{key}-{:x}{SUFFIX}", hasher.finalize())))
    }

    /// What is in use may go as well: it stays mapped, and is compiled when it is loaded again.
    fn trim(&self, newest: &Path) -> io::Result<()> {
        let mut found = files(&self.directory, SUFFIX)?;
        found.sort_by_key(|(_, metadata)| metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH));
        let mut size: u64 = found.iter().map(|(_, metadata)| metadata.len()).sum();
        for (path, metadata) in found {
            if size <= self.size {
                break;
            }
            if path != newest {
                fs::remove_file(path)?;
                size -= metadata.len();
            }
        }
        Ok(())
    }
}

/// What a mode gives to group and others.
const OTHERS: u32 = 0o077;

/// Of this user, and nobody else has any access.
fn is_private(metadata: &fs::Metadata) -> bool {
    metadata.uid() == geteuid().as_raw() && metadata.mode() & OTHERS == 0
}

fn files(directory: &Path, suffix: &str) -> io::Result<Vec<(PathBuf, fs::Metadata)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|name| name.ends_with(suffix)) {
            match entry.metadata() {
                Ok(metadata) if metadata.is_file() => found.push((entry.path(), metadata)),
                Ok(_) => {}
                // Another process of this user removed it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::{io::Write, os::unix::fs::PermissionsExt};

    use super::*;

    fn keep(kept: &Kept, key: &str, content: &[u8]) -> PathBuf {
        let mut file = kept.begin().unwrap();
        file.write_all(content).unwrap();
        kept.keep(file, key).unwrap()
    }

    #[test]
    fn what_was_kept_is_found_by_its_key_alone() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Kept::open(folder.path().join("deep/down"), 100).unwrap();
        let path = keep(&open(), "a", b"code");
        assert_eq!(open().find("a"), Some(path));
        assert_eq!(open().find("b"), None);
        assert_eq!(open().find(""), None);
    }

    #[test]
    fn what_is_damaged_is_not_found_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::open(folder.path().join("code"), 100).unwrap();
        let path = keep(&kept, "a", b"code");
        fs::write(&path, b"cod").unwrap();
        assert_eq!(kept.find("a"), None);
        assert!(!path.exists());
    }

    #[test]
    fn what_others_could_have_written_is_not_found_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::open(folder.path().join("code"), 100).unwrap();
        let path = keep(&kept, "a", b"code");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o620)).unwrap();
        assert_eq!((kept.find("a"), path.exists()), (None, false));
        let path = keep(&kept, "a", b"code");
        fs::hard_link(&path, folder.path().join("elsewhere")).unwrap();
        assert_eq!((kept.find("a"), path.exists()), (None, false));
    }

    #[test]
    fn only_a_private_directory_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("code");
        let open = || Kept::open(directory.clone(), 100).map(drop);
        open().unwrap();
        assert_eq!(fs::metadata(&directory).unwrap().mode() & 0o777, 0o700);
        for mode in [0o750, 0o702, 0o704] {
            fs::set_permissions(&directory, fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(open(), Err(DirectoryError::NotPrivate(_))), "{mode:o}");
        }
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&directory, &link).unwrap();
        assert!(matches!(Kept::open(link, 100), Err(DirectoryError::NotPrivate(_))));
    }

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::open(folder.path().join("code"), 8).unwrap();
        let (first, second) = (keep(&kept, "a", b"1111"), keep(&kept, "b", b"2222"));
        for (path, seconds) in [(&first, 1), (&second, 2)] {
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            File::open(path).unwrap().set_modified(at).unwrap();
        }
        assert!(kept.find("a").is_some());
        let third = keep(&kept, "c", b"3333");
        assert_eq!((first.exists(), second.exists(), third.exists()), (true, false, true));
        // More than there is room for: that alone.
        let fourth = keep(&kept, "d", b"444444444");
        assert_eq!((first.exists(), third.exists(), fourth.exists()), (false, false, true));
    }

    #[test]
    fn what_was_given_up_long_ago_goes_when_the_directory_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::open(folder.path().join("code"), 100).unwrap();
        let (left, left_at) = kept.begin().unwrap().keep().unwrap();
        let under_way = kept.begin().unwrap();
        left.set_modified(SystemTime::now() - GIVEN_UP_AFTER - Duration::from_secs(1)).unwrap();
        Kept::open(folder.path().join("code"), 100).unwrap();
        assert_eq!((left_at.exists(), under_way.path().exists()), (false, true));
    }
}
