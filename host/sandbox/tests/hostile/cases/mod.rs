//! What becomes of each behaviour.

mod answers;
mod calls;
mod objects;
mod outside;
mod surroundings;

pub(crate) use self::{answers::*, calls::*, objects::*, outside::*, surroundings::*};
