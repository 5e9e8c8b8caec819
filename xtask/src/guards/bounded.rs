//! Running something that may never end.

use std::{
    os::unix::process::CommandExt,
    process::{Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};

/// What it said and how it ended. `None`: it took longer than it may, and was ended with everything that it had started.
pub(super) fn output(command: &mut Command, time: Duration) -> Result<Option<Output>> {
    let name = command.get_program().to_string_lossy().into_owned();
    let cannot = || format!("{name} cannot be run");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let child = command.spawn().with_context(cannot)?;
    let group = child.id();
    let (sender, ended) = mpsc::channel();
    // Whoever waits for it is gone only if this function has ended.
    let waiting = thread::spawn(move || drop(sender.send(child.wait_with_output())));
    if let Ok(output) = ended.recv_timeout(time) {
        return Ok(Some(output.with_context(cannot)?));
    }
    end(group)?;
    ensure!(waiting.join().is_ok(), "{name} cannot be waited for");
    Ok(None)
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
    use super::*;

    fn shell(script: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        shell
    }

    #[test]
    fn what_ends_in_time_tells_all_it_said() {
        let output = output(&mut shell("echo this; echo that >&2; exit 3"), Duration::from_mins(1)).unwrap().unwrap();
        assert_eq!((output.stdout, output.stderr, output.status.code()), (b"this\n".into(), b"that\n".into(), Some(3)));
    }

    /// The one that it started keeps its output open: that comes to an end only if that one is ended too.
    #[test]
    fn what_does_not_end_is_ended_with_what_it_started() {
        let hanging = output(&mut shell("sleep 86400 & sleep 86400"), Duration::from_millis(100));
        assert!(hanging.unwrap().is_none());
    }
}
