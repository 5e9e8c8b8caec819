//! The fake from outside.

mod apps;
mod client;
mod foreign;
mod journeys;
mod limits;
mod recordings;
