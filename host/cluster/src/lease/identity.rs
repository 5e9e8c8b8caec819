//! Who holds a lease.

use std::fmt;

/// Names one process among all that want the same lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity(String);

impl Identity {
    /// The pod's name, for people, and a random suffix: a container that was started again in the same pod must not take the
    /// lease of its predecessor, whose last writes may still be under way, for its own.
    #[must_use]
    pub fn of_pod(name: &str) -> Self {
        Self(format!("{name}_{:016x}", rand::random::<u64>()))
    }

    /// As it stands in `holderIdentity`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_processes_of_one_pod_differ() {
        let (one, other) = (Identity::of_pod("capstan-0"), Identity::of_pod("capstan-0"));
        assert!(one.as_str().starts_with("capstan-0_"));
        assert_ne!(one, other);
    }
}
