//! Manages what is at GitHub: repositories, who works in them, their rules and files.
//!
//! This crate is the provider's component for WebAssembly, and the library it is made of, which runs natively in tests:
//!
//! * [`client`]: GitHub's API: addresses, pages, redirects, errors, over a transport that somebody else provides;
//! * [`role`]: what people and teams may do, by all the names that GitHub has for it;
//! * [`spec`]: what all kinds say alike;
//! * [`kinds`]: what each kind says, and how it is looked at and changed;
//! * [`config`] and [`events`]: what the administrator says, and what users are told;
//! * [`provider`]: all of it under the host, which sends the requests and holds the credentials.

mod archive;
mod connect;

pub mod client;
pub mod config;
pub mod events;
pub mod history;
pub mod kinds;
pub mod provider;
pub mod role;
pub mod spec;

capstan_sdk::export! {
    name: "github",
    version: env!("CARGO_PKG_VERSION"),
    needs: "needs.yaml",
    config: "config.schema.yaml",
    kinds: [
        kinds::repo::Repo,
        kinds::collaborator::Collaborator,
        kinds::team_repo::TeamRepo,
        kinds::team::Team,
        kinds::team_membership::TeamMembership,
        kinds::branch_protection::BranchProtection,
        kinds::repo_file::RepoFile,
        kinds::webhook::Webhook,
    ],
}
