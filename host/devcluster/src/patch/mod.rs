//! The patch formats that are a function of an object and a document. Server-side apply is in `apply`.

pub(crate) mod json_patch;
pub(crate) mod merge;
pub(crate) mod strategic;
