//! What the tests of the sandbox share.

#![allow(dead_code, reason = "each of them uses its own part")]

pub(crate) mod api;
pub(crate) mod component;
pub(crate) mod scene;
pub(crate) mod server;
