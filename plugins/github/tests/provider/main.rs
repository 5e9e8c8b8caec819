//! The kinds against a fake of GitHub, over real connections. No request of theirs may be one that GitHub does not describe.
#![allow(clippy::needless_pass_by_value, reason = "json! makes values, and nobody needs them again")]

mod adoption;
mod archive;
mod branch_protection;
mod client;
mod collaborator;
mod cost;
mod definition;
mod deletion;
mod events;
mod host;
mod renames;
mod repo;
mod repo_file;
mod stage;
mod team_repo;
mod teams;
mod trouble;
mod webhook;
