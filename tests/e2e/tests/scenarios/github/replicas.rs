//! Several hosts, and one token.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use capstan_e2e::{Passed, Signal, Tunnel, condition, eventually, plugin};
use capstan_fakegithub::{Failure, Fault};
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::tenant::Tenant;
use crate::{
    changes::Changes,
    hub::Hub,
    replica_set::{LOADED, ReplicaSet, SHORT, in_a_set},
    world::{SOON, World},
};

const NAME: &str = "gh-replicas";

/// Of each answer, so that there is always a call in flight.
const SLOW: Duration = Duration::from_millis(200);

/// Repositories that are changed in each round.
const CHANGED: usize = 4;
/// A create that was cut off before it was sent is begun anew after half a minute. Its back-off has grown meanwhile, so it is asked
/// for again and again.
const WELL: Duration = Duration::from_secs(90);

/// Rounds between two that are made.
const BETWEEN: u32 = 15;

pub(crate) async fn one_that_was_stopped_sends_at_most_the_call_in_flight(world: &World) -> Result<()> {
    in_a_set(world, SHORT, |set| {
        let folder = tempfile::tempdir()?;
        let hub = set.runtime.block_on(Hub::start(folder.path()))?;
        set.provide("github", &std::fs::read(plugin("github")?)?, &hub.grants())?;
        let tunnels = set.runtime.block_on(async { anyhow::Ok([Tunnel::start().await?, Tunnel::start().await?]) })?;
        for tunnel in &tunnels {
            let place = set.start_with(&[], &["--http-proxy", &tunnel.url()])?;
            set.until("it is a member", LOADED, |set, _| set.renewed(place).is_ok())?;
        }
        let objects = set.runtime.block_on(async { set.objects() })?;
        let tenant = set.runtime.block_on(Tenant::of(objects, NAME, &hub, &hub.fake))?;
        hub.fake.fail(Fault::new(Failure::Slow(SLOW)));
        let changes = change_repositories(set, &tenant)?;
        let mut late = Vec::new();
        for round in 0..3 {
            late.extend(stopped_and_late(set, &tunnels, Duration::from_millis(37 * round))?);
        }
        let last = changes.end(set)?;
        hub.fake.heal();
        set.runtime.block_on(all_are_well(&tenant, last))?;
        created_once(&tenant, last, &late)
    })
    .await
}

fn change_repositories(set: &ReplicaSet, tenant: &Tenant<'_>) -> Result<Changes> {
    let repository = tenant.object("Repo", "", &json!({}));
    Changes::begin(set, move |objects, round| {
        let named = |name: String, description: String| {
            let mut object = repository.clone();
            object["metadata"]["name"] = json!(name);
            object["spec"]["name"] = json!(name);
            object["spec"]["description"] = json!(description);
            object
        };
        let mut all: Vec<_> = (0..CHANGED).map(|number| named(changed(number), format!("round {round}"))).collect();
        all.push(named(made(round), "new".to_owned()));
        async move {
            for object in &all {
                objects.apply_value(object).await?;
            }
            Ok(())
        }
    })
}

fn changed(number: usize) -> String {
    format!("loop-{number}")
}

/// The newest one of a round.
fn made(round: u32) -> String {
    format!("new-{}", round / BETWEEN)
}

/// The replica that runs the provider is stopped in the middle of something, until another has it, and goes on: its calls since.
fn stopped_and_late(set: &ReplicaSet, tunnels: &[Tunnel; 2], after: Duration) -> Result<Vec<Passed>> {
    let holders = set.quiet()?;
    let place = usize::from(set.held_by(&holders, 1) == 1);
    let (stopped, tunnel) = (&set.replicas[place], &tunnels[place]);
    std::thread::sleep(after);
    let deadline = Instant::now() + SOON;
    while tunnel.unanswered() == 0 {
        ensure!(Instant::now() < deadline, "no call is in flight");
        std::thread::sleep(Duration::from_millis(1));
    }
    stopped.process.signal(Signal::Stop)?;
    set.until("the other takes over", 2 * SHORT.duration, |set, holders| set.held_by(holders, 1 - place) == 1)?;
    let memberships = || stopped.process.log().matches("is one of the replicas").count();
    let (called, written, joined) = (tunnel.passed().len(), stopped.proxy.accepted().len(), memberships());
    stopped.process.signal(Signal::Continue)?;
    set.until("it comes back as a new member", LOADED, |_, _| memberships() > joined)?;
    // From then on it may be given the provider again, and call.
    let written = stopped.proxy.accepted().split_off(written);
    let again = written.iter().find(|write| write.path.contains("/leases/capstan-provider-")).map(|write| write.at);
    let mut late = tunnel.passed().split_off(called);
    late.retain(|call| again.is_none_or(|again| call.at < again));
    ensure!(late.len() <= 1, "sent by a replica whose time was over: {late:#?}");
    Ok(late)
}

/// All names up to that of the last round.
fn names(last: u32) -> BTreeSet<String> {
    (0..CHANGED).map(changed).chain((0..=last).map(made)).collect()
}

async fn all_are_well(tenant: &Tenant<'_>, last: u32) -> Result<()> {
    for name in names(last) {
        let is_well = |object: &Value| ["Ready", "Synced"].iter().all(|kind| condition(object, kind).0 == "True");
        let look = || async {
            let object = tenant.get("repoes", &name).await?;
            if !is_well(&object) {
                let request = json!({"capstan.dev/reconcile-requested-at": Timestamp::now().to_string()});
                tenant.annotate("repoes", &name, request).await?;
            }
            anyhow::Ok(object)
        };
        let object = eventually(&format!("{name} is well"), WELL, look, is_well).await?;
        ensure!(object["status"]["adopted"] == false, "it is ours: {object:#}");
    }
    let wanted = format!("round {last}");
    for number in 0..CHANGED {
        let look = |seed: &capstan_fakegithub::Seed<'_>| seed.look(NAME, &changed(number)).unwrap_or_default();
        tenant.at_github(&wanted, look, |found| found["description"] == wanted).await?;
    }
    Ok(())
}

/// Each was asked for once, but for what was in flight.
fn created_once(tenant: &Tenant<'_>, last: u32, late: &[Passed]) -> Result<()> {
    let asked = tenant.exchanges().iter().filter(|exchange| exchange.method == "POST").count();
    let late = late.iter().filter(|call| call.method == Method::POST).count();
    let names = names(last);
    ensure!(asked <= names.len() + late, "{} were made, asked {asked} times, {late} of them late", names.len());
    tenant.assert_described()
}
