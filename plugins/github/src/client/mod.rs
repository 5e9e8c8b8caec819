//! GitHub's API, as far as all kinds need it.

mod base;
mod error;
mod link;
mod transport;

use capstan_sdk::Value;

pub use self::{
    base::{Base, Path},
    error::{ApiError, Error},
    transport::{Http, Method, Request, Response, TransportError},
};

/// The version of the API whose answers this code was written for.
const VERSION: &str = "2022-11-28";
const JSON: &str = "application/vnd.github+json";
/// Redirects that are followed for one request. A rename and a transfer make two.
const REDIRECTS: usize = 3;
/// GitHub's largest page.
const PAGE_SIZE: &str = "100";
/// Pages that are read of one list: ten thousand items. A list that goes on is an error and not a short list.
const PAGES: usize = 100;

/// GitHub's API at one address.
pub struct GitHub {
    http: Box<dyn Http>,
    base: Base,
}

/// An answer that is no error.
#[derive(Clone, Debug)]
pub struct Answer {
    /// 200 to 299.
    pub status: u16,
    /// The body; null if there is none.
    pub body: Value,
    link: Option<String>,
}

impl GitHub {
    /// A client for the API at `base`, whose requests `http` sends and authenticates.
    #[must_use]
    pub fn new(base: Base, http: Box<dyn Http>) -> Self {
        Self { http, base }
    }

    /// Whether an address, as GitHub shows them, is one of this API.
    #[must_use]
    pub fn has(&self, url: &str) -> bool {
        self.base.has(url)
    }

    /// Reads something; none if GitHub says 404, which it also says of what the token may not see.
    pub fn find(&self, path: &Path) -> Result<Option<Value>, Error> {
        self.find_as(path, JSON)
    }

    /// As [`Self::find`], in another media type.
    pub fn find_as(&self, path: &Path, accept: &str) -> Result<Option<Value>, Error> {
        match self.send(Method::Get, &self.base.url(path), accept, None, false) {
            Ok(answer) => Ok(Some(answer.body)),
            Err(error) if error.status() == Some(404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads a list to its end: all pages. `list` takes the items out of one page's body.
    pub fn list(&self, path: &Path, list: impl Fn(Value) -> Vec<Value>) -> Result<Vec<Value>, Error> {
        let mut url = self.base.url(&path.clone().query("per_page", PAGE_SIZE));
        let mut items = Vec::new();
        for _ in 0..PAGES {
            let answer = self.send(Method::Get, &url, JSON, None, false)?;
            items.extend(list(answer.body));
            match answer.link.as_deref().and_then(link::next) {
                Some(next) => url = self.base.same(&next)?,
                None => return Ok(items),
            }
        }
        Err(Error::Unexpected(format!("the list at {path} does not end")))
    }

    /// Changes something.
    pub fn change(&self, method: Method, path: &Path, body: Option<&Value>) -> Result<Answer, Error> {
        self.send(method, &self.base.url(path), JSON, body, false)
    }

    /// Changes something, with a body that has `null` where whoever sends it is to put the secret.
    pub fn change_with_secret(&self, method: Method, path: &Path, body: &Value) -> Result<Answer, Error> {
        self.send(method, &self.base.url(path), JSON, Some(body), true)
    }

    /// Removes something; what is not there is removed already.
    pub fn remove(&self, path: &Path, body: Option<&Value>) -> Result<(), Error> {
        match self.change(Method::Delete, path, body) {
            Err(error) if error.status() != Some(404) => Err(error),
            _ => Ok(()),
        }
    }

    fn send(
        &self,
        method: Method,
        url: &str,
        accept: &str,
        body: Option<&Value>,
        with_secret: bool,
    ) -> Result<Answer, Error> {
        let mut headers = vec![("accept", accept.to_owned()), ("x-github-api-version", VERSION.to_owned())];
        if body.is_some() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        let body = body.map(|body| body.to_string().into_bytes());
        let mut request = Request { method, url: url.to_owned(), headers, body, with_secret };
        for _ in 0..=REDIRECTS {
            let response = self.http.send(&request)?;
            match response.status {
                200..=299 => return Answer::of(&response),
                // A renamed or transferred thing answers at its new address. 301 changes no method of ours: it is for reads.
                301 | 302 | 307 | 308 => {
                    let mut target = self.base.same(response.header("location").unwrap_or_default())?;
                    // It is the same question there: without the branch that it names it would be about another file.
                    if let (Some((_, query)), false) = (request.url.split_once('?'), target.contains('?')) {
                        target = format!("{target}?{query}");
                    }
                    request.url = target;
                }
                _ => return Err(ApiError::of(&request, &response, self.http.now()).into()),
            }
        }
        Err(Error::Unexpected(format!("{} leads from one address to the next without end", self.base.shown(url))))
    }
}

impl Answer {
    fn of(response: &Response) -> Result<Self, Error> {
        let body = if response.body.is_empty() {
            Value::Null
        } else {
            let text = "the answer is no JSON: something between here and GitHub may have answered in its place";
            capstan_sdk::serde_json::from_slice(&response.body)
                .map_err(|error| Error::Unexpected(format!("{text} ({error})")))?
        };
        Ok(Self { status: response.status, body, link: response.header("link").map(str::to_owned) })
    }
}
