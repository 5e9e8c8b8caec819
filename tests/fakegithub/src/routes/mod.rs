//! What each operation does.

mod apps;
mod collaborators;
mod contents;
mod gate;
mod hooks;
mod invitations;
mod protection;
mod repositories;
mod rulesets;
mod team_members;
mod team_repositories;
mod teams;
mod topics;
mod transfer;
mod users;
mod variables;

use crate::answer::Answer;
use crate::request::Call;
use crate::state::World;

/// An answer, or the one that refuses.
pub(crate) type Outcome = Result<Answer, Answer>;
type Route = fn(&mut World, &Call) -> Outcome;

/// Carries out a request.
pub(crate) fn dispatch(world: &mut World, call: &Call) -> Outcome {
    match route(&call.operation.id) {
        Some(route) => {
            gate::check(world, call)?;
            route(world, call)
        }
        // A test sees to it that every operation has one.
        None => Err(call.error(500, "Server Error")),
    }
}

fn route(operation: &str) -> Option<Route> {
    Some(match operation {
        "actions/create-or-update-repo-secret" => variables::put_secret,
        "actions/create-repo-variable" => variables::create,
        "actions/delete-repo-secret" => variables::delete_secret,
        "actions/delete-repo-variable" => variables::delete,
        "actions/get-repo-public-key" => variables::public_key,
        "actions/get-repo-secret" => variables::get_secret,
        "actions/get-repo-variable" => variables::get,
        "actions/list-repo-secrets" => variables::list_secrets,
        "actions/list-repo-variables" => variables::list,
        "actions/update-repo-variable" => variables::update,
        "apps/create-installation-access-token" => apps::create_token,
        "apps/get-authenticated" => apps::get,
        "apps/get-org-installation" => apps::installation,
        "apps/list-repos-accessible-to-installation" => apps::repositories,
        "apps/revoke-installation-access-token" => apps::revoke_token,
        "orgs/get" => users::organization,
        "orgs/get-membership-for-user" => users::membership,
        "rate-limit/get" => users::rate_limit,
        "repos/accept-invitation-for-authenticated-user" => invitations::accept,
        "repos/add-collaborator" => collaborators::add,
        "repos/check-collaborator" => collaborators::check,
        "repos/check-vulnerability-alerts" => repositories::check_alerts,
        "repos/create-for-authenticated-user" => repositories::create_for_user,
        "repos/create-in-org" => repositories::create_in_organization,
        "repos/create-or-update-file-contents" => contents::put,
        "repos/create-repo-ruleset" => rulesets::create,
        "repos/create-using-template" => repositories::create_from_template,
        "repos/create-webhook" => hooks::create,
        "repos/decline-invitation-for-authenticated-user" => invitations::decline,
        "repos/delete" => repositories::delete,
        "repos/delete-branch-protection" => protection::delete,
        "repos/delete-file" => contents::delete,
        "repos/delete-invitation" => invitations::cancel,
        "repos/delete-repo-ruleset" => rulesets::delete,
        "repos/delete-webhook" => hooks::delete,
        "repos/disable-vulnerability-alerts" => repositories::disable_alerts,
        "repos/enable-vulnerability-alerts" => repositories::enable_alerts,
        "repos/get" => repositories::get,
        "repos/get-all-topics" => topics::get,
        "repos/get-branch-protection" => protection::get,
        "repos/get-collaborator-permission-level" => collaborators::permission,
        "repos/get-content" => contents::get,
        "repos/get-repo-ruleset" => rulesets::get,
        "repos/get-repo-rulesets" => rulesets::list,
        "repos/get-webhook" => hooks::get,
        "repos/list-collaborators" => collaborators::list,
        "repos/list-for-org" => repositories::list,
        "repos/list-invitations" => invitations::list,
        "repos/list-invitations-for-authenticated-user" => invitations::mine,
        "repos/list-teams" => team_repositories::teams_of_repository,
        "repos/list-webhooks" => hooks::list,
        "repos/remove-collaborator" => collaborators::remove,
        "repos/replace-all-topics" => topics::replace,
        "repos/transfer" => transfer::transfer,
        "repos/update" => repositories::update,
        "repos/update-branch-protection" => protection::put,
        "repos/update-invitation" => invitations::update,
        "repos/update-repo-ruleset" => rulesets::update,
        "repos/update-webhook" => hooks::update,
        "repos/update-webhook-config-for-repo" => hooks::update_config,
        "teams/add-or-update-membership-for-user-in-org" => team_members::put,
        "teams/add-or-update-repo-permissions-in-org" => team_repositories::put,
        "teams/check-permissions-for-repo-in-org" => team_repositories::check,
        "teams/create" => teams::create,
        "teams/delete-in-org" => teams::delete,
        "teams/get-by-name" => teams::get,
        "teams/get-membership-for-user-in-org" => team_members::get,
        "teams/list" => teams::list,
        "teams/list-members-in-org" => team_members::list,
        "teams/list-repos-in-org" => team_repositories::list,
        "teams/remove-membership-for-user-in-org" => team_members::remove,
        "teams/remove-repo-in-org" => team_repositories::remove,
        "teams/update-in-org" => teams::update,
        "users/get-authenticated" => users::me,
        "users/get-by-username" => users::get,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_described_operation_is_carried_out() {
        let missing: Vec<_> = crate::description::operations().iter().map(|each| &each.id).collect();
        let missing: Vec<_> = missing.into_iter().filter(|id| super::route(id).is_none()).collect();
        assert_eq!(missing, Vec::<&String>::new());
    }
}
