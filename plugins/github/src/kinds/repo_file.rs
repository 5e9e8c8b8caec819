//! `RepoFile`: a file on a branch of a repository.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use capstan_sdk::{Change, Creation, Difference, Managed, Observation, Value, json};
use serde::Deserialize;

use crate::archive;
use crate::client::{Error, GitHub, Method, Path};
use crate::spec::Connection;

/// GitHub shows no content of larger files, so that they could not be compared.
const LARGEST: usize = 1_000_000;

/// The spec.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// Where GitHub is.
    #[serde(flatten)]
    pub connection: Connection,
    /// The organisation or user that owns the repository.
    pub org: String,
    /// The repository's name.
    pub repo: String,
    /// Where the file is, from the repository's root.
    pub path: String,
    /// The branch; the default branch if it is left out.
    pub branch: Option<String>,
    /// What is in it.
    pub content: String,
    /// The message of commits; what is done and to which file if it is left out.
    pub message: Option<String>,
    /// What becomes of it when the object is deleted.
    #[serde(default)]
    pub on_delete: OnDelete,
}

/// What becomes of a file when its object is deleted.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum OnDelete {
    /// It is deleted.
    #[default]
    Delete,
    /// Nothing.
    Keep,
}

/// One file, for one reconcile.
pub struct RepoFile {
    github: GitHub,
    /// Of the content that was seen last. A change of another content is refused by GitHub.
    sha: Option<String>,
}

impl RepoFile {
    /// A file at `github`.
    #[must_use]
    pub fn new(github: GitHub) -> Self {
        Self { github, sha: None }
    }

    /// Looks at the file and compares its content.
    ///
    /// # Errors
    /// [`Error::InvalidSpec`] for a path that is none or that of a folder, and for a content that is too large; what requests
    /// fail with.
    pub fn observe(&mut self, object: &Managed<Spec>) -> Result<Observation, Error> {
        let spec = &object.spec;
        if object.is_being_deleted() {
            return self.observe_deletion(spec);
        }
        if spec.content.len() > LARGEST {
            return Err(Error::InvalidSpec(format!("the content has more than {LARGEST} bytes")));
        }
        let Some(found) = self.find(spec)? else { return Ok(Observation::missing()) };
        self.sha = found["sha"].as_str().map(str::to_owned);
        let observation = if content(&found)?.as_deref() == Some(spec.content.as_bytes()) {
            Observation::up_to_date()
        } else {
            // Contents are long, and may be nobody's business.
            let size = json!(spec.content.len());
            Observation::differs([Difference::new("content.size", size, found["size"].clone())])
        };
        Ok(observation.ready().status(status(&found)))
    }

    /// Whether there is a file left to delete. What the spec wants of it, and cannot have, is no hindrance; nor is what has
    /// taken its place.
    fn observe_deletion(&mut self, spec: &Spec) -> Result<Observation, Error> {
        let found = if spec.on_delete == OnDelete::Keep { None } else { self.look(spec)? };
        let Some(found) = found.filter(is_file) else { return Ok(Observation::missing()) };
        if archive::keeps(&self.github, &spec.org, &spec.repo, &spec.path)? {
            return Ok(Observation::missing());
        }
        self.sha = found["sha"].as_str().map(str::to_owned);
        Ok(Observation::up_to_date())
    }

    /// Writes the file.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn create(&mut self, object: &Managed<Spec>) -> Result<Creation, Error> {
        Ok(Creation::done().status(self.put(&object.spec, "Create", None)?))
    }

    /// Writes the content, unless it was changed again since it was looked at.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn update(&mut self, object: &Managed<Spec>) -> Result<Change, Error> {
        let sha = self.sha(&object.spec)?;
        Ok(Change::done().status(self.put(&object.spec, "Update", sha)?))
    }

    /// Deletes the file.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn delete(&mut self, object: &Managed<Spec>) -> Result<(), Error> {
        let spec = &object.spec;
        if spec.on_delete == OnDelete::Keep {
            return Ok(());
        }
        let Some(sha) = self.sha(spec)? else { return Ok(()) };
        let mut body = commit(spec, "Delete");
        body["sha"] = sha.into();
        self.github.remove(&path(spec)?, Some(&body))
    }

    fn put(&self, spec: &Spec, what: &str, sha: Option<String>) -> Result<Value, Error> {
        let mut body = commit(spec, what);
        body["content"] = STANDARD.encode(&spec.content).into();
        if let Some(sha) = sha {
            body["sha"] = sha.into();
        }
        let answer = self.github.change(Method::Put, &path(spec)?, Some(&body))?.body;
        Ok(status(&answer["content"]))
    }

    fn sha(&mut self, spec: &Spec) -> Result<Option<String>, Error> {
        match self.sha.take() {
            Some(sha) => Ok(Some(sha)),
            None => Ok(self.find(spec)?.and_then(|found| found["sha"].as_str().map(str::to_owned))),
        }
    }

    fn find(&self, spec: &Spec) -> Result<Option<Value>, Error> {
        match self.look(spec)? {
            Some(found) if !is_file(&found) => {
                Err(Error::InvalidSpec(format!("{:?} is no file but a folder, a link or a submodule", spec.path)))
            }
            found => Ok(found),
        }
    }

    /// Whatever is there.
    fn look(&self, spec: &Spec) -> Result<Option<Value>, Error> {
        let path = path(spec)?;
        let path = match &spec.branch {
            Some(branch) => path.query("ref", branch),
            None => path,
        };
        self.github.find(&path)
    }
}

/// And no folder (which is shown as a list), link or submodule.
fn is_file(found: &Value) -> bool {
    found["type"] == "file"
}

/// The content of a file as GitHub shows it; none if it is too large to be shown.
fn content(found: &Value) -> Result<Option<Vec<u8>>, Error> {
    if found["encoding"] != "base64" {
        return Ok(None);
    }
    let lines = found["content"].as_str().unwrap_or_default().replace('\n', "");
    let decoded = STANDARD.decode(lines);
    decoded.map(Some).map_err(|error| Error::Unexpected(format!("the content of the file is no base64: {error}")))
}

fn commit(spec: &Spec, what: &str) -> Value {
    let message = spec.message.clone().unwrap_or_else(|| format!("{what} {}", spec.path));
    let mut body = json!({"message": message});
    if let Some(branch) = &spec.branch {
        body["branch"] = json!(branch);
    }
    body
}

fn status(found: &Value) -> Value {
    json!({"sha": found["sha"], "size": found["size"], "htmlUrl": found["html_url"]})
}

fn path(spec: &Spec) -> Result<Path, Error> {
    let mut segments = vec!["repos", &*spec.org, &*spec.repo, "contents"];
    segments.extend(spec.path.split('/'));
    Path::of(&segments)
}
