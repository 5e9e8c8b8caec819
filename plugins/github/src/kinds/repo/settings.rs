//! What a spec wants of a repository, against what is.

use capstan_sdk::{Difference, Value, json};

use super::{Settings, Spec};
use crate::client::Error;

/// What a new repository can be given at once, wherever it is created. The rest follows by an update.
const AT_CREATION: [&str; 15] = [
    "description",
    "homepage",
    "has_issues",
    "has_projects",
    "has_wiki",
    "is_template",
    "allow_squash_merge",
    "allow_merge_commit",
    "allow_rebase_merge",
    "allow_auto_merge",
    "delete_branch_on_merge",
    "squash_merge_commit_title",
    "squash_merge_commit_message",
    "merge_commit_title",
    "merge_commit_message",
];

/// Title and message of commits. GitHub takes a message only together with its title, and a title only with a message that
/// fits it.
const PAIRS: [(&str, &str); 2] =
    [("squash_merge_commit_title", "squash_merge_commit_message"), ("merge_commit_title", "merge_commit_message")];

/// One request that brings a repository closer to its spec.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// A `PATCH` with this body.
    Patch(Value),
    /// All topics.
    Topics(Vec<String>),
}

/// Where the repository is not as the spec has it. What the spec leaves out is nobody's business here.
pub(super) fn differences(spec: &Spec, found: &Value) -> Result<Vec<Difference>, Error> {
    let mut differences = Vec::new();
    for (name, desired) in owned(spec) {
        let actual = &found[&name];
        if !same(&desired, actual) {
            differences.push(Difference::new(name, desired, actual.clone()));
        }
    }
    if let Some(topics) = topics(spec)? {
        let actual = sorted(found["topics"].as_array().into_iter().flatten().filter_map(Value::as_str));
        if topics != actual {
            differences.push(Difference::new("topics", json!(topics), json!(actual)));
        }
    }
    Ok(differences)
}

/// A setting that is not as it is wanted, by its name in a spec and with what is wanted.
pub(super) fn told(difference: &Difference) -> String {
    let desired = difference.desired.as_ref().unwrap_or(&Value::Null);
    format!("{}: {desired}", in_spec(&difference.path))
}

/// All of them for a status; null for none.
pub(super) fn all_told(differences: &[Difference]) -> Value {
    if differences.is_empty() { Value::Null } else { differences.iter().map(told).collect() }
}

/// Refuses what no repository can be given, before there is one.
pub(super) fn check(spec: &Spec) -> Result<(), Error> {
    topics(spec).map(drop)
}

/// The body that creates a repository. Without a word about it, it is private.
pub(super) fn creation(spec: &Spec, in_organization: bool) -> Value {
    let mut body = json!({"name": spec.name, "auto_init": spec.initialize.unwrap_or(true)});
    let visibility = spec.visibility.as_deref();
    body["private"] = visibility.map_or(spec.private.unwrap_or(true), |visibility| visibility != "public").into();
    if let (Some(visibility @ ("public" | "private")), true) = (visibility, in_organization) {
        body["visibility"] = visibility.into();
    }
    for (name, value) in spec.settings.owned() {
        if AT_CREATION.contains(&name.as_str()) {
            body[name] = value;
        }
    }
    if let Value::Object(members) = &mut body {
        for (title, message) in PAIRS {
            // What the other one will be is not known yet.
            if !(members.contains_key(title) && members.contains_key(message)) {
                members.remove(title);
                members.remove(message);
            }
        }
    }
    body
}

/// The requests that set what differs. Lifting an archive comes before all else, and archiving after it: nothing can be
/// changed in between, so that one which is to stay archived is not meanwhile. The default branch goes by itself and after the others: it may be refused until somebody pushes it, and
/// that must not cost the rest.
/// An archive waits for it: of an archived repository neither a branch can be pushed nor the default one be changed.
pub(super) fn steps(spec: &Spec, found: &Value) -> Result<Vec<Step>, Error> {
    let mut steps = Vec::new();
    let mut body = json!({});
    let mut archive = None;
    let mut branch = None;
    let mut names = None;
    for difference in differences(spec, found)? {
        let desired = difference.desired.unwrap_or_default();
        match difference.path.as_str() {
            "archived" => archive = desired.as_bool(),
            "default_branch" => branch = Some(desired),
            "topics" => names = topics(spec)?,
            path => body[path] = desired,
        }
    }
    complete_pairs(spec, &mut body, found)?;
    let has_more = body != json!({}) || names.is_some() || branch.is_some();
    if has_more && found["archived"] == true && spec.settings.archived == Some(true) {
        // Where the spec leaves the archive to others, its lifting is not ours to decide, and GitHub's refusal is the answer.
        archive = Some(true);
        steps.push(Step::Patch(json!({"archived": false})));
    }
    if archive == Some(false) {
        steps.push(Step::Patch(json!({"archived": false})));
    }
    if body != json!({}) {
        steps.push(Step::Patch(body));
    }
    steps.extend(names.map(Step::Topics));
    steps.extend(branch.map(|branch| Step::Patch(json!({"default_branch": branch}))));
    if archive == Some(true) {
        steps.push(Step::Patch(json!({"archived": true})));
    }
    Ok(steps)
}

/// Adds to each title or message of commits what is found of the other one.
fn complete_pairs(spec: &Spec, body: &mut Value, found: &Value) -> Result<(), Error> {
    let said = spec.settings.owned();
    for (title, message) in PAIRS {
        for (changed, other) in [(title, message), (message, title)] {
            // What does not differ is found as it is wanted, if it is.
            if body.get(changed).is_none() || body.get(other).is_some() || found[other].is_null() {
                continue;
            }
            body[other] = found[other].clone();
            if !said.iter().any(|(name, _)| name == other) && !fit(&body[title], &body[message]) {
                let (value, kept) = (&body[changed], &body[other]);
                let (changed, other) = (in_spec(changed), in_spec(other));
                let text = format!(
                    "GitHub takes no {changed} {value} with the {other} {kept} that is there: give {other} too"
                );
                return Err(Error::InvalidSpec(text));
            }
        }
    }
    Ok(())
}

/// Whether GitHub takes a title and a message of commits together, as far as is known.
fn fit(title: &Value, message: &Value) -> bool {
    match title.as_str() {
        Some("COMMIT_OR_PR_TITLE") => message == "COMMIT_MESSAGES",
        Some("MERGE_MESSAGE") => message == "PR_TITLE",
        Some("PR_TITLE") => message != "PR_TITLE",
        _ => true,
    }
}

/// The name that a setting has in a spec.
fn in_spec(name: &str) -> &str {
    Settings::NAMES.iter().find(|(_, at_github)| *at_github == name).map_or(name, |(in_spec, _)| in_spec)
}

/// What the spec sets, by GitHub's names and without the topics.
fn owned(spec: &Spec) -> Vec<(String, Value)> {
    let mut owned = spec.settings.owned();
    match (&spec.visibility, spec.private) {
        (Some(visibility), _) => owned.push(("visibility".to_owned(), json!(visibility))),
        (None, Some(private)) => owned.push(("private".to_owned(), json!(private))),
        (None, None) => {}
    }
    owned
}

/// GitHub shows an empty text as none, or as itself.
fn same(desired: &Value, actual: &Value) -> bool {
    desired == actual || (desired == "" && actual.is_null())
}

/// The topics that are wanted, as GitHub writes them.
fn topics(spec: &Spec) -> Result<Option<Vec<String>>, Error> {
    let Some(topics) = &spec.topics else { return Ok(None) };
    let odd = |topic: &&String| {
        topic.is_empty()
            || !topic.chars().all(|each| each.is_ascii_alphanumeric() || each == '-')
            || topic.starts_with('-')
    };
    if let Some(topic) = topics.iter().find(odd) {
        return Err(Error::InvalidSpec(format!("{topic:?} is no topic: letters, digits and hyphens are wanted")));
    }
    Ok(Some(sorted(topics.iter().map(String::as_str))))
}

fn sorted<'a>(topics: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut topics: Vec<String> = topics.map(str::to_lowercase).collect();
    topics.sort();
    topics.dedup();
    topics
}

#[cfg(test)]
mod tests {
    use capstan_sdk::serde_json;

    use super::*;

    fn spec(more: &Value) -> Spec {
        let mut spec = json!({"org": "o", "name": "n", "credentials": {}});
        for (name, value) in more.as_object().unwrap() {
            spec[name] = value.clone();
        }
        serde_json::from_value(spec).unwrap()
    }

    fn paths(more: &Value, found: &Value) -> Vec<String> {
        differences(&spec(more), found).unwrap().into_iter().map(|difference| difference.path).collect()
    }

    #[test]
    fn what_is_left_out_is_never_compared() {
        let found = json!({"private": false, "has_wiki": true, "topics": ["x"], "description": "d", "archived": true});
        assert_eq!(paths(&json!({}), &found), Vec::<String>::new());
        assert_eq!(paths(&json!({"hasWiki": false}), &found), ["has_wiki"]);
        assert_eq!(paths(&json!({"private": true}), &found), ["private"]);
    }

    #[test]
    fn internal_is_private_enough_and_visibility_says_more() {
        let found = json!({"private": true, "visibility": "internal"});
        assert_eq!(paths(&json!({"private": true}), &found), Vec::<String>::new());
        assert_eq!(paths(&json!({"private": true, "visibility": "private"}), &found), ["visibility"]);
    }

    #[test]
    fn order_and_case_of_topics_and_empty_texts_do_not_differ() {
        let found = json!({"topics": ["b", "a"], "homepage": null, "description": ""});
        let same = json!({"topics": ["A", "b"], "homepage": "", "description": ""});
        assert_eq!(paths(&same, &found), Vec::<String>::new());
        assert_eq!(paths(&json!({"topics": []}), &found), ["topics"]);
        assert_eq!(paths(&json!({"topics": ["a", "b", "A"]}), &found), Vec::<String>::new());
        assert!(differences(&spec(&json!({"topics": ["a b"]})), &found).is_err());
    }

    #[test]
    fn without_a_word_a_repository_is_created_private_and_with_a_commit() {
        let body = creation(&spec(&json!({})), true);
        assert_eq!(body, json!({"name": "n", "private": true, "auto_init": true}));
        let body = creation(&spec(&json!({"visibility": "public", "initialize": false, "allowForking": true})), true);
        assert_eq!(body, json!({"name": "n", "private": false, "visibility": "public", "auto_init": false}));
        // A user's repositories have no visibility at their creation, and none is created as an internal one.
        let private = json!({"name": "n", "private": true, "auto_init": true});
        assert_eq!(creation(&spec(&json!({"visibility": "private", "private": false})), false), private);
        assert_eq!(creation(&spec(&json!({"visibility": "internal"})), true), private);
    }

    #[test]
    fn messages_of_commits_go_with_their_titles() {
        let found = json!({
            "squash_merge_commit_title": "PR_TITLE", "squash_merge_commit_message": "PR_BODY",
            "merge_commit_title": "MERGE_MESSAGE", "merge_commit_message": "PR_TITLE",
        });
        let sent = |more: Value| match steps(&spec(&more), &found).unwrap().remove(0) {
            Step::Patch(body) => body,
            other @ Step::Topics(_) => panic!("{other:?}"),
        };
        let squash = json!({"squash_merge_commit_title": "PR_TITLE", "squash_merge_commit_message": "BLANK"});
        assert_eq!(sent(json!({"squashMergeCommitMessage": "BLANK"})), squash);
        assert_eq!(sent(json!({"squashMergeCommitMessage": "BLANK", "squashMergeCommitTitle": "PR_TITLE"})), squash);
        let merge = json!({"merge_commit_title": "PR_TITLE", "merge_commit_message": "BLANK"});
        assert_eq!(sent(json!({"mergeCommitTitle": "PR_TITLE", "mergeCommitMessage": "BLANK"})), merge);
        // Which message is wanted instead of the one that does not fit, only the spec can say.
        for (given, missing) in [
            (json!({"mergeCommitTitle": "PR_TITLE"}), "give mergeCommitMessage too"),
            (json!({"mergeCommitMessage": "BLANK"}), "give mergeCommitTitle too"),
            (json!({"squashMergeCommitTitle": "COMMIT_OR_PR_TITLE"}), "give squashMergeCommitMessage too"),
        ] {
            let refused = steps(&spec(&given), &found).unwrap_err();
            assert!(matches!(&refused, Error::InvalidSpec(text) if text.ends_with(missing)), "{refused}");
        }
        // A server that shows neither.
        assert_eq!(
            steps(&spec(&json!({"mergeCommitMessage": "BLANK"})), &json!({})).unwrap(),
            [Step::Patch(json!({"merge_commit_message": "BLANK"}))]
        );
        let created =
            creation(&spec(&json!({"mergeCommitMessage": "BLANK", "squashMergeCommitTitle": "PR_TITLE"})), true);
        for half in ["merge_commit_message", "squash_merge_commit_title"] {
            assert_eq!(created.get(half), None, "it follows when the other half is known");
        }
    }

    #[test]
    fn the_default_branch_is_set_by_itself_after_the_rest_and_before_an_archive() {
        let wanted = spec(&json!({"archived": true, "defaultBranch": "next", "hasWiki": false, "topics": ["t"]}));
        let found = json!({"archived": false, "default_branch": "main", "has_wiki": true, "topics": []});
        let expected = [
            Step::Patch(json!({"has_wiki": false})),
            Step::Topics(vec!["t".to_owned()]),
            Step::Patch(json!({"default_branch": "next"})),
            Step::Patch(json!({"archived": true})),
        ];
        assert_eq!(steps(&wanted, &found).unwrap(), expected);
    }

    #[test]
    fn an_archive_is_lifted_first_and_made_last() {
        let wanted = |archived| spec(&json!({"archived": archived, "hasWiki": false, "topics": ["t"]}));
        let found = |archived| json!({"archived": archived, "has_wiki": true, "topics": []});
        let rest = [Step::Patch(json!({"has_wiki": false})), Step::Topics(vec!["t".to_owned()])];
        let lifted = steps(&wanted(false), &found(true)).unwrap();
        assert_eq!((&lifted[0], &lifted[1..]), (&Step::Patch(json!({"archived": false})), &rest[..]));
        let made = steps(&wanted(true), &found(false)).unwrap();
        assert_eq!((&made[2], &made[..2]), (&Step::Patch(json!({"archived": true})), &rest[..]));
        let kept = steps(&wanted(true), &found(true)).unwrap();
        let (lifted, made) = (Step::Patch(json!({"archived": false})), Step::Patch(json!({"archived": true})));
        assert_eq!((&kept[0], &kept[1..3], &kept[3]), (&lifted, &rest[..], &made));
        let settled = json!({"archived": true, "has_wiki": false, "topics": ["t"]});
        assert_eq!(steps(&wanted(true), &settled).unwrap(), []);
    }
}
