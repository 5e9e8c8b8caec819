//! What can go wrong with the files of a cluster.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why the data of a cluster cannot be opened. Whatever it is, nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A file or the directory cannot be used at all.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried: a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Another process, or another cluster of this one, works with the directory.
    #[error("{} is in use by another process: stop that one, or choose another directory", .0.display())]
    InUse(PathBuf),
    /// The file is there and something else.
    #[error("{} was not written by Capstan: choose another directory, or move that file away", .0.display())]
    NotAJournal(PathBuf),
    /// The file was written by a newer version.
    #[error(
        "{} has format {found}, this version reads up to {supported}: use the newer version that wrote it, or choose another \
         directory", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The newest format that can be read.
        supported: u64,
    },
    /// The file was changed or lost a part, other than at its very end.
    #[error(
        "{} is damaged at byte {at} ({what}): choose another directory, or keep a copy and go on with what was written \
         before that, by `truncate --size={at} {}`", path.display(), path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the first record begins that cannot be read.
        at: u64,
        /// What is wrong with it.
        what: String,
    },
    /// What the server adds of its own at start, such as the default namespaces, cannot be written.
    #[error("cannot write what every cluster has: {0}")]
    Prepare(String),
}

impl OpenError {
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}

/// Why a journal cannot be read, whichever file it is.
#[derive(Debug)]
pub(super) enum ReadError {
    Io(io::Error),
    NotAJournal,
    Newer { found: u64, supported: u64 },
    Damaged { at: u64, what: String },
}

impl ReadError {
    pub(super) fn at(self, path: &Path) -> OpenError {
        let path = path.to_owned();
        match self {
            Self::Io(source) => OpenError::Io { action: "read", path, source },
            Self::NotAJournal => OpenError::NotAJournal(path),
            Self::Newer { found, supported } => OpenError::Newer { path, found, supported },
            Self::Damaged { at, what } => OpenError::Damaged { path, at, what },
        }
    }
}

/// Why a transaction is not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppendError {
    #[error("cannot write to the journal: {0}")]
    Write(#[source] io::Error),
    /// Nobody knows what the disk has of the writes before, so that no more are taken.
    #[error("what was written before cannot be brought to the disk, a restart is needed: {0}")]
    Sync(#[source] Arc<io::Error>),
    /// The file ends in a part of a record, which the next start cuts off.
    #[error("an earlier write failed half way, a restart is needed")]
    Broken,
}
