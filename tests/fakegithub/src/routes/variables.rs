//! Variables and secrets of a repository's workflows.

use serde_json::{Value, json};

use super::{Outcome, gate};
use crate::answer::Answer;
use crate::request::Call;
use crate::state::World;

/// The key that secrets have to be encrypted with. Nobody has its other half, as the fake never reads a secret.
const PUBLIC_KEY: &str = "2Sg8iYjAxxmI2LvUXpJjkYrMxURPc8r+dB7TJyvvcCU=";
const KEY_ID: &str = "3380204578043523366";

pub(super) fn list(world: &mut World, call: &Call) -> Outcome {
    let variables = gate::find(world, call)?.variables.iter();
    let shown = variables.map(|(name, (value, created, updated))| {
        json!({"name": name, "value": value, "created_at": created, "updated_at": updated})
    });
    Ok(Answer::counted("variables", shown.collect(), Value::Null))
}

pub(super) fn get(world: &mut World, call: &Call) -> Outcome {
    let name = call.parameter("name").to_uppercase();
    let (value, created, updated) = gate::find(world, call)?.variables.get(&name).ok_or_else(|| call.not_found())?;
    Ok(Answer::ok(json!({"name": name, "value": value, "created_at": created, "updated_at": updated})))
}

pub(super) fn create(world: &mut World, call: &Call) -> Outcome {
    let name = valid_name(call, call.text("name").unwrap_or_default())?;
    let (value, now) = (call.text("value").unwrap_or_default().to_owned(), world.now);
    let variables = &mut gate::find_mut(world, call)?.variables;
    if variables.contains_key(&name) {
        return Err(call.error(409, "Already exists - Variable already exists"));
    }
    variables.insert(name, (value, now, now));
    Ok(Answer::json(201, json!({})))
}

pub(super) fn update(world: &mut World, call: &Call) -> Outcome {
    let name = call.parameter("name").to_uppercase();
    let new_name = call.text("name").map(|new| valid_name(call, new)).transpose()?;
    let now = world.now;
    let variables = &mut gate::find_mut(world, call)?.variables;
    let (old, created, _) = variables.remove(&name).ok_or_else(|| call.not_found())?;
    let value = call.text("value").map_or(old, str::to_owned);
    variables.insert(new_name.unwrap_or(name), (value, created, now));
    Ok(Answer::nothing())
}

pub(super) fn delete(world: &mut World, call: &Call) -> Outcome {
    let name = call.parameter("name").to_uppercase();
    let removed = gate::find_mut(world, call)?.variables.remove(&name);
    removed.map(|_| Answer::nothing()).ok_or_else(|| call.not_found())
}

#[expect(clippy::unnecessary_wraps, reason = "a route like any other")]
pub(super) fn public_key(_: &mut World, _: &Call) -> Outcome {
    Ok(Answer::ok(json!({"key_id": KEY_ID, "key": PUBLIC_KEY})))
}

pub(super) fn list_secrets(world: &mut World, call: &Call) -> Outcome {
    let secrets = gate::find(world, call)?.secrets.iter();
    let shown =
        secrets.map(|(name, (created, updated))| json!({"name": name, "created_at": created, "updated_at": updated}));
    Ok(Answer::counted("secrets", shown.collect(), Value::Null))
}

pub(super) fn get_secret(world: &mut World, call: &Call) -> Outcome {
    let name = call.parameter("secret_name").to_uppercase();
    let (created, updated) = gate::find(world, call)?.secrets.get(&name).ok_or_else(|| call.not_found())?;
    Ok(Answer::ok(json!({"name": name, "created_at": created, "updated_at": updated})))
}

pub(super) fn put_secret(world: &mut World, call: &Call) -> Outcome {
    let name = valid_name(call, call.parameter("secret_name"))?;
    if call.text("key_id") != Some(KEY_ID) {
        return Err(call.error(422, "Bad request - key_id is not that of the repository's public key"));
    }
    let now = world.now;
    let secrets = &mut gate::find_mut(world, call)?.secrets;
    let created = secrets.get(&name).map(|(created, _)| *created);
    secrets.insert(name, (created.unwrap_or(now), now));
    Ok(if created.is_some() { Answer::nothing() } else { Answer::json(201, json!({})) })
}

pub(super) fn delete_secret(world: &mut World, call: &Call) -> Outcome {
    let name = call.parameter("secret_name").to_uppercase();
    let removed = gate::find_mut(world, call)?.secrets.remove(&name);
    removed.map(|_| Answer::nothing()).ok_or_else(|| call.not_found())
}

/// Names are letters, digits and underscores, do not begin with a digit or `GITHUB_`, and are kept in upper case.
fn valid_name(call: &Call, name: &str) -> Result<String, Answer> {
    let name = name.to_uppercase();
    let well_formed = name.chars().all(|each| each.is_ascii_alphanumeric() || each == '_')
        && name.starts_with(|first: char| !first.is_ascii_digit())
        && !name.starts_with("GITHUB_");
    if well_formed {
        Ok(name)
    } else {
        Err(call.error(422, "Name can only contain alphanumeric characters and underscores"))
    }
}
