//! The directory of a cluster: a lock, and the journal.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::error::OpenError;
use super::record;
use crate::store::{Object, ObjectRef};

/// Beside the journal, because that one is replaced from time to time.
const LOCK: &str = "lock";
const JOURNAL: &str = "journal";
/// A journal that is being written. One that is found was never finished.
const NEXT: &str = "journal.next";

/// Secrets are kept here.
const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Locked as long as it lives, and no longer than the process does, however that ends.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    lock: File,
}

impl Directory {
    /// Makes a directory if need be, and locks it.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(DIRECTORY_MODE).create(path).map_err(OpenError::io("make", path))?;
        let at = path.join(LOCK);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(FILE_MODE);
        let lock = options.open(&at).map_err(OpenError::io("open", &at))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => OpenError::InUse(path.to_owned()),
            TryLockError::Error(source) => OpenError::io("lock", &at)(source),
        })?;
        Ok(Self { path: path.to_owned(), lock })
    }

    /// Where the journal is.
    pub(super) fn journal(&self) -> PathBuf {
        self.path.join(JOURNAL)
    }

    /// The journal as it is, to be read and appended to.
    pub(super) fn existing(&self) -> io::Result<Option<File>> {
        match OpenOptions::new().read(true).append(true).open(self.journal()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// Puts a journal with these objects in place of the one there was, if any. Whenever this is interrupted, there is the old
    /// one or the new one. Returns the new one, to be read and appended to, and its length.
    pub(super) fn write<'a>(
        &self,
        revision: u64,
        objects: impl Iterator<Item = (ObjectRef, &'a Object)>,
    ) -> io::Result<(File, u64)> {
        let next = self.path.join(NEXT);
        match fs::remove_file(&next) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = OpenOptions::new().read(true).append(true).create_new(true).mode(FILE_MODE).open(&next)?;
        let mut writer = BufWriter::with_capacity(1 << 16, &file);
        writer.write_all(record::header().as_bytes())?;
        writer.write_all(&record::encode(revision, std::iter::empty()))?;
        for (at, object) in objects {
            writer.write_all(&record::encode(revision, std::iter::once((&at, Some(object)))))?;
        }
        writer.flush()?;
        drop(writer);
        let length = file.metadata()?.len();
        // Before the name: a power cut must not leave a name without content.
        file.sync_all()?;
        fs::rename(&next, self.journal())?;
        // The new journal is the one that counts now, whatever becomes of the next line: after a power cut, it may be the old
        // one again, which was complete when it was replaced.
        if let Err(error) = File::open(&self.path).and_then(|directory| directory.sync_all()) {
            tracing::warn!(%error, "the directory of the journal cannot be brought to the disk");
        }
        Ok((file, length))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // Closing the file is not enough while a child process that was just forked has it open, too. When this fails, closing
        // it unlocks it a moment later.
        let _ = self.lock.unlock();
    }
}
