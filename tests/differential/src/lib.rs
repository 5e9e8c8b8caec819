//! The same requests at a real kube-apiserver and at the embedded one, and what the answers differ in.
//!
//! `scripts/` holds the requests, one file for each topic; `recorded/` what a kube-apiserver answered; `known.yaml` the
//! differences that are wanted. [`play`] sends a script to a server, [`normalise`] takes out of the answers what differs
//! from run to run, [`compare`] finds what is left.

pub mod compare;
pub mod known;
pub mod normalise;
pub mod path;
pub mod play;
pub mod recording;
pub mod script;
pub mod server;
