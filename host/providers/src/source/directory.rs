//! A directory with `NAME.wasm` and, beside it, `NAME.grants.yaml`. It is looked through once a second, so that a provider
//! built anew is taken at once while one writes it. What cannot be read is tried again, ever more seldom, until it can.

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, Read},
    sync::Arc,
    time::{Duration, SystemTime},
};

use cap_std::fs::Dir;
use tokio::{sync::mpsc, time::Instant};

use super::{Delivery, Found, Listing, Place};
use crate::artifact::{Artifact, ArtifactError, MAX_COMPONENT_BYTES, Origin, check_name};

/// How often the directory is looked through.
const INTERVAL: Duration = Duration::from_secs(1);
/// Until a file that could not be read is read again, doubled each time up to the second. It may be half-way through a copy, or
/// on a file system that is away for a moment.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
const COMPONENT: &str = ".wasm";
const GRANTS: &str = ".grants.yaml";

/// What tells one state of the two files from another without reading them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    component: (u64, Option<SystemTime>),
    grants: Option<(u64, Option<SystemTime>)>,
}

/// What became of one state of the two files.
#[derive(Debug, Clone)]
struct Looked {
    stamp: Stamp,
    /// Why it could not be read, and when it is tried again.
    failed: Option<Failed>,
}

#[derive(Debug, Clone)]
struct Failed {
    error: ArtifactError,
    again: Instant,
    wait: Duration,
}

impl Looked {
    /// Whether a state of the files is read: another one than before at once, and one that could not be read when it is time.
    fn is_due(before: Option<&Self>, stamp: &Stamp, now: Instant) -> bool {
        match before {
            Some(before) if before.stamp == *stamp => before.failed.as_ref().is_some_and(|failed| failed.again <= now),
            _ => true,
        }
    }

    /// What is known after a read, and whether that is news.
    fn after(
        before: Option<&Self>,
        stamp: &Stamp,
        artifact: &Result<Artifact, ArtifactError>,
        now: Instant,
    ) -> (Self, bool) {
        let former = before.filter(|before| before.stamp == *stamp).and_then(|before| before.failed.as_ref());
        let stamp = stamp.clone();
        match artifact {
            // What else is wrong with a file stays wrong until it is changed.
            Err(error @ ArtifactError::Unreadable { .. }) => {
                let wait = former.map_or(AGAIN.0, |former| (former.wait * 2).min(AGAIN.1));
                let failed = Failed { error: error.clone(), again: now + wait, wait };
                let told = former.is_some_and(|former| former.error == failed.error);
                (Self { stamp, failed: Some(failed) }, !told)
            }
            _ => (Self { stamp, failed: None }, true),
        }
    }
}

/// Follows a directory until the receiver is gone. The handle is all that is reachable: no path leads out of it.
pub(crate) async fn follow(directory: Arc<Dir>, deliveries: mpsc::Sender<Delivery>) {
    let mut known: HashMap<String, Looked> = HashMap::new();
    // A state is taken only when it was the same a moment before: a compiler may be half-way through writing it.
    let mut candidates: Option<BTreeMap<String, Stamp>> = None;
    let mut complaint = None;
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let Some(found) = look(&directory, &mut complaint).await else {
            if deliveries.is_closed() {
                return;
            }
            continue;
        };
        let first = candidates.is_none();
        let before = candidates.replace(found.clone()).unwrap_or_default();
        for (name, stamp) in &found {
            let settled = first || before.get(name) == Some(stamp);
            if !settled || !Looked::is_due(known.get(name), stamp, Instant::now()) {
                continue;
            }
            let found = arrived(&directory, name).await;
            let (looked, news) = Looked::after(known.get(name), stamp, &found.artifact, Instant::now());
            known.insert(name.clone(), looked);
            if news && deliveries.send(Delivery::Found(place(name), Box::new(found))).await.is_err() {
                return;
            }
        }
        let gone: Vec<String> = known.keys().filter(|name| !found.contains_key(*name)).cloned().collect();
        for name in gone {
            known.remove(&name);
            if deliveries.send(Delivery::Gone(place(&name))).await.is_err() {
                return;
            }
        }
        if first && deliveries.send(Delivery::Listed(Listing::Files)).await.is_err() {
            return;
        }
        if deliveries.is_closed() {
            return;
        }
    }
}

/// What is there. `None` if that cannot be said now; a complaint of the same words is made once.
async fn look(directory: &Arc<Dir>, complaint: &mut Option<String>) -> Option<BTreeMap<String, Stamp>> {
    match blocking(directory, scan).await {
        Ok(found) => {
            if complaint.take().is_some() {
                tracing::info!("the providers directory can be read again");
            }
            Some(found)
        }
        Err(error) => {
            let said = error.to_string();
            if complaint.as_ref() != Some(&said) {
                tracing::warn!(%error, "the providers directory cannot be read; what runs goes on running");
                *complaint = Some(said);
            }
            None
        }
    }
}

async fn arrived(directory: &Arc<Dir>, name: &str) -> Found {
    let owned = name.to_owned();
    let artifact = match check_name(name) {
        Ok(()) => blocking(directory, move |directory| Ok(read(directory, &owned)))
            .await
            .unwrap_or_else(|error| Err(unreadable(COMPONENT, name, &error))),
        Err(error) => Err(error),
    };
    Found { provider: Some(name.to_owned()), origin: origin(name), artifact }
}

fn place(name: &str) -> Place {
    Place::File(format!("{name}{COMPONENT}"))
}

/// One of the two files, by its ending.
fn unreadable(ending: &str, name: &str, error: &io::Error) -> ArtifactError {
    ArtifactError::Unreadable { key: format!("{name}{ending}"), message: error.to_string() }
}

fn origin(name: &str) -> Origin {
    Origin::File(format!("{name}{COMPONENT}"))
}

/// File systems block.
async fn blocking<T: Send + 'static>(
    directory: &Arc<Dir>,
    work: impl FnOnce(&Dir) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let directory = Arc::clone(directory);
    tokio::task::spawn_blocking(move || work(&directory)).await.map_err(io::Error::other)?
}

fn scan(directory: &Dir) -> io::Result<BTreeMap<String, Stamp>> {
    let mut found = BTreeMap::new();
    for entry in directory.entries()? {
        let file = entry?.file_name();
        let Some(name) = file.to_str().and_then(|file| file.strip_suffix(COMPONENT)) else {
            continue;
        };
        // One that cannot be looked at, such as a link that leads out, says so when it is read.
        let component = match stamp(directory, &format!("{name}{COMPONENT}")) {
            Ok(Some(stamp)) => stamp,
            Ok(None) => continue,
            Err(_) => (0, None),
        };
        let grants = stamp(directory, &format!("{name}{GRANTS}")).unwrap_or_default();
        found.insert(name.to_owned(), Stamp { component, grants });
    }
    Ok(found)
}

fn stamp(directory: &Dir, file: &str) -> io::Result<Option<(u64, Option<SystemTime>)>> {
    match directory.metadata(file) {
        Ok(data) => Ok(Some((data.len(), data.modified().ok().map(cap_std::time::SystemTime::into_std)))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn read(directory: &Dir, name: &str) -> Result<Artifact, ArtifactError> {
    let component = component(directory, name).map_err(|error| unreadable(COMPONENT, name, &error))?;
    if component.len() as u64 > MAX_COMPONENT_BYTES {
        return Err(ArtifactError::TooLarge);
    }
    let grants = match directory.read_to_string(format!("{name}{GRANTS}")) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(unreadable(GRANTS, name, &error)),
    };
    Ok(Artifact { component: component.into(), grants: grants.into(), origin: origin(name) })
}

/// At most a byte more than a component may have.
fn component(directory: &Dir, name: &str) -> io::Result<Vec<u8>> {
    let mut component = Vec::new();
    directory.open(format!("{name}{COMPONENT}"))?.take(MAX_COMPONENT_BYTES + 1).read_to_end(&mut component)?;
    Ok(component)
}

#[cfg(test)]
mod tests {
    use cap_std::ambient_authority;

    use super::*;

    fn directory() -> (tempfile::TempDir, Dir) {
        let folder = tempfile::tempdir().unwrap();
        let dir = Dir::open_ambient_dir(folder.path(), ambient_authority()).unwrap();
        (folder, dir)
    }

    #[tokio::test]
    async fn providers_arrive_change_and_go() {
        let (folder, dir) = directory();
        std::fs::write(folder.path().join("patch.wasm"), b"one").unwrap();
        std::fs::write(folder.path().join("patch.grants.yaml"), "kubernetes: []").unwrap();
        std::fs::write(folder.path().join("readme.txt"), b"no provider").unwrap();
        let (sender, mut receiver) = mpsc::channel(4);
        let following = tokio::spawn(follow(Arc::new(dir), sender));

        let found = async |delivery: Option<Delivery>| match delivery {
            Some(Delivery::Found(place, found)) => (place, found.provider, found.artifact.unwrap()),
            other => panic!("{other:?}"),
        };
        let (place, provider, artifact) = found(receiver.recv().await).await;
        assert_eq!((place, provider.as_deref()), (Place::File("patch.wasm".to_owned()), Some("patch")));
        assert_eq!((&*artifact.component, &*artifact.grants), (&b"one"[..], "kubernetes: []"));
        assert!(matches!(receiver.recv().await, Some(Delivery::Listed(Listing::Files))));

        std::fs::write(folder.path().join("patch.wasm"), b"three").unwrap();
        assert_eq!(&*found(receiver.recv().await).await.2.component, b"three");

        std::fs::remove_file(folder.path().join("patch.wasm")).unwrap();
        assert!(matches!(receiver.recv().await, Some(Delivery::Gone(_))));
        drop(receiver);
        following.await.unwrap();
    }

    /// Nothing that tells one state from another changes when the grants can be read again: the link leads nowhere that may be
    /// looked at, and then there is none.
    #[tokio::test(start_paused = true)]
    async fn what_could_not_be_read_is_told_once_and_taken_when_it_can_be_read() {
        let (folder, dir) = directory();
        let grants = folder.path().join("patch.grants.yaml");
        std::fs::write(folder.path().join("patch.wasm"), b"one").unwrap();
        std::os::unix::fs::symlink(&grants, &grants).unwrap();
        let before = scan(&dir).unwrap();
        let (sender, mut receiver) = mpsc::channel(4);
        let following = tokio::spawn(follow(Arc::new(dir.try_clone().unwrap()), sender));
        match receiver.recv().await {
            Some(Delivery::Found(_, found)) => {
                let error = found.artifact.unwrap_err();
                assert_eq!(error.reason(), "SourceInvalid");
                assert!(error.to_string().contains("patch.grants.yaml"), "{error}");
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(receiver.recv().await, Some(Delivery::Listed(Listing::Files))));
        // The same again is no news, however often it is tried.
        let again = tokio::time::timeout(Duration::from_mins(5), receiver.recv()).await;
        assert!(again.is_err(), "{again:?}");

        std::fs::remove_file(&grants).unwrap();
        assert_eq!(scan(&dir).unwrap(), before, "it looks the same from outside");
        match receiver.recv().await {
            Some(Delivery::Found(_, found)) => assert_eq!(&*found.artifact.unwrap().component, b"one"),
            other => panic!("{other:?}"),
        }
        drop(receiver);
        following.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_read_is_tried_again_ever_more_seldom_and_at_once_when_it_changes() {
        let stamp = |size| Stamp { component: (size, None), grants: None };
        let failed = Err(unreadable(COMPONENT, "patch", &io::Error::other("no")));
        let (start, mut known, mut waits) = (Instant::now(), None, Vec::new());
        let mut now = start;
        for _ in 0..8 {
            let (looked, news) = Looked::after(known.as_ref(), &stamp(1), &failed, now);
            assert_eq!(news, known.is_none(), "the same is told once");
            let again = looked.failed.as_ref().unwrap().again;
            assert!(!Looked::is_due(Some(&looked), &stamp(1), again - Duration::from_millis(1)));
            assert!(Looked::is_due(Some(&looked), &stamp(1), again));
            assert!(Looked::is_due(Some(&looked), &stamp(2), now), "another state is read at once");
            waits.push((again - now).as_secs());
            (known, now) = (Some(looked), again);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
        let other = Err(unreadable(COMPONENT, "patch", &io::Error::other("still no")));
        assert!(Looked::after(known.as_ref(), &stamp(1), &other, now).1, "other words are news");
        // What is too large is so until it is changed.
        let (large, news) = Looked::after(known.as_ref(), &stamp(1), &Err(ArtifactError::TooLarge), now);
        assert!(news && !Looked::is_due(Some(&large), &stamp(1), now + Duration::from_hours(1)));
    }

    #[test]
    fn a_link_out_of_the_directory_is_not_followed() {
        let (folder, dir) = directory();
        let (outside, _) = directory();
        std::fs::write(outside.path().join("secret"), b"x").unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), folder.path().join("evil.wasm")).unwrap();
        std::fs::write(folder.path().join("good.wasm"), b"x").unwrap();
        assert!(read(&dir, "evil").is_err());
        // It does not hide the others.
        assert_eq!(scan(&dir).unwrap().into_keys().collect::<Vec<_>>(), ["evil", "good"]);
    }
}
