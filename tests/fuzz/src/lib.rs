//! Fuzz targets: what takes the bytes and texts of strangers is given anything at all, and has to keep its word about it.
//!
//! A [`Target`] takes bytes and panics if something is not as it has to be. Each checks more than that nothing panics: that
//! what was accepted means one thing only, that what is refused stays refused however it is written, that nothing is lost.
//!
//! `cargo test` runs all of them for some seconds, on the inputs under `corpus/` and on thousands that are made of these,
//! the same ones every time. `cargo xtask fuzz` runs one for as long as one likes, led by the ways that the code takes.

mod corpus;
mod target;
mod targets;

pub use corpus::Corpus;
pub use target::Target;
