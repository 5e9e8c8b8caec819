//! The fake from outside.
#![allow(clippy::needless_pass_by_value, reason = "json! makes values, and nobody needs them again")]

mod apps;
mod client;
mod foreign;
mod journeys;
mod limits;
mod recordings;
mod teams;
