//! A guest that misbehaves, in every way that the sandbox must bear.
//!
//! One component has all behaviours. Which one it shows stands in `spec.behaviour` of the object it is given, except in
//! `describe`, which sees no object: there it is written into the component itself, see [`describing`].
//!
//! The list of behaviours is a macro, so that the tests of the host can be made from it: a behaviour without a test does
//! not compile.

mod behaviour;
#[cfg(target_arch = "wasm32")]
mod guest;
mod marker;

pub use behaviour::Behaviour;
pub use marker::describing;
