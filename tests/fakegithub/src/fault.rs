//! Failures on demand.

use std::time::Duration;

use http::Method;

/// What goes wrong.
#[derive(Clone, Debug)]
pub enum Failure {
    /// The answer is this status with GitHub's error body, or an HTML page for 502 and 503; nothing is done.
    Status(u16),
    /// The answer comes, but this much later.
    Slow(Duration),
    /// The connection ends without an answer, and nothing is done.
    Drop,
    /// The request is carried out, and the connection ends without an answer.
    DropAfter,
    /// A secondary rate limit with this `retry-after`, or with the message alone; nothing is done.
    SecondaryLimit(Option<Duration>),
    /// The answer is this page, with this media type, whatever was asked.
    Page(u16, &'static str, &'static str),
}

/// A failure and the requests that meet it.
#[derive(Clone, Debug)]
pub struct Fault {
    failure: Failure,
    method: Option<Method>,
    path: String,
    left: Option<u32>,
}

impl Fault {
    /// A failure of every request, until the faults are cleared.
    #[must_use]
    pub fn new(failure: Failure) -> Self {
        Self { failure, method: None, path: "/".to_owned(), left: None }
    }

    /// Only for requests of that method.
    #[must_use]
    pub fn on(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    /// Only for requests whose path (without the prefix) begins so.
    #[must_use]
    pub fn below(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Only so many times.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.left = Some(times);
        self
    }

    pub(crate) fn is_below(&self, path: &str) -> bool {
        self.path == path
    }

    fn meets(&self, method: &Method, path: &str) -> bool {
        self.left != Some(0)
            && self.method.as_ref().is_none_or(|wanted| wanted == method)
            && path.starts_with(&self.path)
    }
}

/// The failure of a request, of the first fault that meets it.
pub(crate) fn strike(faults: &mut Vec<Fault>, method: &Method, path: &str) -> Option<Failure> {
    let fault = faults.iter_mut().find(|fault| fault.meets(method, path))?;
    fault.left = fault.left.map(|left| left - 1);
    let failure = fault.failure.clone();
    faults.retain(|fault| fault.left != Some(0));
    Some(failure)
}
