//! What the tests of the sandbox share.

pub(crate) mod api;
pub(crate) mod component;
