//! Who may do what, before it is done.

use crate::answer::Answer;
use crate::request::Call;
use crate::state::{Actor, Id, Repository, Role, World};

/// What one needs in a repository for an operation on it.
#[derive(Clone, Copy)]
enum Need {
    Read,
    Push,
    Admin,
    /// Admin, and who has less is told that there is no such thing.
    AdminOrHidden,
}

/// Refuses what the one who asks may not do, in the words of GitHub.
pub(super) fn check(world: &World, call: &Call) -> Result<(), Answer> {
    let id = call.operation.id.as_str();
    if matches!(id, "rate-limit/get" | "users/get-by-username" | "orgs/get") {
        return Ok(());
    }
    let is_for_apps =
        matches!(id, "apps/create-installation-access-token" | "apps/get-authenticated" | "apps/get-org-installation");
    if let Actor::App(_) = call.actor {
        let only = "A JSON web token could not be decoded";
        return if is_for_apps { Ok(()) } else { Err(call.error(401, only)) };
    }
    if is_for_apps {
        return Err(call.error(401, "A JSON web token could not be decoded"));
    }
    if call.actor == Actor::Anonymous && !id.starts_with("repos/get") {
        return Err(call.error(401, "Requires authentication"));
    }
    if let Actor::Installation(installation) = call.actor {
        installation_may(world, call, installation)?;
    }
    if call.operation.template.starts_with("/repos/{owner}/{repo}") {
        repository(world, call)?;
    }
    Ok(())
}

/// Apps have a permission for each part of the API.
fn installation_may(world: &World, call: &Call, installation: Id) -> Result<(), Answer> {
    let (id, template) = (call.operation.id.as_str(), call.operation.template.as_str());
    let part = match id {
        "apps/list-repos-accessible-to-installation" | "apps/revoke-installation-access-token" => return Ok(()),
        _ if template.starts_with("/user") => return refuse_integration(call),
        _ if template.starts_with("/orgs/{org}/repos") => "administration",
        _ if template.starts_with("/orgs/") => "members",
        _ if template.contains("/contents/") => "contents",
        _ if template.contains("/hooks") => "repository_hooks",
        _ if template.contains("/actions/secrets") => "secrets",
        _ if template.contains("/actions/variables") => "actions_variables",
        "repos/get" | "repos/get-all-topics" => "metadata",
        _ if call.is_read() && template.contains("/collaborators") => "metadata",
        _ => "administration",
    };
    let installed = world.installations.get(&installation).map(|each| &each.permissions);
    let narrowed = world.tokens.get(call.token).and_then(|token| token.permissions.as_ref());
    let granted = narrowed.or(installed).and_then(|permissions| permissions.get(part));
    let enough = match granted.map(String::as_str) {
        Some("write" | "admin") => true,
        Some("read") => call.is_read(),
        _ => false,
    };
    if enough { Ok(()) } else { refuse_integration(call) }
}

fn refuse_integration(call: &Call) -> Result<(), Answer> {
    Err(call.forbidden("Resource not accessible by integration"))
}

fn repository(world: &World, call: &Call) -> Result<(), Answer> {
    let repository = find(world, call)?;
    let access = world.access(call.actor, repository).map(|granted| granted.role);
    let enough = |role| access >= Some(role);
    if !enough(Role::Read) {
        return Err(call.not_found());
    }
    match need(call) {
        Need::Read => {}
        Need::Push if enough(Role::Write) => {}
        Need::Push if call.operation.id.contains("collaborator") => {
            return Err(call.forbidden("Must have push access to view repository collaborators."));
        }
        Need::Admin | Need::AdminOrHidden if enough(Role::Admin) => {}
        Need::Admin => return Err(call.forbidden("Must have admin rights to Repository.")),
        Need::Push | Need::AdminOrHidden => return Err(call.not_found()),
    }
    let lifts = matches!(call.operation.id.as_str(), "repos/delete" | "repos/transfer")
        || (call.operation.id == "repos/update" && call.body["archived"] == false);
    if repository.is_archived() && !call.is_read() && !lifts {
        return Err(call.forbidden("Repository was archived so is read-only."));
    }
    Ok(())
}

fn need(call: &Call) -> Need {
    match call.operation.id.as_str() {
        "repos/get"
        | "repos/get-all-topics"
        | "repos/get-content"
        | "repos/get-repo-ruleset"
        | "repos/get-repo-rulesets" => Need::Read,
        "repos/list-collaborators" | "repos/check-collaborator" | "repos/get-collaborator-permission-level" => {
            Need::Push
        }
        "repos/create-or-update-file-contents" | "repos/delete-file" => Need::Push,
        id if id.contains("webhook") || id.starts_with("actions/") || id.contains("vulnerability") => {
            Need::AdminOrHidden
        }
        id if id.contains("branch-protection") => Need::AdminOrHidden,
        _ => Need::Admin,
    }
}

/// The repository that the path names, or the answer that says where it went.
pub(super) fn find<'a>(world: &'a World, call: &Call) -> Result<&'a Repository, Answer> {
    let (owner, name) = (call.parameter("owner"), call.parameter("repo"));
    match world.repository(owner, name) {
        Some(repository) if world.is_visible(repository.created) => Ok(repository),
        _ => Err(call.not_found()),
    }
}

/// The number of the repository that the path names. The gate has seen that there is one.
pub(super) fn id(world: &World, call: &Call) -> Result<Id, Answer> {
    find(world, call).map(|repository| repository.id)
}

/// The repository that the path names, to be changed.
pub(super) fn find_mut<'a>(world: &'a mut World, call: &Call) -> Result<&'a mut Repository, Answer> {
    let id = id(world, call)?;
    world.repositories.get_mut(&id).ok_or_else(|| call.not_found())
}

/// The organisation that the path names, for one who belongs to it.
pub(super) fn member(world: &World, call: &Call) -> Result<Id, Answer> {
    let (id, _) = world.organization(call.parameter("org")).ok_or_else(|| call.not_found())?;
    if world.belongs_to(call.actor, id) { Ok(id) } else { Err(call.not_found()) }
}
