//! Every scenario against two API servers, the embedded one and a real one. On each there is one host process with all
//! providers, so that they disturb each other as tenants of a real host would; scenarios use names of their own.

mod chaos;
mod delivery;
mod hostile;
mod install;
mod kubectl;
mod observed;
mod patch;
mod provider;
mod replacement;
mod replica_set;
mod replicas;
mod restart;
mod workloads;
mod world;
mod worlds;

use std::{future::Future, pin::Pin, process::ExitCode, sync::Arc};

use anyhow::Result;
use capstan_e2e::ServerKind;
use capstan_realcluster::is_here;
use libtest_mimic::{Arguments, Trial};

use world::World;
use worlds::Worlds;

type Scenario = for<'a> fn(&'a World) -> Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

/// Names of functions, and the functions.
macro_rules! scenarios {
    ($($module:ident :: { $($name:ident),* $(,)? }),* $(,)?) => {
        &[$($((concat!(stringify!($module), "::", stringify!($name)), |world| Box::pin($module::$name(world)))),*),*]
    };
}

const SCENARIOS: &[(&str, Scenario)] = scenarios! {
    patch::{
        the_sample_converges_and_says_so,
        a_changed_source_arrives,
        a_source_that_appears_is_found,
        a_deleted_patch_leaves_and_the_value_stays,
        a_broken_patch_can_be_deleted,
        a_paused_patch_rests_until_it_is_resumed,
        a_missing_target_field_is_made,
        a_jq_expression_converges,
        mistakes_become_conditions_that_say_what_to_do,
        what_is_not_granted_is_refused_and_named,
        every_transition_leaves_an_event,
    },
    observed::{ reconciles_are_counted_and_can_be_looked_into },
    hostile::{
        bad_guests_end_as_conditions_while_a_neighbour_converges,
        one_that_crashes_on_every_object_is_given_rest,
    },
    delivery::{
        a_config_map_is_enough_and_can_be_replaced,
        a_broken_config_map_says_why,
        a_second_provider_of_a_kind_is_refused,
    },
    provider::{
        one_written_by_hand_is_pinned_granted_and_paused,
        a_deletion_waits_for_the_objects_or_leaves_them,
    },
    install::{ the_manifests_apply_and_the_deployment_becomes_available },
    workloads::{ deployments_and_stateful_sets_become_available },
    chaos::{
        many_objects_converge_through_an_api_server_that_fails,
        many_objects_converge_around_an_outage_of_the_api_server,
    },
    replicas::{
        two_share_the_providers_and_one_takes_over_from_the_other,
        one_that_was_stopped_writes_nothing_after_the_takeover,
        one_that_is_asked_to_stop_hands_over_at_once,
        a_third_is_given_its_share_one_by_one,
    },
    replacement::{ logic_is_replaced_fifty_times_under_changing_objects },
    restart::{ a_killed_host_converges_after_it_comes_back },
};

/// What only a server with access control can show.
const ON_THE_REAL_SERVER: &[(&str, Scenario)] = scenarios! {
    install::{
        everything_passes_a_server_side_dry_run,
        the_host_has_the_rights_it_was_given_and_no_others,
        a_provider_without_its_rights_says_what_is_missing,
    },
};

/// What needs kubectl, which comes with the real server.
const WITH_KUBECTL: &[(&str, Scenario)] = scenarios! {
    kubectl::{ a_session_from_create_to_delete, a_watch_shows_changes_as_they_come },
};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let worlds = Arc::new(Worlds::default());
    let mut trials = trials(&worlds, ServerKind::Embedded, SCENARIOS, true);
    let real = is_here();
    trials.extend(self::trials(&worlds, ServerKind::Embedded, WITH_KUBECTL, real));
    for scenarios in [SCENARIOS, ON_THE_REAL_SERVER, WITH_KUBECTL] {
        trials.extend(self::trials(&worlds, ServerKind::Real, scenarios, real));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    if conclusion.num_failed > 0 {
        worlds.show_logs();
    }
    conclusion.exit_code()
}

fn trials(worlds: &Arc<Worlds>, kind: ServerKind, scenarios: &[(&str, Scenario)], here: bool) -> Vec<Trial> {
    let trial = |(name, scenario): &(&str, Scenario)| {
        let (worlds, scenario) = (Arc::clone(worlds), *scenario);
        let run = move || {
            let world = worlds.get(kind).map_err(|error| format!("{error:#}"))?;
            world.block_on(scenario(&world)).map_err(|error| format!("{error:#}").into())
        };
        Trial::test(format!("{kind}::{name}"), run).with_ignored_flag(!here)
    };
    scenarios.iter().map(trial).collect()
}
