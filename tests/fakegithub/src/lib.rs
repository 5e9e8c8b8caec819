//! A stateful fake of GitHub's REST API for tests, checked against GitHub's own description of it.
//!
//! [`Fake::start`] serves it on a loopback port. A test fills it through [`Fake::seed`], lets the client under test work, and
//! reads what happened from [`Fake::exchanges`] and, above all, [`Fake::violations`]: every request and every answer is held
//! against the `OpenAPI` description that GitHub publishes, and what that does not allow is listed there.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use capstan_fakegithub::{Fake, Settings};
//!
//! let fake = Fake::start(Settings::default()).await.unwrap();
//! let seed = fake.seed();
//! seed.organization("acme");
//! seed.user("anna");
//! seed.owner("acme", "anna");
//! let token = seed.token("anna");
//! // ... a client works on fake.url() with the token ...
//! # let _ = token;
//! assert!(fake.violations().is_empty());
//! # }
//! ```
//!
//! It is not a mirror of any client: it knows quotas, `ETag`s, pages, invitations, names that lead to renamed repositories, what
//! is private and to whom, repositories that show only some time after they were created, and failures of every sort
//! ([`Fault`]). Its time is a [`Clock`] that tests put forward, so that a day passes in seconds.

// GitHub's objects have that many members.
#![recursion_limit = "256"]

mod answer;
mod auth;
mod clock;
mod description;
mod etag;
mod fake;
mod fault;
mod page;
mod pipeline;
mod quota;
mod record;
mod render;
mod request;
mod routes;
mod seed;
mod server;
mod settings;
mod state;

pub use self::{
    clock::Clock,
    fake::Fake,
    fault::{Failure, Fault},
    record::{Exchange, Side, Violation},
    seed::{APP_KEY, Seed},
    settings::Settings,
};
