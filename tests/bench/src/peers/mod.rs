//! What Capstan is compared with: the same logic without a sandbox, and kube-rs.

mod kube_rs;
mod native;

pub(crate) use kube_rs::{controller, follow};
pub(crate) use native::Native;
