//! What the file system tells of a directory.

use std::{path::Path, sync::Arc, time::Duration};

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::{sync::Notify, time::sleep};

/// Several changes mostly come together, such as that of a component and that of its grants.
const TOGETHER: Duration = Duration::from_millis(100);

/// Word that something in a directory may have changed.
pub(super) struct News {
    changed: Arc<Notify>,
    /// Tells until it is dropped. `None` if the system has no watches left.
    _watcher: Option<RecommendedWatcher>,
}

impl News {
    /// Of the directory that is at this path now.
    pub(super) fn of(path: &Path) -> Self {
        let changed = Arc::new(Notify::new());
        let told = Arc::clone(&changed);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // Our own reading is no change. What could not be told may be one.
            if event.is_ok_and(|event| event.kind.is_access()) {
                return;
            }
            told.notify_one();
        });
        let watcher = watcher.and_then(|mut watcher| {
            watcher.watch(path, RecursiveMode::NonRecursive)?;
            Ok(watcher)
        });
        let watcher = watcher.inspect_err(|error| {
            tracing::warn!(%error, "the file system does not tell of changes in the providers directory: they are found later");
        });
        Self { changed, _watcher: watcher.ok() }
    }

    /// Waits for the next one; what was told since the last one counts.
    pub(super) async fn next(&self) {
        self.changed.notified().await;
        sleep(TOGETHER).await;
    }
}
