//! What the host decides once for all providers.

use std::num::NonZeroU32;

use crate::CodeSettings;

/// Bounds of the sandbox as a whole. Those of one provider are a [`crate::Budget`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Instances that may live at the same time. A reconcile that finds none free waits, within its own deadline.
    pub concurrency: NonZeroU32,
    /// Bytes that a component may have.
    pub component_size: usize,
    /// Where compiled code is kept, and who compiles; without it, memory and this process.
    pub code: Option<CodeSettings>,
}

/// Enough to keep a few dozen provider calls waiting for the API server while two or four run; each costs address space
/// and one fiber stack.
const CONCURRENCY: NonZeroU32 = NonZeroU32::new(32).unwrap();

/// Compiling is outside of what wasmtime promises to bound, and grows with the code, which is bounded function by function too. Guests
/// in Rust, C and JavaScript are far below; one in Python has 19 MB before it does anything, two thirds of them the memory it begins with.
const COMPONENT_SIZE: usize = 32 << 20;

impl Default for Settings {
    fn default() -> Self {
        Self { concurrency: CONCURRENCY, component_size: COMPONENT_SIZE, code: None }
    }
}
