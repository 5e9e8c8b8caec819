//! Running something that may never end.

use std::{
    os::unix::process::CommandExt,
    process::{Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};

/// Ends the whole group when its input does, which is when this program has ended, however it came to that; nobody else would.
const GUARDED: &str = "exec 3<&0 </dev/null; (read -r _ <&3; kill -s KILL 0) >/dev/null 2>&1 & exec \"$@\" 3<&-";

/// What it said and how it ended. `None`: it took longer than it may, and was ended with everything that it had started.
pub(super) fn output(command: &Command, time: Duration) -> Result<Option<Output>> {
    let name = command.get_program().to_string_lossy().into_owned();
    let cannot = || format!("{name} cannot be run");
    let mut child = guarded(command).spawn().with_context(cannot)?;
    let group = child.id();
    // Held until it has ended, or was.
    let input = child.stdin.take();
    let (sender, ended) = mpsc::channel();
    // Whoever waits for it is gone only if this function has ended.
    let waiting = thread::spawn(move || drop(sender.send(child.wait_with_output())));
    if let Ok(output) = ended.recv_timeout(time) {
        return Ok(Some(output.with_context(cannot)?));
    }
    end(group)?;
    drop(input);
    ensure!(waiting.join().is_ok(), "{name} cannot be waited for");
    Ok(None)
}

/// The same in a group of its own.
fn guarded(command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", GUARDED, "sh"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        shell.current_dir(directory);
    }
    shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    shell
}

/// Ends all processes of a group, of which nobody has waited for the first.
fn end(group: u32) -> Result<()> {
    let ended = Command::new("sh").args(["-c", &format!("kill -s KILL -- -{group}")]).output();
    let ended = ended.context("sh cannot be started")?;
    ensure!(
        ended.status.success(),
        "process group {group} cannot be ended: {}",
        String::from_utf8_lossy(&ended.stderr)
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};

    use super::*;

    fn shell(script: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        shell
    }

    #[test]
    fn what_ends_in_time_tells_all_it_said() {
        let output = output(&shell("echo this; echo that >&2; exit 3"), Duration::from_mins(1)).unwrap().unwrap();
        assert_eq!((output.stdout, output.stderr, output.status.code()), (b"this\n".into(), b"that\n".into(), Some(3)));
    }

    /// The one that it started keeps its output open: that comes to an end only if that one is ended too.
    #[test]
    fn what_does_not_end_is_ended_with_what_it_started() {
        let hanging = output(&shell("sleep 86400 & sleep 86400"), Duration::from_millis(100));
        assert!(hanging.unwrap().is_none());
    }

    #[test]
    fn what_hangs_ends_with_who_started_it() {
        let mut child = guarded(&shell("echo begun; sleep 86400")).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut String::new()).unwrap();
        assert_eq!(child.try_wait().unwrap(), None);
        drop(child.stdin.take());
        assert!(!child.wait().unwrap().success());
    }
}
