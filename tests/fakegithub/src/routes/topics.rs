//! A repository's topics.

use serde_json::json;

use super::{Outcome, gate};
use crate::answer::Answer;
use crate::request::Call;
use crate::state::World;

/// How many topics a repository may have, and how long each may be.
const MOST: usize = 20;
const LONGEST: usize = 50;

pub(super) fn get(world: &mut World, call: &Call) -> Outcome {
    Ok(Answer::ok(json!({"names": gate::find(world, call)?.topics})))
}

pub(super) fn replace(world: &mut World, call: &Call) -> Outcome {
    let names = call.texts("names").unwrap_or_default();
    let allowed = |each: char| each.is_ascii_lowercase() || each.is_ascii_digit() || each == '-';
    let mut valid: Vec<String> = Vec::new();
    for name in names {
        let name = name.to_lowercase();
        let starts_well = name.starts_with(|first: char| first.is_ascii_alphanumeric());
        if !starts_well || name.len() > LONGEST || !name.chars().all(allowed) {
            let message = "Topics must start with a lowercase letter or number, consist of 50 characters or less, and can \
                           include lowercase letters, numbers, and hyphens.";
            return Err(Answer::json(
                422,
                json!({"message": "Validation Failed", "errors": [message], "documentation_url": call.operation.documentation}),
            ));
        }
        if !valid.contains(&name) {
            valid.push(name);
        }
    }
    if valid.len() > MOST {
        let errors = ["A repository cannot have more than 20 topics."];
        let body = json!({"message": "Validation Failed", "errors": errors, "documentation_url": call.operation.documentation});
        return Err(Answer::json(422, body));
    }
    let repository = gate::find_mut(world, call)?;
    repository.topics.clone_from(&valid);
    Ok(Answer::ok(json!({"names": valid})))
}
