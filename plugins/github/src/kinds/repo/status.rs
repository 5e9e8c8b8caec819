//! What a `Repo` shows.

use capstan_sdk::{Value, json};

use super::spec::Settings;

/// The status of a repository as it was found, but for whether it was adopted, which changes do not alter. `observed` has all
/// settings, those that the spec leaves to GitHub too.
pub(super) fn of(found: &Value) -> Value {
    // By the names that a spec has for them, so that they can be copied into one.
    let settings = Settings::NAMES.iter().filter(|(_, name)| !found[*name].is_null());
    let observed: Value = settings.map(|(shown, name)| ((*shown).to_owned(), found[*name].clone())).collect();
    json!({
        "id": found["id"], "url": found["url"], "htmlUrl": found["html_url"], "fullName": found["full_name"],
        "private": found["private"], "visibility": found["visibility"], "defaultBranch": found["default_branch"],
        "archived": found["archived"], "pushedAt": found["pushed_at"], "observed": observed,
    })
}
