//! Manages what is at GitHub: repositories and who works in them.
//!
//! * [`client`]: GitHub's API: addresses, pages, redirects, errors, over a transport that somebody else provides;
//! * [`role`]: what people and teams may do, by all the names that GitHub has for it;
//! * [`spec`]: what all kinds say alike;
//! * [`kinds`]: what each kind says, and how it is looked at and changed.
//!
//! Nothing here knows how requests are sent or where a token comes from: [`client::Http`] stands for that.

pub mod client;
pub mod kinds;
pub mod role;
pub mod spec;
