//! A real Kubernetes control plane for tests: etcd, kube-apiserver and kube-controller-manager, unmodified, on the loopback
//! interface, with RBAC on.
//!
//! The programs are built from the Go modules that `go.mod` beside this crate pins, once per version, or taken from the directory
//! that `KUBEBUILDER_ASSETS` names. There are no nodes and no scheduler: a test plays the kubelet.
//!
//! ```no_run
//! use capstan_realcluster::{Programs, RealCluster};
//!
//! # fn main() -> anyhow::Result<()> {
//! let programs = Programs::find(std::path::Path::new("target"))?;
//! let cluster = RealCluster::start(&programs, &std::env::temp_dir().join("cluster"))?;
//! cluster.kubectl().args(["get", "namespaces"]).status()?;
//! # Ok(())
//! # }
//! ```

mod build;
mod cluster;
mod go;
mod process;
mod programs;
mod random;
mod state;
mod testing;

pub use build::build;
pub use cluster::RealCluster;
pub use go::Go;
pub use programs::{ASSETS, Missing, Programs, assets};
pub use random::free_port;
pub use state::end;
pub use testing::{REQUIRED, is_here, target};
