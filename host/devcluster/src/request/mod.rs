//! What a request asks for: its path, its query, the representation it accepts and its body.

pub(crate) mod accept;
pub(crate) mod body;
pub(crate) mod path;
pub(crate) mod protobuf;
pub(crate) mod query;
