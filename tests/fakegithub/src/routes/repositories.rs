//! Repositories themselves.

use std::fmt::Write;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{Outcome, gate};
use crate::answer::Answer;
use crate::request::Call;
use crate::state::{Actor, File, Id, Repository, World};

/// The longest name of a repository.
const LONGEST_NAME: usize = 100;
/// Members of a request body that are settings of the repository as they are.
const NOT_SETTINGS: [&str; 13] = [
    "name",
    "private",
    "visibility",
    "default_branch",
    "team_id",
    "auto_init",
    "gitignore_template",
    "license_template",
    "security_and_analysis",
    "owner",
    "include_all_branches",
    "custom_properties",
    "topics",
];

pub(super) fn get(world: &mut World, call: &Call) -> Outcome {
    let repository = gate::find(world, call)?;
    Ok(Answer::ok(show(world, call, repository.id)))
}

pub(super) fn list(world: &mut World, call: &Call) -> Outcome {
    let (organization, _) = world.organization(call.parameter("org")).ok_or_else(|| call.not_found())?;
    let visible = world.repositories.values().filter(|each| {
        each.owner == organization && world.is_visible(each.created) && world.access(call.actor, each).is_some()
    });
    Ok(Answer::list(visible.map(|each| world.show_repository(each, call.actor, "minimal-repository")).collect()))
}

pub(super) fn create_in_organization(world: &mut World, call: &Call) -> Outcome {
    let organization = gate::member(world, call)?;
    create(world, call, organization)
}

pub(super) fn create_for_user(world: &mut World, call: &Call) -> Outcome {
    match call.actor {
        Actor::User(user) => create(world, call, user),
        _ => Err(call.forbidden("Resource not accessible by integration")),
    }
}

pub(super) fn create_from_template(world: &mut World, call: &Call) -> Outcome {
    let (owner, name) = (call.parameter("template_owner"), call.parameter("template_repo"));
    let template = world.repository(owner, name).filter(|each| world.access(call.actor, each).is_some());
    let template = template.filter(|each| each.settings["is_template"] == true).ok_or_else(|| call.not_found())?;
    let files: Vec<_> = template.files.iter().map(|(path, file)| (path.clone(), file.content.clone())).collect();
    let owner = match (call.text("owner"), call.actor) {
        (Some(login), _) => world.account(login).ok_or_else(|| call.not_found())?.id,
        (None, Actor::User(user)) => user,
        (None, _) => return Err(call.invalid("Repository", "owner", "missing_field", None)),
    };
    let permitted = call.actor == Actor::User(owner) || world.belongs_to(call.actor, owner);
    if !permitted {
        return Err(call.not_found());
    }
    let answer = create(world, call, owner)?;
    if let Some(made) = world.repositories.values_mut().last() {
        made.files.extend(files.into_iter().map(|(path, content)| (path, File::new(content))));
    }
    Ok(answer)
}

fn create(world: &mut World, call: &Call, owner: Id) -> Outcome {
    let name = valid_name(call, call.text("name").unwrap_or_default())?;
    let login = world.login(owner).to_owned();
    if world.repository(&login, &name).is_some() {
        let message = "name already exists on this account";
        return Err(refused("Repository creation failed.", call, "name", message));
    }
    let visibility = visibility(call).unwrap_or("public");
    let id = world.next_id();
    let mut repository = Repository::new(id, owner, name, visibility, world.now);
    consistent_merge_messages(call, &repository.settings)?;
    set(&mut repository, call.body, &world.settings.unkept);
    if call.body["auto_init"] == true {
        let readme = format!("# {}\n", repository.name).into_bytes();
        repository.files.insert("README.md".to_owned(), File::new(readme));
    }
    world.repositories.insert(id, repository);
    let shown = show(world, call, id);
    let url = shown["url"].as_str().unwrap_or_default().to_owned();
    Ok(Answer::json(201, shown).header("location", url))
}

pub(super) fn update(world: &mut World, call: &Call) -> Outcome {
    let repository = gate::find(world, call)?;
    let (id, owner) = (repository.id, repository.owner);
    let in_organization = world.accounts.get(&owner).is_some_and(|owner| !owner.is_user());
    consistent_merge_messages(call, &repository.settings)?;
    if let Some(branch) = call.text("default_branch") {
        branch_exists(call, repository, branch)?;
    }
    if call.body["allow_forking"].is_boolean() && !in_organization {
        let message = "Allow forks can only be changed on org-owned repositories";
        return Err(Answer::error(422, message, &call.operation.documentation));
    }
    if let Some(name) = call.text("name") {
        let name = valid_name(call, name)?;
        let login = world.login(owner).to_owned();
        if world.repository(&login, &name).is_some_and(|other| other.id != id) {
            return Err(refused("Validation Failed", call, "name", "name already exists on this account"));
        }
        if name != repository_of(world, id, call)?.name {
            world.rename(id, owner, &name);
        }
    }
    let World { repositories, settings, now, .. } = world;
    let repository = repositories.get_mut(&id).ok_or_else(|| call.not_found())?;
    if let Some(visibility) = visibility(call) {
        visibility.clone_into(&mut repository.visibility);
    }
    if let Some(branch) = call.text("default_branch") {
        repository.make_default(branch);
    }
    set(repository, call.body, &settings.unkept);
    repository.updated = *now;
    Ok(Answer::ok(show(world, call, id)))
}

/// Only a branch that is there can be the default one.
fn branch_exists(call: &Call, repository: &Repository, branch: &str) -> Result<(), Answer> {
    if repository.branch(branch).is_some() {
        return Ok(());
    }
    let message = if repository.files.is_empty() {
        "Cannot update default branch for an empty repository. Please init the repository and push first.".to_owned()
    } else {
        format!("The branch {branch} was not found. Please push that ref first or create it via the Git Data API.")
    };
    Err(refused("Validation Failed", call, "default_branch", &message))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Outcome {
    let id = gate::id(world, call)?;
    world.repositories.remove(&id);
    world.former_names.retain(|_, former| *former != id);
    for team in world.teams.values_mut() {
        team.repositories.remove(&id);
    }
    Ok(Answer::nothing())
}

pub(super) fn check_alerts(world: &mut World, call: &Call) -> Outcome {
    let enabled = gate::find(world, call)?.vulnerability_alerts;
    if enabled { Ok(Answer::nothing()) } else { Err(call.error(404, "Vulnerability alerts are disabled.")) }
}

pub(super) fn enable_alerts(world: &mut World, call: &Call) -> Outcome {
    gate::find_mut(world, call)?.vulnerability_alerts = true;
    Ok(Answer::nothing())
}

pub(super) fn disable_alerts(world: &mut World, call: &Call) -> Outcome {
    gate::find_mut(world, call)?.vulnerability_alerts = false;
    Ok(Answer::nothing())
}

impl File {
    /// A file with the hash that Git gives its content; SHA-256 cut to the length of SHA-1, as nothing computes it again.
    pub(crate) fn new(content: Vec<u8>) -> Self {
        let mut hash = Sha256::new();
        hash.update(format!("blob {}\0", content.len()));
        hash.update(&content);
        let mut sha = String::new();
        for byte in &hash.finalize()[..20] {
            // Writing to a String cannot fail.
            let _ = write!(sha, "{byte:02x}");
        }
        Self { content, sha }
    }
}

fn repository_of<'a>(world: &'a World, id: Id, call: &Call) -> Result<&'a Repository, Answer> {
    world.repositories.get(&id).ok_or_else(|| call.not_found())
}

fn show(world: &World, call: &Call, id: Id) -> Value {
    let repository = world.repositories.get(&id);
    repository.map_or(Value::Null, |each| world.show_repository(each, call.actor, "full-repository"))
}

fn visibility<'a>(call: &'a Call) -> Option<&'a str> {
    let by_flag = call.body["private"].as_bool().map(|private| if private { "private" } else { "public" });
    call.text("visibility").or(by_flag)
}

fn set(repository: &mut Repository, body: &Value, unkept: &[&str]) {
    for (name, value) in body.as_object().into_iter().flatten() {
        let known = repository.settings.contains_key(name) && !NOT_SETTINGS.contains(&name.as_str());
        let known = known && !unkept.contains(&name.as_str());
        // An emptied text is shown as none.
        if known {
            let value = if value == "" { Value::Null } else { value.clone() };
            repository.settings.insert(name.clone(), value);
        }
    }
}

/// The name as GitHub stores it: other characters than letters, digits, `-`, `_` and `.` become hyphens.
fn valid_name(call: &Call, name: &str) -> Result<String, Answer> {
    let allowed = |each: char| each.is_ascii_alphanumeric() || "-_.".contains(each);
    let stored: String = name.chars().map(|each| if allowed(each) { each } else { '-' }).collect();
    match stored.as_str() {
        "" => Err(refused("Repository creation failed.", call, "name", "name is too short (minimum is 1 character)")),
        "." | ".." => Err(refused("Repository creation failed.", call, "name", "name is reserved")),
        _ if stored.len() > LONGEST_NAME => {
            Err(refused("Repository creation failed.", call, "name", "name is too long (maximum is 100 characters)"))
        }
        _ => Ok(stored),
    }
}

/// GitHub has few combinations of what a squash commit may be called, and takes no message without its title.
fn consistent_merge_messages(call: &Call, settings: &Map<String, Value>) -> Result<(), Answer> {
    let pairs =
        [("squash_merge_commit_title", "squash_merge_commit_message"), ("merge_commit_title", "merge_commit_message")];
    for (title, message) in pairs {
        if call.body[title].is_null() {
            if call.body[message].is_null() {
                continue;
            }
            let text = format!("{title} is required when using {message}");
            return Err(refused("Validation Failed", call, title, &text));
        }
        let now = |name: &str| call.text(name).or(settings.get(name).and_then(Value::as_str)).unwrap_or_default();
        let fits = match (now(title), now(message)) {
            ("PR_TITLE", message) => ["PR_BODY", "BLANK", "COMMIT_MESSAGES"].contains(&message),
            ("COMMIT_OR_PR_TITLE", message) => message == "COMMIT_MESSAGES",
            ("MERGE_MESSAGE", message) => message == "PR_TITLE",
            _ => false,
        };
        if !fits {
            let text = format!("Sorry, the combination of {title} and {message} is not supported");
            return Err(refused("Validation Failed", call, title, &text));
        }
    }
    Ok(())
}

fn refused(message: &str, call: &Call, field: &str, text: &str) -> Answer {
    let error = serde_json::json!({"resource": "Repository", "code": "custom", "field": field, "message": text});
    Answer::invalid(message, &[error], &call.operation.documentation)
}
