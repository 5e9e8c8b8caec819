//! Rulesets of a repository.

use serde_json::{Value, json};

use super::{Outcome, gate};
use crate::answer::Answer;
use crate::request::Call;
use crate::state::{Id, World};

/// What a request may set.
const MEMBERS: [&str; 6] = ["name", "target", "enforcement", "bypass_actors", "conditions", "rules"];

pub(super) fn list(world: &mut World, call: &Call) -> Outcome {
    let repository = gate::find(world, call)?;
    // Lists leave out what makes a ruleset long.
    let short = repository.rulesets.values().map(|ruleset| {
        let mut short = ruleset.clone();
        if let Some(members) = short.as_object_mut() {
            members.retain(|name, _| !["rules", "conditions", "bypass_actors"].contains(&name.as_str()));
        }
        short
    });
    Ok(Answer::list(short.collect()))
}

pub(super) fn get(world: &mut World, call: &Call) -> Outcome {
    let found = gate::find(world, call)?.rulesets.get(&call.number("ruleset_id"));
    found.cloned().map(Answer::ok).ok_or_else(|| call.not_found())
}

pub(super) fn create(world: &mut World, call: &Call) -> Outcome {
    let id = world.next_id();
    unique(world, call, id)?;
    let repository = gate::find(world, call)?;
    let source = world.full_name(repository);
    let url = format!("{}/repos/{source}/rulesets/{id}", world.base);
    let mut ruleset = json!({
        "id": id, "name": "", "target": "branch", "source_type": "Repository", "source": source, "enforcement": "disabled",
        "bypass_actors": [], "conditions": {"ref_name": {"include": [], "exclude": []}}, "rules": [],
        "node_id": crate::render::node_id("RepositoryRuleset", id), "current_user_can_bypass": "never",
        "created_at": world.now, "updated_at": world.now,
        "_links": {"self": {"href": url}, "html": {"href": format!("https://github.com/{source}/rules/{id}")}},
    });
    set(&mut ruleset, call.body);
    gate::find_mut(world, call)?.rulesets.insert(id, ruleset.clone());
    Ok(Answer::json(201, ruleset))
}

pub(super) fn update(world: &mut World, call: &Call) -> Outcome {
    let (id, now) = (call.number("ruleset_id"), world.now);
    unique(world, call, id)?;
    let ruleset = gate::find_mut(world, call)?.rulesets.get_mut(&id).ok_or_else(|| call.not_found())?;
    set(ruleset, call.body);
    ruleset["updated_at"] = json!(now);
    Ok(Answer::ok(ruleset.clone()))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Outcome {
    let removed = gate::find_mut(world, call)?.rulesets.remove(&call.number("ruleset_id"));
    removed.map(|_| Answer::nothing()).ok_or_else(|| call.not_found())
}

fn set(ruleset: &mut Value, body: &Value) {
    for name in MEMBERS {
        if let Some(value) = body.get(name) {
            ruleset[name] = value.clone();
        }
    }
    // GitHub fills in the parameters that a rule leaves out.
    for rule in ruleset["rules"].as_array_mut().into_iter().flatten() {
        let defaults = match rule["type"].as_str() {
            Some("required_status_checks") => json!({"do_not_enforce_on_create": false}),
            Some("pull_request") => {
                json!({"allowed_merge_methods": ["merge", "squash", "rebase"], "required_reviewers": []})
            }
            _ => continue,
        };
        for (name, value) in defaults.as_object().into_iter().flatten() {
            if rule["parameters"].get(name).is_none() {
                rule["parameters"][name] = value.clone();
            }
        }
    }
}

fn unique(world: &World, call: &Call, id: Id) -> Result<(), Answer> {
    let repository = gate::find(world, call)?;
    let wanted = call.text("name");
    let taken = repository.rulesets.iter().any(|(other, ruleset)| *other != id && ruleset["name"].as_str() == wanted);
    if wanted.is_some() && taken {
        return Err(call.invalid("RepositoryRuleset", "name", "custom", Some("Name must be unique")));
    }
    Ok(())
}
