//! The one place where bytes become code that is run.
#![expect(unsafe_code, reason = "native code cannot be checked, so wasmtime leaves it to its caller to vouch for it")]

use std::path::Path;

use wasmtime::{Engine, component::Component};

/// Maps a file of [`Kept`](super::kept::Kept). One that was made by another version or with other settings is refused.
pub(super) fn map(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file was written by the compiler of this very program, into a directory that belongs to the user whom the
    // host runs as and that nobody else may enter (`Kept::open` refuses any other), and its content has the hash that its name
    // was given then (`Kept::find`). Files are replaced and removed there, never changed, so what is mapped stays as it is.
    // Whoever can break this is that user, who can do all that the host can.
    unsafe { Component::deserialize_file(engine, path) }
}
