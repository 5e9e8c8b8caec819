//! Every scenario against one API server and one host process with all providers, so that they disturb each other as
//! tenants of a real host would. Each uses names of its own.

mod delivery;
mod hostile;
mod patch;
mod restart;
mod world;

use std::{future::Future, pin::Pin, process::ExitCode, sync::Arc};

use anyhow::Result;
use libtest_mimic::{Arguments, Trial};

use world::World;

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
    hostile::{ bad_guests_end_as_conditions_while_a_neighbour_converges },
    delivery::{
        a_config_map_is_enough_and_can_be_replaced,
        a_broken_config_map_says_why,
        a_second_provider_of_a_kind_is_refused,
    },
    restart::{ a_killed_host_converges_after_it_comes_back },
};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if arguments.list {
        return libtest_mimic::run(&arguments, trials(None)).exit_code();
    }
    let world = match World::start() {
        Ok(world) => Arc::new(world),
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let conclusion = libtest_mimic::run(&arguments, trials(Some(&world)));
    if conclusion.num_failed > 0 {
        eprintln!("---- the host's log ----\n{}", world.log());
    }
    conclusion.exit_code()
}

fn trials(world: Option<&Arc<World>>) -> Vec<Trial> {
    SCENARIOS
        .iter()
        .map(|(name, scenario)| {
            let world = world.cloned();
            Trial::test(*name, move || {
                let Some(world) = world else { return Ok(()) };
                world.block_on(scenario(&world)).map_err(|error| format!("{error:?}").into())
            })
        })
        .collect()
}
