//! Who holds a lease.

use std::fmt;

/// Names one membership of one process: whoever lost it and joins again is somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    text: String,
    suffix: String,
}

impl Identity {
    /// The pod's name, for people, and a random suffix: a container that was started again in the same pod must not take the
    /// leases of its predecessor, whose last writes may still be under way, for its own.
    #[must_use]
    pub fn of_pod(name: &str) -> Self {
        Self::new(name, rand::random())
    }

    pub(super) fn new(name: &str, random: u64) -> Self {
        let suffix = format!("{random:016x}");
        Self { text: format!("{name}_{suffix}"), suffix }
    }

    /// As it stands in `holderIdentity`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name of the Lease that stands for it.
    pub(super) fn lease_name(&self) -> String {
        format!("capstan-member-{}", self.suffix)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
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
        assert_ne!(one.lease_name(), other.lease_name());
    }
}
