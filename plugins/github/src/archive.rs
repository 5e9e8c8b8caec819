//! What is in an archived repository, where nothing can be changed or removed.

use crate::client::{Error, GitHub, Path};
use crate::events::{self, Event};

/// Whether what an object that is being deleted stands for stays where it is, since the repository is archived. That is told.
///
/// To wait until somebody lifts the archive would hold up what the object is deleted with: a namespace, for instance, whose
/// `Repo` has archived the repository on its own way out.
///
/// # Errors
/// What requests fail with.
pub(crate) fn keeps(github: &GitHub, org: &str, repo: &str, what: &str) -> Result<bool, Error> {
    let found = github.find(&Path::of(&["repos", org, repo])?)?.unwrap_or_default();
    let is_archived = found["archived"] == true;
    if is_archived {
        events::tell(Event::LeftInArchive, &format!("'{org}/{repo}' is archived: {what} stays in it"));
    }
    Ok(is_archived)
}
