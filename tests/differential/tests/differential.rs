//! Every script against the embedded server, compared with what a kube-apiserver answered; where one
//! can be started the recordings are compared with its answers too, or written anew if `CAPSTAN_RECORD` is set.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};
use capstan_differential::compare::{self, Difference, differences};
use capstan_differential::known::{self, Known};
use capstan_differential::play::play;
use capstan_differential::recording::{self, Exchange};
use capstan_differential::script::Script;
use capstan_differential::server;
use capstan_realcluster::{Programs, RealCluster, is_here, target};
use libtest_mimic::{Arguments, Trial};
use rand::RngExt as _;
use tokio::runtime::Builder;

/// How many scripts are played at a time unless `--test-threads` says otherwise: the real server's take their time waiting for
/// its controllers.
const AT_A_TIME: usize = 6;

/// What the trials share.
struct Suite {
    /// `known.yaml`, and whether each entry was of use.
    known: Vec<(Known, Mutex<bool>)>,
    run: String,
    /// The real control plane, started when the first trial asks.
    cluster: Mutex<Option<RealCluster>>,
}

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run() -> Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_A_TIME);
    let suite = Arc::new(Suite {
        known: known::load(&here("known.yaml"))?.into_iter().map(|known| (known, Mutex::new(false))).collect(),
        run: run_name(),
        cluster: Mutex::default(),
    });
    let scripts: Vec<Arc<Script>> = Script::load_all(&here("scripts"))?.into_iter().map(Arc::new).collect();
    let with_real = is_here();
    let other = if with_real { other_version()? } else { None };
    if std::env::var_os("CAPSTAN_RECORD").is_some() {
        ensure!(with_real, "CAPSTAN_RECORD needs the real control plane");
        ensure!(other.is_none(), "this is {}: record with the version that is built here", other.unwrap_or_default());
        let conclusion = libtest_mimic::run(&arguments, trials("recorded", &scripts, &suite, record_answers));
        return Ok(conclusion.exit_code());
    }

    let mut all = trials("embedded", &scripts, &suite, embedded_answers_as_recorded);
    if with_real {
        if let Some(other) = &other {
            eprintln!("!!! SKIPPED: the recordings are not compared with {other}: they are of another version !!!");
        }
        let real = trials("real", &scripts, &suite, real_answers_as_recorded);
        all.extend(real.into_iter().map(|trial| trial.with_ignored_flag(other.is_some())));
    }
    let partial = arguments.filter.is_some() || !arguments.skip.is_empty() || arguments.list || arguments.exact;
    let conclusion = libtest_mimic::run(&arguments, all);
    let unused = suite.known.iter().filter(|(_, used)| !*used.lock().unwrap_or_else(PoisonError::into_inner));
    let unused: Vec<&Known> = unused.map(|(known, _)| known).collect();
    if !partial && !unused.is_empty() {
        for known in unused {
            eprintln!("known.yaml: no such difference any more: {} {}", known.step, known.path);
        }
        return Ok(ExitCode::FAILURE);
    }
    Ok(conclusion.exit_code())
}

/// What the kube-apiserver says it is, if it is not of the version that was recorded.
fn other_version() -> Result<Option<String>> {
    match Programs::find(&target()?) {
        Ok(programs) => programs.other_version(),
        // Whoever starts it will be told.
        Err(_) => Ok(None),
    }
}

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn recorded(script: &Script) -> PathBuf {
    here("recorded").join(format!("{}.yaml", script.topic))
}

/// Names of a run, so that a server can be used again. No vowels: no words.
fn run_name() -> String {
    let mut random = rand::rng();
    (0..6).map(|_| char::from(b"bcdfghjkmnpqrstvwxz"[random.random_range(..19_usize)])).collect()
}

fn trials(
    kind: &str,
    scripts: &[Arc<Script>],
    suite: &Arc<Suite>,
    test: fn(&Script, &Suite) -> Result<()>,
) -> Vec<Trial> {
    let trials = scripts.iter().map(|script| {
        let (script, suite) = (Arc::clone(script), Arc::clone(suite));
        Trial::test(format!("{kind}::{}", script.topic), move || {
            test(&script, &suite).map_err(|error| format!("{error:#}").into())
        })
    });
    trials.collect()
}

/// The clock stands still unless everything waits, so a watch of five seconds takes none.
fn embedded_answers_as_recorded(script: &Script, suite: &Suite) -> Result<()> {
    let recorded = recording::load(&recorded(script))?;
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build()?;
    let answers = runtime.block_on(async { play(&server::embedded(), script, &suite.run).await })?;
    agree(script, &recorded, &answers, |step, at| {
        let fitting = suite.known.iter().filter(|(known, _)| known.covers(&script.topic, step, at));
        fitting.map(|(_, used)| *used.lock().unwrap_or_else(PoisonError::into_inner) = true).count() > 0
    })
}

fn real_answers_as_recorded(script: &Script, suite: &Suite) -> Result<()> {
    let recorded = recording::load(&recorded(script))?;
    let answers = play_real(script, suite)?;
    agree(script, &recorded, &answers, |_, _| false)
}

fn record_answers(script: &Script, suite: &Suite) -> Result<()> {
    recording::save(&recorded(script), &play_real(script, suite)?)
}

fn play_real(script: &Script, suite: &Suite) -> Result<Vec<Exchange>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let client = {
        let mut cluster = suite.cluster.lock().unwrap_or_else(PoisonError::into_inner);
        if cluster.is_none() {
            *cluster = Some(RealCluster::start_for_test()?);
        }
        cluster.as_ref().map(|cluster| runtime.block_on(server::real(cluster)))
    };
    let client = client.context("no kube-apiserver")??;
    runtime.block_on(play(&client, script, &suite.run))
}

/// Fails with a text that shows each step whose answer differs from the recorded one where it may not.
fn agree(
    script: &Script,
    recorded: &[Exchange],
    answers: &[Exchange],
    known: impl Fn(&str, &str) -> bool,
) -> Result<()> {
    let mut report = String::new();
    for (step, answer) in script.steps.iter().zip(answers) {
        let Some(recorded) = recorded.iter().find(|exchange| exchange.step == step.name) else {
            writeln!(report, "\n  {}: not recorded", step.name)?;
            continue;
        };
        let found = differences(&serde_json::to_value(recorded)?, &serde_json::to_value(answer)?);
        let found: Vec<Difference> =
            found.into_iter().filter(|difference| !known(&step.name, &difference.at)).collect();
        if !found.is_empty() {
            write!(report, "\n  {}\n    {}\n{}", step.name, answer.request, compare::report(&found))?;
        }
    }
    for exchange in recorded.iter().filter(|exchange| script.steps.iter().all(|step| step.name != exchange.step)) {
        writeln!(report, "\n  {}: recorded, but no longer in the script", exchange.step)?;
    }
    ensure!(report.is_empty(), "{} (- recorded, + answered)\n{report}", script.topic);
    Ok(())
}
