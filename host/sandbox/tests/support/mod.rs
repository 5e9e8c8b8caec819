//! What the tests of the sandbox share.

pub mod api;
pub mod component;
