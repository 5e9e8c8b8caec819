//! The kinds against a fake of GitHub, over real connections. No request of theirs may be one that GitHub does not describe.

mod collaborator;
mod definition;
mod repo;
mod stage;
mod team_repo;
mod teams;
mod trouble;
