//! What is asked of a registry.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, Method, StatusCode, header};
use url::Url;

use crate::{
    Artifact, Client, Config, Credentials, Digest, Error, Reference,
    manifest::{ACCEPTED, MANIFEST_TYPE},
    session::{Ask, Bound, Session},
};

/// What answers without content may have, and how long a short question may take.
const SHORT: Bound = Bound { bytes: 64 << 10, within: Duration::from_secs(30) };
/// One layer and a few annotations have a kilobyte.
const MANIFEST: Bound = Bound { bytes: 1 << 20, within: Duration::from_secs(30) };
/// A component, on a slow line.
const COMPONENT_WITHIN: Duration = Duration::from_mins(5);

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
const BYTES: &str = "application/octet-stream";

/// How a registry is spoken to.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Who asks; nobody in particular without.
    pub credentials: Option<Credentials>,
    /// Plain HTTP. Only registries on this machine may be spoken to like that.
    pub plain_http: bool,
}

/// One artifact's place in a registry.
pub struct Repository {
    session: Session,
    reference: Reference,
}

impl Repository {
    /// To look at it and pull it. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Plaintext`] for plain HTTP to another machine.
    pub fn to_pull(client: &Client, reference: &Reference, access: Access) -> Result<Self, Error> {
        Self::open(client, reference, access, false)
    }

    /// To push it. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Plaintext`] for plain HTTP to another machine.
    pub fn to_push(client: &Client, reference: &Reference, access: Access) -> Result<Self, Error> {
        Self::open(client, reference, access, true)
    }

    fn open(client: &Client, reference: &Reference, access: Access, push: bool) -> Result<Self, Error> {
        let session = Session::new(client.clone(), reference, access, push)?;
        Ok(Self { session, reference: reference.clone() })
    }

    /// The digest of the manifest that the reference leads to now. Costs next to nothing, also where pulls are counted.
    pub async fn current(&self) -> Result<Digest, Error> {
        if let Some(digest) = self.reference.digest() {
            return Ok(digest.clone());
        }
        let ask = Ask::new(Method::HEAD, self.manifest_url()?).header(header::ACCEPT, ACCEPTED);
        let answer = self.session.ask(&ask, SHORT).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Err(Error::NotFound(self.reference.to_string()));
        }
        match answer.header(&CONTENT_DIGEST).and_then(|digest| digest.parse().ok()) {
            Some(digest) => Ok(digest),
            // It need not say.
            None => Ok(self.artifact().await?.manifest),
        }
    }

    /// What the reference leads to now, by its manifest.
    pub async fn artifact(&self) -> Result<Artifact, Error> {
        let ask = Ask::new(Method::GET, self.manifest_url()?).header(header::ACCEPT, ACCEPTED);
        let answer = self.session.ask(&ask, MANIFEST).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Err(Error::NotFound(self.reference.to_string()));
        }
        let found = Digest::of(&answer.body);
        let announced = answer.header(&CONTENT_DIGEST).and_then(|digest| digest.parse().ok());
        for expected in [self.reference.digest().cloned(), announced].into_iter().flatten() {
            same(&expected, &found)?;
        }
        Artifact::read(&self.reference, &answer.body)
    }

    /// The component of an artifact.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if it has more than `limit` bytes, before any of them is read.
    pub async fn component(&self, artifact: &Artifact, limit: u64) -> Result<Bytes, Error> {
        let Artifact { component, size, .. } = artifact;
        if *size > limit {
            return Err(Error::TooLarge { what: format!("the component of {}", self.reference), size: *size, limit });
        }
        let ask = Ask::new(Method::GET, self.session.url(&format!("blobs/{component}"))?);
        // Not a byte more than the manifest says.
        let answer = self.session.ask(&ask, Bound { bytes: *size, within: COMPONENT_WITHIN }).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Err(Error::NotFound(format!("the component {component} of {}", self.reference)));
        }
        same(component, &Digest::of(&answer.body))?;
        Ok(answer.body)
    }

    /// Stores a component with its config, and lets the tag lead to it. Content that is there already is not sent. Gives the digest
    /// of the manifest.
    pub async fn push(&self, component: Bytes, config: &Config) -> Result<Digest, Error> {
        let stored = config.written(&Digest::of(&component));
        let manifest = config.manifest(&stored, &component);
        let digest = Digest::of(&manifest);
        if let Some(expected) = self.reference.digest() {
            same(expected, &digest)?;
        }
        self.upload(component).await?;
        self.upload(stored.into()).await?;
        let ask = Ask::new(Method::PUT, self.manifest_url()?).header(header::CONTENT_TYPE, MANIFEST_TYPE);
        let answer = self.session.ask(&ask.body(manifest.into()), SHORT).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Err(self.no_repository());
        }
        match answer.header(&CONTENT_DIGEST).and_then(|digest| digest.parse().ok()) {
            Some(stored) => same(&digest, &stored).map(|()| digest),
            None => Ok(digest),
        }
    }

    async fn upload(&self, bytes: Bytes) -> Result<(), Error> {
        let digest = Digest::of(&bytes);
        let known = Ask::new(Method::HEAD, self.session.url(&format!("blobs/{digest}"))?);
        if self.session.ask(&known, SHORT).await?.status == StatusCode::OK {
            return Ok(());
        }
        let begin = Ask::new(Method::POST, self.session.url("blobs/uploads/")?);
        let answer = self.session.ask(&begin, SHORT).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Err(self.no_repository());
        }
        let mut url: Url = self.session.location(&answer, &begin.url)?;
        url.query_pairs_mut().append_pair("digest", digest.as_str());
        let send = Ask::new(Method::PUT, url).header(header::CONTENT_TYPE, BYTES).body(bytes);
        let answer = self.session.ask(&send, Bound { within: COMPONENT_WITHIN, ..SHORT }).await?;
        match answer.status {
            StatusCode::CREATED => Ok(()),
            status => Err(self.session.malformed(format!("an upload ended with {status}, not with 201"))),
        }
    }

    fn manifest_url(&self) -> Result<Url, Error> {
        self.session.url(&format!("manifests/{}", self.reference.version()))
    }

    fn no_repository(&self) -> Error {
        Error::NotFound(format!("repository {}/{}", self.session.registry(), self.reference.repository()))
    }
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Repository").field(&self.reference).finish()
    }
}

fn same(expected: &Digest, found: &Digest) -> Result<(), Error> {
    if expected == found {
        return Ok(());
    }
    Err(Error::Corrupt { expected: expected.to_string(), found: found.to_string() })
}
