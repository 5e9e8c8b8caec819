//! A directory with `NAME.wasm` and, beside it, `NAME.grants.yaml`. It is looked through once a second, so that a provider
//! built anew is taken at once while one writes it.

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, Read},
    sync::Arc,
    time::{Duration, SystemTime},
};

use cap_std::fs::Dir;
use tokio::sync::mpsc;

use super::{Delivery, Found, Listing, Place};
use crate::artifact::{Artifact, ArtifactError, MAX_COMPONENT_BYTES, Origin, check_name};

/// How often the directory is looked through.
const INTERVAL: Duration = Duration::from_secs(1);
const COMPONENT: &str = ".wasm";
const GRANTS: &str = ".grants.yaml";

/// What tells one state of the two files from another without reading them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    component: (u64, Option<SystemTime>),
    grants: Option<(u64, Option<SystemTime>)>,
}

/// Follows a directory until the receiver is gone. The handle is all that is reachable: no path leads out of it.
pub(crate) async fn follow(directory: Dir, deliveries: mpsc::Sender<Delivery>) {
    let directory = Arc::new(directory);
    let mut known: HashMap<String, Stamp> = HashMap::new();
    // A state is taken only when it was the same a moment before: a compiler may be half-way through writing it.
    let mut candidates: Option<BTreeMap<String, Stamp>> = None;
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let scanned = blocking(&directory, scan).await;
        let found = match scanned {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "the providers directory cannot be read; what runs goes on running");
                continue;
            }
        };
        let first = candidates.is_none();
        let before = candidates.replace(found.clone()).unwrap_or_default();
        for (name, stamp) in &found {
            let settled = first || before.get(name) == Some(stamp);
            if known.get(name) == Some(stamp) || !settled {
                continue;
            }
            known.insert(name.clone(), stamp.clone());
            let found = arrived(&directory, name).await;
            if deliveries.send(Delivery::Found(place(name), Box::new(found))).await.is_err() {
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

async fn arrived(directory: &Arc<Dir>, name: &str) -> Found {
    let owned = name.to_owned();
    let artifact = match check_name(name) {
        Ok(()) => blocking(directory, move |directory| read(directory, &owned))
            .await
            .map_err(|error| unreadable(name, &error)),
        Err(error) => Err(error),
    };
    Found { provider: Some(name.to_owned()), origin: origin(name), artifact }
}

fn place(name: &str) -> Place {
    Place::File(format!("{name}{COMPONENT}"))
}

fn unreadable(name: &str, error: &io::Error) -> ArtifactError {
    if error.kind() == io::ErrorKind::FileTooLarge {
        ArtifactError::TooLarge
    } else {
        ArtifactError::Unreadable { key: format!("{name}{COMPONENT}"), message: error.to_string() }
    }
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

fn read(directory: &Dir, name: &str) -> io::Result<Artifact> {
    let mut component = Vec::new();
    directory.open(format!("{name}{COMPONENT}"))?.take(MAX_COMPONENT_BYTES + 1).read_to_end(&mut component)?;
    if component.len() as u64 > MAX_COMPONENT_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let grants = match directory.read_to_string(format!("{name}{GRANTS}")) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    Ok(Artifact { component: component.into(), grants: grants.into(), origin: origin(name) })
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
        let following = tokio::spawn(follow(dir, sender));

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
