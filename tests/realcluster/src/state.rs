//! What is known of a control plane on disk, so that another process can end it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::process::Process;

/// Lines of `PID PROGRAM`, one per process.
const PROCESSES: &str = "processes";
/// The process that answers for the control plane; absent if it stays until somebody ends it.
const OWNER: &str = "owner";

/// Makes the folder of a control plane, for its owner alone: it holds keys.
pub(crate) fn make_folder(folder: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent)?;
    }
    let made = fs::DirBuilder::new().mode(0o700).create(folder);
    made.with_context(|| format!("{} cannot be made", folder.display()))
}

/// Remembers that this process answers for a control plane.
pub(crate) fn own(folder: &Path) -> io::Result<()> {
    fs::write(folder.join(OWNER), std::process::id().to_string())
}

/// It stays when this process ends.
pub(crate) fn disown(folder: &Path) -> io::Result<()> {
    fs::remove_file(folder.join(OWNER))
}

pub(crate) fn record(folder: &Path, processes: &[&Process]) -> io::Result<()> {
    let lines = processes.iter().filter_map(|process| {
        // As the system will name it, whatever links led there.
        let program = fs::canonicalize(&process.program).unwrap_or_else(|_| process.program.clone());
        process.id().map(|id| format!("{id} {}\n", program.display()))
    });
    fs::write(folder.join(PROCESSES), lines.collect::<String>())
}

/// Ends the control plane of a folder, whoever started it, and removes the folder. Processes that are not the recorded programs
/// any more are left alone. Nothing happens if there is no such folder.
///
/// # Errors
/// If the folder is not one of a control plane, or cannot be removed.
pub fn end(folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    ensure!(is_ours(folder), "{} holds no control plane: it is left alone", folder.display());
    let recorded = fs::read_to_string(folder.join(PROCESSES)).unwrap_or_default();
    for line in recorded.lines() {
        let Some((id, program)) = line.split_once(' ') else { continue };
        let id: u32 = id.parse().with_context(|| format!("{} is damaged", folder.join(PROCESSES).display()))?;
        if program_of(id).is_some_and(|running| running == Path::new(program)) {
            let killed = Command::new("sh").args(["-c", "kill -KILL \"$1\"", "sh", &id.to_string()]).status();
            ensure!(killed.context("no shell")?.success(), "{program} (process {id}) cannot be ended");
        }
    }
    fs::remove_dir_all(folder).with_context(|| format!("{} cannot be removed", folder.display()))
}

/// Ends the control planes below a folder whose owners are gone without having ended them.
///
/// # Errors
/// Those of [`end`].
pub(crate) fn sweep(parent: &Path) -> Result<()> {
    let Ok(folders) = fs::read_dir(parent) else {
        return Ok(());
    };
    for folder in folders.flatten().map(|entry| entry.path()) {
        let owner = fs::read_to_string(folder.join(OWNER)).ok().and_then(|id| id.parse().ok());
        if owner.is_some_and(|owner| program_of(owner).is_none()) {
            end(&folder)?;
        }
    }
    Ok(())
}

fn is_ours(folder: &Path) -> bool {
    folder.join(PROCESSES).exists() || folder.join(OWNER).exists()
}

/// The program that a process runs; nothing if there is no such process.
fn program_of(id: u32) -> Option<PathBuf> {
    if Path::new("/proc/self/exe").exists() {
        return fs::read_link(format!("/proc/{id}/exe")).ok().map(as_it_was_started);
    }
    // Systems without /proc.
    let output = Command::new("ps").args(["-o", "comm=", "-p", &id.to_string()]).output().ok()?;
    let name = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!name.is_empty()).then(|| fs::canonicalize(&name).unwrap_or_else(|_| name.into()))
}

/// Linux marks the path of a program whose file is gone, as it is when the program was built anew.
fn as_it_was_started(running: PathBuf) -> PathBuf {
    match running.to_str().and_then(|path| path.strip_suffix(" (deleted)")) {
        Some(path) => path.into(),
        None => running,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("capstan-state-{name}-{}", std::process::id()));
        make_folder(&path).unwrap();
        path
    }

    fn sleep() -> PathBuf {
        let sleep = ["/bin/sleep", "/usr/bin/sleep"].iter().find(|path| Path::new(path).exists()).unwrap();
        fs::canonicalize(sleep).unwrap()
    }

    fn sleeper(folder: &Path) -> Process {
        Process::start(&sleep(), &["60".to_owned()], folder, &[]).unwrap()
    }

    #[test]
    fn what_was_recorded_is_ended_with_its_folder() {
        let folder = folder("end");
        let mut process = sleeper(&folder);
        record(&folder, &[&process]).unwrap();
        end(&folder).unwrap();
        assert!(!folder.exists());
        // It takes a moment to die.
        while process.check().is_ok() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_program_that_was_started_through_a_link_is_ended() {
        let folder = folder("link");
        let link = folder.join("sleep");
        std::os::unix::fs::symlink(sleep(), &link).unwrap();
        let mut process = Process::start(&link, &["60".to_owned()], &folder, &[]).unwrap();
        record(&folder, &[&process]).unwrap();
        end(&folder).unwrap();
        // It takes a moment to die; left alone, it would end by itself after a minute.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while process.check().is_ok() {
            assert!(std::time::Instant::now() < deadline, "it was left alone");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_program_that_was_built_anew_since_is_still_known() {
        assert_eq!(as_it_was_started("/bin/etcd (deleted)".into()), Path::new("/bin/etcd"));
        assert_eq!(as_it_was_started("/bin/etcd".into()), Path::new("/bin/etcd"));
    }

    #[test]
    fn a_process_that_is_another_program_now_is_left_alone() {
        let folder = folder("other");
        let mut process = sleeper(&folder);
        let line = format!("{} /somewhere/kube-apiserver\n", process.id().unwrap());
        fs::write(folder.join(PROCESSES), line).unwrap();
        end(&folder).unwrap();
        assert!(process.check().is_ok());
    }

    #[test]
    fn a_folder_without_a_control_plane_is_left_alone() {
        let folder = folder("foreign");
        assert!(end(&folder).is_err());
        assert!(folder.exists());
        fs::remove_dir(folder).unwrap();
    }

    #[test]
    fn only_what_has_lost_its_owner_is_swept() {
        let parent = folder("sweep");
        let (owned, lost, kept) = (parent.join("owned"), parent.join("lost"), parent.join("kept"));
        for folder in [&owned, &lost, &kept] {
            make_folder(folder).unwrap();
            record(folder, &[]).unwrap();
        }
        own(&owned).unwrap();
        // No process has the highest number.
        fs::write(lost.join(OWNER), u32::MAX.to_string()).unwrap();
        sweep(&parent).unwrap();
        assert_eq!((owned.exists(), lost.exists(), kept.exists()), (true, false, true));
        fs::remove_dir_all(parent).unwrap();
    }
}
