//! Webhooks of a repository.

use serde_json::{Map, Value};

use super::{Outcome, gate};
use crate::answer::Answer;
use crate::request::Call;
use crate::state::{Hook, Id, World};

/// How many hooks a repository may have for one event.
const MOST: usize = 20;

pub(super) fn list(world: &mut World, call: &Call) -> Outcome {
    let repository = gate::find(world, call)?;
    Ok(Answer::list(repository.hooks.iter().map(|(id, hook)| world.show_hook(repository, *id, hook)).collect()))
}

pub(super) fn get(world: &mut World, call: &Call) -> Outcome {
    show(world, call, 200, call.number("hook_id"))
}

pub(super) fn create(world: &mut World, call: &Call) -> Outcome {
    if call.text("name").is_some_and(|name| name != "web") {
        let message = "The name must be web";
        return Err(call.invalid("Hook", "name", "custom", Some(message)));
    }
    let config = config(call, &call.body["config"], Map::new())?;
    let repository = gate::find(world, call)?;
    let events = call.texts("events").unwrap_or_else(|| vec!["push".to_owned()]);
    let same = |hook: &&Hook| hook.config.get("url") == config.get("url") && hook.events == events;
    if repository.hooks.values().any(|hook| same(&hook)) {
        let message = "Hook already exists on this repository";
        return Err(call.invalid("Hook", "", "custom", Some(message)));
    }
    if repository.hooks.len() >= MOST {
        let message = "The \"push\" event cannot have more than 20 hooks";
        return Err(call.invalid("Hook", "", "custom", Some(message)));
    }
    let (id, now) = (world.next_id(), world.now);
    let active = call.body["active"].as_bool().unwrap_or(true);
    gate::find_mut(world, call)?.hooks.insert(id, Hook { config, events, active, created: now, updated: now });
    let answer = show(world, call, 201, id)?;
    let url = format!("{}/repos/{}/{}/hooks/{id}", world.base, call.parameter("owner"), call.parameter("repo"));
    Ok(answer.header("location", url))
}

pub(super) fn update(world: &mut World, call: &Call) -> Outcome {
    let (id, now) = (call.number("hook_id"), world.now);
    let hook = gate::find_mut(world, call)?.hooks.get_mut(&id).ok_or_else(|| call.not_found())?;
    if call.body["config"].is_object() {
        // A config is replaced as a whole: a secret that is left out is gone.
        hook.config = config(call, &call.body["config"], Map::new())?;
    }
    if let Some(events) = call.texts("events") {
        hook.events = events;
    }
    hook.events.extend(call.texts("add_events").unwrap_or_default());
    let removed = call.texts("remove_events").unwrap_or_default();
    hook.events.retain(|event| !removed.contains(event));
    hook.active = call.body["active"].as_bool().unwrap_or(hook.active);
    hook.updated = now;
    show(world, call, 200, id)
}

/// Only what is given changes.
pub(super) fn update_config(world: &mut World, call: &Call) -> Outcome {
    let (id, now) = (call.number("hook_id"), world.now);
    let hook = gate::find_mut(world, call)?.hooks.get_mut(&id).ok_or_else(|| call.not_found())?;
    hook.config = config(call, call.body, hook.config.clone())?;
    hook.updated = now;
    let hook = world.show_hook(gate::find(world, call)?, id, &gate::find(world, call)?.hooks[&id]);
    Ok(Answer::ok(hook["config"].clone()))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Outcome {
    let removed = gate::find_mut(world, call)?.hooks.remove(&call.number("hook_id"));
    removed.map(|_| Answer::nothing()).ok_or_else(|| call.not_found())
}

/// A config with what is given of it, upon what it was before.
fn config(call: &Call, given: &Value, mut config: Map<String, Value>) -> Result<Map<String, Value>, Answer> {
    for (name, default) in [("content_type", "form"), ("insecure_ssl", "0")] {
        config.entry(name).or_insert_with(|| default.into());
    }
    for (name, value) in given.as_object().into_iter().flatten() {
        // GitHub shows this one as text, however it was given.
        let value = if name == "insecure_ssl" && value.is_number() { value.to_string().into() } else { value.clone() };
        config.insert(name.clone(), value);
    }
    let url = config.get("url").and_then(Value::as_str).unwrap_or_default();
    if url.starts_with("https://") || url.starts_with("http://") {
        return Ok(config);
    }
    Err(call.invalid("Hook", "url", "custom", Some("url is invalid")))
}

fn show(world: &World, call: &Call, status: u16, id: Id) -> Outcome {
    let repository = gate::find(world, call)?;
    let hook = repository.hooks.get(&id).ok_or_else(|| call.not_found())?;
    Ok(Answer::json(status, world.show_hook(repository, id, hook)))
}
