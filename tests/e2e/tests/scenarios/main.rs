//! Every scenario against two API servers, the embedded one and a real one. On each there is one host process with all
//! providers, so that they disturb each other as tenants of a real host would; scenarios use names of their own.

mod account;
mod api_server;
mod changes;
mod chaos;
mod definitions;
mod delivery;
mod github;
mod hostile;
mod hub;
mod import;
mod install;
mod kubectl;
mod observed;
mod patch;
mod provider;
mod registry;
mod replacement;
mod replica_set;
mod replicas;
mod restart;
mod workloads;
mod world;
mod worlds;

use std::{future::Future, pin::Pin, process::ExitCode, sync::Arc};

use anyhow::Result;
use capstan_e2e::{ServerKind, WALL_CLOCKS_CAN_BE_OFF};
use capstan_realcluster::is_here;
use libtest_mimic::{Arguments, Trial};

use patch::{generations, limits, loops, secrets, several, values, writes};
use world::World;
use worlds::Worlds;

type Scenario = for<'a> fn(&'a World) -> Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

/// Names of functions, and the functions.
macro_rules! scenarios {
    ($($module:ident :: { $($name:ident),* $(,)? }),* $(,)?) => {
        &[$($((concat!(stringify!($module), "::", stringify!($name)), |world| Box::pin($module::$name(world)))),*),*]
    };
}

/// What runs in the world that they share.
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
    generations::{
        samples_of_both_generations_converge_unchanged,
        what_makes_no_sense_is_refused_by_the_api_server,
    },
    values::{ values_keep_their_types_and_shapes, a_null_is_a_mistake_unless_it_is_to_remove_the_field },
    writes::{
        only_the_field_is_owned_and_the_owner_before_is_named_once,
        many_who_write_one_object_at_once_do_not_fail_each_other,
        a_field_of_somebody_else_is_left_alone_if_so_asked,
        a_member_of_an_atomic_map_is_written_and_its_neighbours_stay,
        fields_do_not_cost_each_other_their_values,
        a_value_that_is_not_kept_is_told,
        a_status_is_written_and_what_is_equal_is_not,
        a_target_that_vanishes_is_not_made_anew,
    },
    several::{
        sources_meet_in_one_expression_and_labels_choose_targets,
        a_revert_gives_back_what_is_still_ours,
        one_target_that_fails_costs_the_others_nothing,
        a_field_that_is_named_no_more_gets_its_value_back,
        a_namespaced_patch_stays_in_its_namespace,
        a_preview_shows_what_would_be_written,
    },
    secrets::{ a_granted_secret_is_copied_and_shown_nowhere_else },
    limits::{ transforms_without_end_are_ended_and_named },
    loops::{
        patches_that_feed_each_other_are_named_and_stopped,
        a_tug_of_war_is_told_once_and_given_up_when_the_other_goes,
        a_tug_of_war_is_found_though_another_target_fails_each_time,
        a_source_that_changes_quickly_is_followed_and_is_no_loop,
        many_patches_of_few_sources_cost_few_watches,
    },
    github::{
        a_repository_is_created_kept_as_it_should_be_and_deleted,
        people_are_added_kept_in_their_roles_and_removed,
        who_is_outside_is_invited_and_deleting_cancels_that,
        a_team_its_members_and_its_repositories_follow,
        what_a_team_has_from_above_is_no_hindrance,
        a_webhook_follows_and_its_secret_is_shown_to_nobody,
        what_exists_is_imported_by_observing_and_then_managed,
        an_outage_is_waited_out_in_a_pause_without_a_call,
        many_come_back_from_an_outage_without_a_storm,
        a_limit_holds_for_one_token_and_those_who_waited_come_back_one_by_one,
        a_rotated_token_is_taken_up_at_once,
        with_a_revoked_token_an_object_can_be_let_go,
        names_cannot_lead_elsewhere_and_identities_stay,
        an_app_signs_in_and_nothing_of_that_is_shown,
        tls_is_spoken_with_whom_the_bundle_vouches_for,
        the_rules_and_files_of_a_repository_follow,
        the_samples_converge_as_they_are,
    },
    observed::{ reconciles_are_counted_and_can_be_looked_into },
    hostile::{ bad_guests_end_as_conditions_while_a_neighbour_converges },
    delivery::{ a_broken_config_map_says_why, a_second_provider_of_a_kind_is_refused },
    provider::{ what_makes_no_sense_is_refused_by_the_api_server },
    import::{ an_existing_one_is_imported_by_its_external_name },
    install::{ the_manifests_apply_and_the_deployment_becomes_available },
    workloads::{ deployments_and_stateful_sets_become_available },
};

/// What needs a world of its own, or more than one: the longest first.
const APART: &[(&str, Scenario)] = scenarios! {
    chaos::{
        many_objects_converge_through_an_api_server_that_fails,
        many_objects_converge_around_an_outage_of_the_api_server,
        a_host_waits_for_an_api_server_that_is_not_there_yet,
    },
    github::{
        many_stay_within_the_quota_of_one_token_for_a_day,
        what_exists_is_taken_over_followed_and_left_only_as_it_is_said,
    },
    replicas::{
        one_that_was_stopped_writes_nothing_after_the_takeover,
        a_third_is_given_its_share_one_by_one,
        two_share_the_providers_and_one_takes_over_from_the_other,
        one_that_is_asked_to_stop_hands_over_at_once,
    },
    api_server::{ many_objects_converge_through_a_crash_of_the_api_server },
    github::{ one_that_was_stopped_sends_at_most_the_call_in_flight },
    replacement::{ logic_is_replaced_fifty_times_under_changing_objects },
    hostile::{ one_that_crashes_on_every_object_is_given_rest },
    restart::{ a_killed_host_converges_after_it_comes_back },
    delivery::{ a_config_map_is_enough_and_can_be_replaced },
    provider::{
        one_written_by_hand_is_pinned_granted_and_paused,
        a_deletion_waits_for_the_objects_or_leaves_them,
        one_without_logic_is_let_go_by_its_annotation,
    },
    definitions::{
        one_that_would_harm_what_is_stored_is_not_installed,
        one_that_is_deleted_and_made_again_is_followed,
        a_build_that_drops_a_kind_waits_for_its_objects,
    },
    limits::{ transforms_without_end_of_some_do_not_hold_up_others },
    account::{ a_provider_converges_in_the_name_of_its_account },
    github::{
        what_krateos_provider_left_goes_on_without_a_change,
        a_repository_whose_creation_was_cut_off_by_a_crash_is_found_again,
    },
};

/// The same, where wall clocks can be off.
const WITH_WALL_CLOCKS: &[(&str, Scenario)] =
    scenarios! { replicas::{ two_whose_clocks_are_ten_minutes_apart_share_and_create_once } };

/// What only a server with access control can show.
const ON_THE_REAL_SERVER: &[(&str, Scenario)] = scenarios! {
    install::{
        the_host_has_the_rights_it_was_given_and_no_others,
        a_provider_without_its_rights_says_what_is_missing,
    },
    account::{ the_api_server_refuses_what_the_account_may_not },
};

/// What needs kubectl, which comes with the real server.
const WITH_KUBECTL: &[(&str, Scenario)] = scenarios! {
    kubectl::{ a_session_from_create_to_delete, a_watch_shows_changes_as_they_come },
    install::{ everything_passes_a_server_side_dry_run, the_guides_command_takes_the_manifests },
};

/// What needs a registry.
const WITH_A_REGISTRY: &[(&str, Scenario)] = scenarios! {
    registry::{ a_provider_is_pulled_followed_and_kept_while_its_registry_is_away },
};

/// How many scenarios run at a time unless `--test-threads` says otherwise: most of the time they wait for their world.
const AT_A_TIME: usize = 6;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_A_TIME);
    let worlds = Arc::new(Worlds::default());
    let (real, registry) = (is_here(), capstan_registry::is_here());
    let of = |kind, scenarios, here| trials(&worlds, kind, scenarios, here);
    let real_apart = of(ServerKind::Real, APART, real);
    let apart = [
        of(ServerKind::Real, WITH_A_REGISTRY, registry && real),
        of(ServerKind::Embedded, WITH_A_REGISTRY, registry),
        of(ServerKind::Real, WITH_WALL_CLOCKS, WALL_CLOCKS_CAN_BE_OFF && real),
        of(ServerKind::Embedded, WITH_WALL_CLOCKS, WALL_CLOCKS_CAN_BE_OFF),
        real_apart.into_iter().zip(of(ServerKind::Embedded, APART, true)).flat_map(<[Trial; 2]>::from).collect(),
    ];
    let shared = [
        of(ServerKind::Embedded, SCENARIOS, true),
        of(ServerKind::Embedded, WITH_KUBECTL, real),
        of(ServerKind::Real, SCENARIOS, real),
        of(ServerKind::Real, ON_THE_REAL_SERVER, real),
        of(ServerKind::Real, WITH_KUBECTL, real),
    ];
    let conclusion = libtest_mimic::run(&arguments, spread(apart.into_iter().flatten(), shared.into_iter().flatten()));
    if conclusion.num_failed > 0 {
        worlds.keep_logs();
    }
    if let Err(error) = worlds.assert_described() {
        eprintln!("{error:#}");
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}

/// The long ones evenly among the short ones: they mostly wait, each for something else, and together at the end would leave
/// the machine idle.
fn spread(long: impl Iterator<Item = Trial>, short: impl Iterator<Item = Trial>) -> Vec<Trial> {
    const BETWEEN: usize = 3;
    let (mut trials, mut short) = (Vec::new(), short);
    for trial in long {
        trials.push(trial);
        trials.extend(short.by_ref().take(BETWEEN));
    }
    trials.extend(short);
    trials
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
