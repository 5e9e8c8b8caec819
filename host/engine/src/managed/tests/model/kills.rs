//! Real processes, killed by SIGKILL before and after the effect of each operation of a create. What they write is on
//! disk, as an API server and an external system are elsewhere.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use super::*;

const STATE: &str = "CAPSTAN_TEST_STATE";
const KILL_AT: &str = "CAPSTAN_TEST_KILL_AT";
/// A line of its own on standard output: what comes after it does not happen.
const REACHED: &str = "reached the point of the kill";

/// Both sides of the wall that a process dies behind: the object, and what is outside.
fn save(path: &Path, store: &Store, outside: &Outside, findable: bool) {
    let state = json!({"object": store.stored(), "outside": outside.saved(), "findable": findable});
    let new = path.with_extension("new");
    fs::write(&new, state.to_string()).unwrap();
    fs::rename(new, path).unwrap();
}

fn load(path: &Path, clock: WallClock) -> World {
    let state: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let findable = state["findable"].as_bool().unwrap();
    World::at(clock, state["object"].clone(), Outside::restored(findable, &state["outside"]))
}

/// Runs as a process of its own, started by the test below.
#[test]
#[ignore = "the process that is killed; started by the test beside it"]
fn victim() {
    let Some(path) = std::env::var_os(STATE).map(PathBuf::from) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        // Each process comes a while after the last one.
        let lives: u64 = fs::read_to_string(path.with_extension("lives")).map_or(0, |text| text.parse().unwrap());
        fs::write(path.with_extension("lives"), (lives + 1).to_string()).unwrap();
        let start: jiff::Timestamp = NOW.parse().unwrap();
        let now = start + jiff::SignedDuration::from_mins(i64::try_from(lives).unwrap());
        let mut world = load(&path, WallClock::anchored(now));
        let (store, outside) = (Arc::clone(&world.store), Arc::clone(&world.outside));
        world.trouble.after_each_effect(Box::new(move || save(&path, &store, &outside, outside.findable())));
        world.trouble.instead_of_dying(Box::new(|| {
            println!("\n{REACHED}");
            loop {
                std::thread::park();
            }
        }));
        if let Ok(point) = std::env::var(KILL_AT) {
            let point: usize = point.parse().unwrap();
            let fault = if point.is_multiple_of(2) { Fault::DiesBefore } else { Fault::DiesAfter };
            world.trouble.plan(point / 2, fault);
        }
        world.rest().await;
    });
}

fn start(state: &Path, kill_at: Option<usize>) -> Child {
    let name = format!("{}::victim", module_path!().split_once("::").unwrap().1);
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &name, "--ignored", "--nocapture", "--test-threads=1"]).env(STATE, state);
    if let Some(point) = kill_at {
        command.env(KILL_AT, point.to_string());
    }
    command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap()
}

/// Whether it came to the point, and was killed there.
fn killed(mut process: Child) -> bool {
    let output = BufReader::new(process.stdout.take().unwrap());
    let reached = output.lines().any(|line| line.unwrap() == REACHED);
    if reached {
        process.kill().unwrap();
    }
    let status = process.wait().unwrap();
    assert!(reached || status.success(), "{status}");
    reached
}

#[test]
fn a_process_that_is_killed_at_whatever_point_creates_once() {
    let directory = tempfile::tempdir().unwrap();
    for findable in [true, false] {
        for point in 0.. {
            let path = directory.path().join(format!("{findable}-{point}"));
            let store = Store::new(fresh(), Log::default());
            save(&path, &store, &Outside::new(findable, Duration::ZERO), findable);
            if !killed(start(&path, Some(point))) {
                assert!(point > 20, "a create has more than ten operations");
                break;
            }
            assert!(!killed(start(&path, None)));
            let world = load(&path, WallClock::system());
            let case = format!("findable: {findable}, point {point}: {:#}", world.store.value());
            assert_eq!(world.holds(), Ok(()), "{case}");
            assert!(world.outside.creates() <= 1, "{case}");
            let conditions = world.store.value()["status"]["conditions"].to_string();
            let unclear = conditions.contains("cannot determine creation result");
            assert!(!(unclear && findable), "{case}: nobody should have to decide");
            assert!(unclear || world.is_converged(), "{case}");
        }
    }
}
