//! Protection of a branch.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Outcome, gate};
use crate::answer::Answer;
use crate::request::Call;
use crate::state::World;

/// What is shown as `{"enabled": ..}`.
const SWITCHES: [&str; 7] = [
    "required_linear_history",
    "allow_force_pushes",
    "allow_deletions",
    "block_creations",
    "required_conversation_resolution",
    "lock_branch",
    "allow_fork_syncing",
];

pub(super) fn get(world: &mut World, call: &Call) -> Outcome {
    let repository = gate::find(world, call)?;
    branch_exists(world, call)?;
    let protection = repository.protections.get(call.parameter("branch"));
    let protection = protection.ok_or_else(|| call.error(404, "Branch not protected"))?;
    Ok(Answer::ok(show(world, call, protection)))
}

pub(super) fn put(world: &mut World, call: &Call) -> Outcome {
    branch_exists(world, call)?;
    for logins in ["/restrictions/users", "/required_pull_request_reviews/dismissal_restrictions/users"] {
        for login in call.body.pointer(logins).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
        {
            if world.user(login).is_none() {
                let errors = [format!("Users {login} not found")];
                let documentation = &call.operation.documentation;
                let body =
                    json!({"message": "Validation Failed", "errors": errors, "documentation_url": documentation});
                return Err(Answer::json(422, body));
            }
        }
    }
    let branch = call.parameter("branch").to_owned();
    gate::find_mut(world, call)?.protections.insert(branch, call.body.clone());
    Ok(Answer::ok(show(world, call, call.body)))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Outcome {
    branch_exists(world, call)?;
    let removed = gate::find_mut(world, call)?.protections.remove(call.parameter("branch"));
    removed.map(|_| Answer::nothing()).ok_or_else(|| call.error(404, "Branch not protected"))
}

/// A branch without a file is none yet.
fn branch_exists(world: &World, call: &Call) -> Result<(), Answer> {
    let repository = gate::find(world, call)?;
    if repository.branch(call.parameter("branch")).is_none_or(BTreeMap::is_empty) {
        return Err(call.error(404, "Branch not found"));
    }
    Ok(())
}

fn show(world: &World, call: &Call, body: &Value) -> Value {
    let (owner, repo, branch) = (call.parameter("owner"), call.parameter("repo"), call.parameter("branch"));
    let url = format!("{}/repos/{owner}/{repo}/branches/{branch}/protection", world.base);
    let on = |value: &Value| value.as_bool().unwrap_or(false);
    let mut shown = json!({
        "url": url, "required_signatures": {"url": format!("{url}/required_signatures"), "enabled": false},
        "enforce_admins": {"url": format!("{url}/enforce_admins"), "enabled": on(&body["enforce_admins"])},
    });
    for switch in SWITCHES {
        shown[switch] = json!({"enabled": on(&body[switch])});
    }
    let checks = &body["required_status_checks"];
    if checks.is_object() {
        let named = checks["checks"].as_array().cloned();
        let contexts: Vec<Value> = match &named {
            Some(named) => named.iter().map(|check| check["context"].clone()).collect(),
            None => checks["contexts"].as_array().cloned().unwrap_or_default(),
        };
        let with_app = |context: &Value| json!({"context": context, "app_id": null});
        let checks_shown = named.unwrap_or_else(|| contexts.iter().map(with_app).collect());
        let url = format!("{url}/required_status_checks");
        shown["required_status_checks"] = json!({
            "url": url, "contexts_url": format!("{url}/contexts"), "strict": on(&checks["strict"]),
            "contexts": contexts, "checks": checks_shown,
        });
    }
    let reviews = &body["required_pull_request_reviews"];
    if reviews.is_object() {
        let url = format!("{url}/required_pull_request_reviews");
        let mut reviews_shown = json!({
            "url": url, "dismiss_stale_reviews": on(&reviews["dismiss_stale_reviews"]),
            "require_code_owner_reviews": on(&reviews["require_code_owner_reviews"]),
            "require_last_push_approval": on(&reviews["require_last_push_approval"]),
            "required_approving_review_count": reviews["required_approving_review_count"].as_u64().unwrap_or(1),
        });
        let dismissal = &reviews["dismissal_restrictions"];
        if dismissal.as_object().is_some_and(|members| !members.is_empty()) {
            let url =
                format!("{}/repos/{owner}/{repo}/branches/{branch}/protection/dismissal_restrictions", world.base);
            let mut actors = actors(world, call, dismissal);
            actors.insert("url".to_owned(), url.clone().into());
            actors.insert("users_url".to_owned(), format!("{url}/users").into());
            actors.insert("teams_url".to_owned(), format!("{url}/teams").into());
            reviews_shown["dismissal_restrictions"] = actors.into();
        }
        shown["required_pull_request_reviews"] = reviews_shown;
    }
    if body["restrictions"].is_object() {
        let url = format!("{url}/restrictions");
        let mut actors = actors(world, call, &body["restrictions"]);
        actors.insert("url".to_owned(), url.clone().into());
        for kind in ["users", "teams", "apps"] {
            actors.insert(format!("{kind}_url"), format!("{url}/{kind}").into());
        }
        shown["restrictions"] = actors.into();
    }
    shown
}

/// The users and teams that are named by login and slug. The fake's apps protect nothing.
fn actors(world: &World, call: &Call, named: &Value) -> Map<String, Value> {
    let listed =
        |kind: &str| named[kind].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>();
    let users = listed("users").into_iter().filter_map(|login| world.user(login));
    let users: Vec<Value> = users.map(|user| world.show_account(user.id, "simple-user")).collect();
    let organization = world.organization(call.parameter("owner")).map(|(id, _)| id);
    let teams = listed("teams").into_iter().filter_map(|slug| world.team(organization?, slug));
    let teams: Vec<Value> = teams.map(|team| world.show_team(team, "team")).collect();
    let shown = [("users", users), ("teams", teams), ("apps", Vec::new())];
    shown.into_iter().map(|(name, items)| (name.to_owned(), Value::Array(items))).collect()
}
