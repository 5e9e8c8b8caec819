//! Which replica is to run a provider: rendezvous hashing, so that all replicas find the same answer without asking each
//! other, and a replica that comes or goes moves no provider but its own.

use std::cmp::Reverse;

use sha2::{Digest, Sha256};

/// The replicas in the order in which they are to have the provider: the next one steps in if the first does not take it.
/// The order is the same in every build of the host, as two of them may run during an update.
pub(super) fn order<'a>(provider: &str, replicas: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut order: Vec<&str> = replicas.into_iter().collect();
    order.sort_by_cached_key(|replica| (Reverse(score(provider, replica)), *replica));
    order
}

/// The provider's name has no slash, so that two pairs never read the same.
fn score(provider: &str, replica: &str) -> [u8; 32] {
    Sha256::new().chain_update(provider).chain_update("/").chain_update(replica).finalize().into()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn providers() -> Vec<String> {
        (0..1_000).map(|number| format!("provider-{number}")).collect()
    }

    fn owners(replicas: &[&str]) -> HashMap<String, String> {
        let owner = |name: &String| order(name, replicas.iter().copied())[0].to_owned();
        providers().into_iter().map(|name| (name.clone(), owner(&name))).collect()
    }

    #[test]
    fn a_replica_that_comes_or_goes_moves_only_its_own() {
        let (two, three) = (owners(&["a", "b"]), owners(&["a", "b", "c"]));
        let moved: Vec<_> = providers().into_iter().filter(|name| two[name] != three[name]).collect();
        assert!(moved.iter().all(|name| three[name] == "c"), "nothing moves between those who stay");
        assert!((250..420).contains(&moved.len()), "about a third: {}", moved.len());
    }

    #[test]
    fn the_work_is_shared_about_evenly() {
        let owners = owners(&["a", "b", "c", "d"]);
        for replica in ["a", "b", "c", "d"] {
            let share = owners.values().filter(|owner| *owner == replica).count();
            assert!((200..300).contains(&share), "{replica}: {share}");
        }
    }

    #[test]
    fn the_order_is_that_of_every_build() {
        // Two versions of the host run side by side during an update: they must agree.
        assert_eq!(order("patch", ["a", "b", "c"]), order("patch", ["c", "a", "b"]));
        assert_eq!(order("patch", ["a", "b", "c"]), ["a", "b", "c"]);
    }
}
