//! A real registry for tests: CNCF Distribution, unmodified, on the loopback interface.
//!
//! The program is built from the Go module that `go.mod` beside this crate pins, once per version, below cargo's target directory.
//!
//! ```no_run
//! use capstan_registry::{Registry, Setup};
//!
//! # fn main() -> anyhow::Result<()> {
//! let registry = Registry::start(&std::env::temp_dir().join("registry"), &Setup::default())?;
//! println!("push to {}/name:tag", registry.address());
//! # Ok(())
//! # }
//! ```

mod program;
mod registry;

pub use program::{REQUIRED, build, find, is_here};
pub use registry::{PASSWORD, Registry, Setup, USER};
