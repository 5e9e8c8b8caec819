//! Files of a repository's branches.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{Outcome, gate};
use crate::answer::Answer;
use crate::request::Call;
use crate::state::{Actor, File, Repository, World};

/// What stands for something else in a segment of a URL.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(super) fn get(world: &mut World, call: &Call) -> Outcome {
    let repository = gate::find(world, call)?;
    let path = call.parameter("path").trim_matches('/');
    let branch = call.query("ref").unwrap_or(&repository.default_branch);
    let files = repository.branch(branch);
    let files = files.ok_or_else(|| call.error(404, &format!("No commit found for the ref {branch}")))?;
    if let Some(file) = files.get(path) {
        if call.accept.contains("raw") {
            return Ok(Answer::raw(200, "application/vnd.github.raw+json", file.content.clone()));
        }
        let mut shown = entry(world, repository, (branch, path), file);
        shown["encoding"] = "base64".into();
        shown["content"] = wrapped(&file.content).into();
        return Ok(Answer::ok(shown));
    }
    let folder = if path.is_empty() { String::new() } else { format!("{path}/") };
    let inside = files.iter().filter(|(name, _)| name.strip_prefix(&folder).is_some_and(|rest| !rest.contains('/')));
    let inside: Vec<Value> = inside.map(|(name, file)| entry(world, repository, (branch, name), file)).collect();
    if inside.is_empty() {
        let empty = if files.is_empty() { "This repository is empty." } else { "Not Found" };
        return Err(call.error(404, empty));
    }
    Ok(Answer::ok(inside.into()))
}

pub(super) fn put(world: &mut World, call: &Call) -> Outcome {
    let path = valid_path(call)?;
    let content = STANDARD.decode(call.text("content").unwrap_or_default().replace('\n', ""));
    let content = content.map_err(|_| call.error(422, "content is not valid Base64"))?;
    let branch = branch(world, call)?;
    let old = gate::find(world, call)?.branch(&branch).and_then(|files| files.get(&path));
    let old = old.map(|file| file.sha.clone());
    match (&old, call.text("sha")) {
        (Some(_), None) => return Err(call.error(422, "Invalid request.\n\n\"sha\" wasn't supplied.")),
        (Some(old), Some(given)) if old != given => {
            return Err(call.error(409, &format!("{path} does not match {given}")));
        }
        (None, Some(given)) => return Err(call.error(409, &format!("{path} does not match {given}"))),
        _ => {}
    }
    let now = world.now;
    let repository = gate::find_mut(world, call)?;
    let file = File::new(content);
    let files = repository.branch_mut(&branch).ok_or_else(|| no_branch(call, &branch))?;
    files.insert(path.clone(), file.clone());
    repository.pushed = now;
    let repository = gate::find(world, call)?;
    let shown = entry(world, repository, (&branch, &path), &file);
    let status = if old.is_some() { 200 } else { 201 };
    Ok(Answer::json(status, json!({"content": shown, "commit": commit(world, call, repository)})))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Outcome {
    let path = valid_path(call)?;
    let branch = branch(world, call)?;
    let now = world.now;
    let repository = gate::find_mut(world, call)?;
    let files = repository.branch_mut(&branch).ok_or_else(|| no_branch(call, &branch))?;
    let sha = files.get(&path).map(|file| file.sha.clone()).ok_or_else(|| call.not_found())?;
    if call.text("sha") != Some(sha.as_str()) {
        return Err(call.error(409, &format!("{path} does not match {}", call.text("sha").unwrap_or_default())));
    }
    files.remove(&path);
    repository.pushed = now;
    let repository = gate::find(world, call)?;
    Ok(Answer::ok(json!({"content": null, "commit": commit(world, call, repository)})))
}

fn valid_path(call: &Call) -> Result<String, Answer> {
    let path = call.parameter("path");
    let malformed = path.is_empty()
        || path.starts_with('/')
        || path.split('/').any(|part| part.is_empty() || part == "." || part == ".." || part == ".git");
    if malformed {
        return Err(call.error(422, "path contains a malformed path component"));
    }
    Ok(path.to_owned())
}

/// The branch that a commit is for.
fn branch(world: &World, call: &Call) -> Result<String, Answer> {
    let repository = gate::find(world, call)?;
    let branch = call.text("branch").unwrap_or(&repository.default_branch);
    if repository.branch(branch).is_none() {
        return Err(no_branch(call, branch));
    }
    Ok(branch.to_owned())
}

fn no_branch(call: &Call, branch: &str) -> Answer {
    call.error(404, &format!("Branch {branch} not found"))
}

/// A file at a branch and path.
fn entry(world: &World, repository: &Repository, (branch, path): (&str, &str), file: &File) -> Value {
    let full_name = world.full_name(repository);
    let address =
        path.split('/').map(|part| utf8_percent_encode(part, SEGMENT).to_string()).collect::<Vec<_>>().join("/");
    let url = format!("{}/repos/{full_name}/contents/{address}?ref={branch}", world.base);
    let html = format!("https://github.com/{full_name}/blob/{branch}/{address}");
    let git = format!("{}/repos/{full_name}/git/blobs/{}", world.base, file.sha);
    json!({
        "type": "file", "name": path.rsplit('/').next(), "path": path, "sha": file.sha, "size": file.content.len(),
        "url": url, "html_url": html, "git_url": git,
        "download_url": format!("https://raw.githubusercontent.com/{full_name}/{branch}/{address}"),
        "_links": {"self": url, "git": git, "html": html},
    })
}

fn commit(world: &World, call: &Call, repository: &Repository) -> Value {
    let author = match call.actor {
        Actor::User(user) => world.login(user),
        _ => "app[bot]",
    };
    let signature = json!({"name": author, "email": format!("{author}@users.noreply.github.com"), "date": world.now});
    let of = |member: &str| call.body[member].as_object().map_or(signature.clone(), |given| json!(given));
    let seen = format!("{}{}", world.now, repository.files.len());
    let (sha, tree) = (File::new(seen.clone().into_bytes()).sha, File::new(format!("tree{seen}").into_bytes()).sha);
    let full_name = world.full_name(repository);
    let git = format!("{}/repos/{full_name}/git", world.base);
    json!({
        "sha": sha, "node_id": crate::render::node_id("Commit", repository.id), "url": format!("{git}/commits/{sha}"),
        "html_url": format!("https://github.com/{full_name}/commit/{sha}"), "author": of("author"),
        "committer": of("committer"), "message": call.body["message"], "parents": [],
        "tree": {"sha": tree, "url": format!("{git}/trees/{tree}")},
        "verification": {"verified": false, "reason": "unsigned", "signature": null, "payload": null, "verified_at": null},
    })
}

/// Base64 in lines of 60 characters, as GitHub has it.
fn wrapped(content: &[u8]) -> String {
    let encoded = STANDARD.encode(content);
    let mut wrapped = String::new();
    for (index, character) in encoded.chars().enumerate() {
        if index > 0 && index % 60 == 0 {
            wrapped.push('\n');
        }
        wrapped.push(character);
    }
    wrapped.push('\n');
    wrapped
}
