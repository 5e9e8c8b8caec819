//! The kinds. Each has `observe`, `create`, `update` and `delete` as the lifecycle calls them, over a
//! [`GitHub`](crate::client::GitHub); none keeps anything from one reconcile to the next.

pub mod branch_protection;
pub mod collaborator;
pub mod repo;
pub mod repo_file;
pub mod team;
pub mod team_membership;
pub mod team_repo;
pub mod webhook;
