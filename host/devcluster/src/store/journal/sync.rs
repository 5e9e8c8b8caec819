//! Bringing what was written to the disk, behind the requests.

use std::fs::File;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

/// A thread that syncs a file as long as there is something to sync. Dropping it syncs what is left and ends the thread.
#[derive(Debug)]
pub(super) struct Sync {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Holds writes that were not synced yet. The newest file alone: one that it replaced needs no sync any more.
    unsynced: Option<Arc<File>>,
    failed: Option<Arc<io::Error>>,
    ending: bool,
}

impl Sync {
    pub(super) fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let thread = Builder::new().name("journal-sync".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || shared.run()
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Asks for a sync, without waiting for it.
    pub(super) fn request(&self, file: &Arc<File>) {
        self.shared.lock().unsynced = Some(Arc::clone(file));
        self.shared.changed.notify_one();
    }

    /// Fails if a sync has failed. It is not tried again: the kernel may have dropped what it could not write.
    pub(super) fn check(&self) -> Result<(), Arc<io::Error>> {
        self.shared.lock().failed.clone().map_or(Ok(()), Err)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds this lock, and each field is valid on its own.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut state = self.lock();
        loop {
            if let Some(file) = state.unsynced.take() {
                drop(state);
                let synced = file.sync_data();
                state = self.lock();
                if let Err(error) = synced {
                    tracing::error!(%error, "the journal cannot be brought to the disk: nothing is written from now on");
                    state.failed = Some(Arc::new(error));
                }
            } else if state.ending {
                return;
            } else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

impl Drop for Sync {
    fn drop(&mut self) {
        self.shared.lock().ending = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // It does not panic, and there would be nobody to tell.
            let _ = thread.join();
        }
    }
}
