//! The journal: the changes of every transaction, appended to a file before they are answered or seen by anybody.
//!
//! # Guarantees
//! A transaction is a request's own change together with all that follows from it: after a restart it is there as a whole
//! or not at all.
//!
//! * The process is killed, at any moment: everything that was acknowledged is there. The text was handed to the
//!   operating system by then. Half a line that was being written is cut off.
//! * The machine loses power: everything is there but the last moments. A thread syncs the file without a pause as long as
//!   there is something to sync, and requests do not wait for it: what may be lost is what one sync took, milliseconds as a
//!   rule. What is left is the state at some moment in the past; a disk that kept a later part without an earlier one is
//!   found out by the checksums.
//! * Something else happened to the file: it is refused, see [`OpenError`], and left as it is.
//!
//! # Why not a database
//! All objects are in memory anyway, so that of a database only the commit would be used. A durable commit of redb 4.4 took
//! 2.9 ms on a disk where appending took 2 µs (and appending with a sync 1.4 ms), under the lock that every request needs.
//! Its cheap durability forgets acknowledged writes when the process is killed, which is what happens to a server under
//! development, while power cuts are rare.

mod directory;
mod error;
mod record;
mod sync;

use std::fs::File;
use std::io::{BufReader, Seek, Write};
use std::path::Path;
use std::sync::Arc;

use super::{Change, Object, ObjectRef};
use directory::Directory;
pub(crate) use error::AppendError;
pub use error::OpenError;
pub(super) use record::{Contents, Stored};
use sync::Sync;

/// The file is rewritten without what is outdated when it has grown by this and the size that it had then. Small enough to
/// be read in a second, large enough that rewriting is rare.
const SLACK: u64 = 16 << 20;

/// An open journal. Locked against other processes as long as it lives.
#[derive(Debug)]
pub(super) struct Journal {
    file: Arc<File>,
    /// Where the last whole record ends.
    length: u64,
    rewrite_above: u64,
    /// A record is there in part and could not be cut off.
    broken: bool,
    sync: Sync,
    /// Dropped last: the lock is held until everything is on the disk.
    directory: Directory,
}

impl Journal {
    /// Opens the journal of a directory, which is made if need be, and reads it.
    pub(super) fn open(path: &Path) -> Result<(Self, Contents), OpenError> {
        let directory = Directory::open(path)?;
        let at = directory.journal();
        let io = |action| OpenError::io(action, &at);
        let mut file = match directory.existing().map_err(io("open"))? {
            Some(file) => file,
            None => directory.write(0, std::iter::empty()).map_err(io("make"))?.0,
        };
        file.rewind().map_err(io("read"))?;
        let contents = record::read(BufReader::new(&file)).map_err(|error| error.at(&at))?;
        if contents.torn > 0 {
            tracing::warn!(path = %at.display(), bytes = contents.torn, "cut off a write that was not finished");
            file.set_len(contents.length).and_then(|()| file.sync_all()).map_err(io("cut"))?;
        }
        let journal = Self {
            file: Arc::new(file),
            length: contents.length,
            rewrite_above: SLACK,
            broken: false,
            sync: Sync::start().map_err(io("sync"))?,
            directory,
        };
        Ok((journal, contents))
    }

    /// Writes a transaction: all of it is in the hands of the operating system, or nothing is written.
    pub(super) fn append<'a>(
        &mut self,
        revision: u64,
        changes: impl Iterator<Item = &'a Change>,
    ) -> Result<(), AppendError> {
        self.sync.check().map_err(AppendError::Sync)?;
        if self.broken {
            return Err(AppendError::Broken);
        }
        let entries = changes.map(|change| (&change.at, (!change.deleted).then_some(&*change.object)));
        let line = record::encode(revision, entries);
        if let Err(source) = (&*self.file).write_all(&line) {
            // A part may have been written, as when the disk is full. Nothing may follow it.
            if let Err(error) = self.file.set_len(self.length) {
                tracing::error!(%error, "an unfinished write cannot be cut off: nothing is written from now on");
                self.broken = true;
            }
            return Err(AppendError::Write(source));
        }
        self.length += line.len() as u64;
        self.sync.request(&self.file);
        Ok(())
    }

    /// Whether much of the file is outdated.
    pub(super) fn is_due(&self) -> bool {
        self.length > self.rewrite_above
    }

    /// Replaces the file by one with these objects alone. When that fails, the file goes on as it was.
    pub(super) fn rewrite<'a>(&mut self, revision: u64, objects: impl Iterator<Item = (ObjectRef, &'a Object)>) {
        match self.directory.write(revision, objects) {
            Ok((file, length)) => {
                tracing::debug!(before = self.length, after = length, "journal rewritten");
                self.file = Arc::new(file);
                self.length = length;
                self.rewrite_above = 2 * length + SLACK;
            }
            Err(error) => {
                tracing::warn!(%error, "the journal cannot be rewritten, it goes on growing");
                self.rewrite_above = 2 * self.length;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn change(revision: u64, name: &str) -> Change {
        let at = ObjectRef { collection: "widgets".into(), namespace: "default".into(), name: name.into() };
        let value = json!({"metadata": {"name": name, "resourceVersion": revision.to_string()}});
        let object = Object::unsaved(value, revision, 0);
        Change { revision, at, object, previous: None, deleted: false }
    }

    fn append(journal: &mut Journal, revision: u64, name: &str) -> Result<(), AppendError> {
        journal.append(revision, std::iter::once(&change(revision, name)))
    }

    fn names(contents: &Contents) -> Vec<&str> {
        contents.objects.keys().map(|at| at.name.as_str()).collect()
    }

    #[test]
    fn a_rewritten_journal_has_what_is_current_and_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(folder.path()).unwrap();
        append(&mut journal, 1, "old").unwrap();
        assert!(!journal.is_due());
        journal.rewrite_above = journal.length - 1;
        assert!(journal.is_due());
        let kept = change(2, "kept");
        journal.rewrite(3, std::iter::once((kept.at.clone(), &*kept.object)));
        assert!(!journal.is_due());
        append(&mut journal, 4, "later").unwrap();
        let length = journal.length;
        drop(journal);
        // As a process leaves it that is killed while it rewrites.
        fs::write(folder.path().join("journal.next"), "half").unwrap();
        let (mut journal, contents) = Journal::open(folder.path()).unwrap();
        assert_eq!((contents.revision, contents.length, names(&contents)), (4, length, vec!["kept", "later"]));
        journal.rewrite(4, std::iter::empty());
        assert!(!folder.path().join("journal.next").exists());
    }

    #[test]
    fn a_journal_that_cannot_be_rewritten_goes_on_growing() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(folder.path()).unwrap();
        append(&mut journal, 1, "a").unwrap();
        fs::create_dir(folder.path().join("journal.next")).unwrap();
        journal.rewrite(1, std::iter::empty());
        append(&mut journal, 2, "b").unwrap();
        drop(journal);
        assert_eq!(names(&Journal::open(folder.path()).unwrap().1), ["a", "b"]);
    }

    #[test]
    fn writing_goes_on_after_an_unfinished_record() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(folder.path()).unwrap();
        append(&mut journal, 1, "a").unwrap();
        append(&mut journal, 2, "b").unwrap();
        journal.file.set_len(journal.length - 5).unwrap();
        drop(journal);
        let (mut journal, contents) = Journal::open(folder.path()).unwrap();
        assert_eq!((contents.revision, names(&contents)), (1, vec!["a"]));
        append(&mut journal, 2, "c").unwrap();
        drop(journal);
        assert_eq!(names(&Journal::open(folder.path()).unwrap().1), ["a", "c"]);
    }

    #[test]
    fn after_a_failed_sync_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(folder.path()).unwrap();
        // A pipe takes writes and cannot be synced.
        let (_reader, pipe) = std::io::pipe().unwrap();
        journal.sync.request(&Arc::new(File::from(std::os::fd::OwnedFd::from(pipe))));
        while journal.sync.check().is_ok() {
            std::thread::yield_now();
        }
        assert!(matches!(append(&mut journal, 1, "a"), Err(AppendError::Sync(_))));
    }

    #[test]
    fn a_record_that_cannot_be_written_or_cut_off_is_the_last_one() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(folder.path()).unwrap();
        journal.file = Arc::new(File::open(folder.path().join("journal")).unwrap());
        assert!(matches!(append(&mut journal, 1, "a"), Err(AppendError::Write(_))));
        assert!(matches!(append(&mut journal, 1, "a"), Err(AppendError::Broken)));
    }
}
