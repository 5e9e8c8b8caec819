//! The GitHub provider, as its users meet it, against a fake of GitHub that holds every request against GitHub's description.

mod access;
mod day;
mod enterprise;
mod kinds;
mod replicas;
mod takeover;
mod tenant;
mod trouble;

pub(crate) use self::{
    access::{
        a_rotated_token_is_taken_up_at_once, an_app_signs_in_and_nothing_of_that_is_shown,
        names_cannot_lead_elsewhere_and_identities_stay, tls_is_spoken_with_whom_the_bundle_vouches_for,
        with_a_revoked_token_an_object_can_be_let_go,
    },
    day::many_stay_within_the_quota_of_one_token_for_a_day,
    enterprise::what_exists_is_taken_over_followed_and_left_only_as_it_is_said,
    kinds::{
        a_repository_is_created_kept_as_it_should_be_and_deleted, a_team_its_members_and_its_repositories_follow,
        a_webhook_follows_and_its_secret_is_shown_to_nobody, people_are_added_kept_in_their_roles_and_removed,
        the_rules_and_files_of_a_repository_follow, the_samples_converge_as_they_are,
        what_a_team_has_from_above_is_no_hindrance, who_is_outside_is_invited_and_deleting_cancels_that,
    },
    replicas::one_that_was_stopped_sends_at_most_the_call_in_flight,
    takeover::{
        what_exists_is_imported_by_observing_and_then_managed, what_krateos_provider_left_goes_on_without_a_change,
    },
    trouble::{
        a_limit_holds_for_one_token_and_those_who_waited_come_back_one_by_one,
        a_repository_whose_creation_was_cut_off_by_a_crash_is_found_again,
        an_outage_is_waited_out_in_a_pause_without_a_call, many_come_back_from_an_outage_without_a_storm,
    },
};
