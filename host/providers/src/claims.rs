//! Each kind has one provider. The first claim wins.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use capstan_api::GroupVersionKind;

use crate::ProviderError;

/// Group and kind: versions are views of the same objects.
type Kind = (String, String);

#[derive(Debug, Default)]
pub(crate) struct Claims(Mutex<HashMap<Kind, String>>);

impl Claims {
    /// All of `kinds` or none of them.
    pub(crate) fn claim<'a>(
        &self,
        provider: &str,
        kinds: impl Iterator<Item = &'a GroupVersionKind> + Clone,
    ) -> Result<(), ProviderError> {
        let mut claims = self.lock();
        for kind in kinds.clone() {
            if let Some(other) = claims.get(&named(kind)).filter(|other| *other != provider) {
                return Err(ProviderError::Conflict(format!(
                    "kind {} of group {} belongs to provider {other}: remove one of the two providers",
                    kind.kind, kind.group
                )));
            }
        }
        claims.extend(kinds.map(|kind| (named(kind), provider.to_owned())));
        Ok(())
    }

    /// Gives up every claim of a provider except those to `kinds`.
    pub(crate) fn keep<'a>(&self, provider: &str, kinds: impl Iterator<Item = &'a GroupVersionKind>) {
        let kept: Vec<Kind> = kinds.map(named).collect();
        self.lock().retain(|kind, owner| owner != provider || kept.contains(kind));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Kind, String>> {
        // Entries are independent of each other.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn named(kind: &GroupVersionKind) -> Kind {
    (kind.group.clone(), kind.kind.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_claim_wins_until_it_is_given_up() {
        let claims = Claims::default();
        let (note, other) = (GroupVersionKind::gvk("g", "v1", "Note"), GroupVersionKind::gvk("g", "v1", "Other"));
        claims.claim("one", [&note].into_iter()).unwrap();
        claims.claim("one", [&note].into_iter()).unwrap();
        let newer = GroupVersionKind::gvk("g", "v2", "Note");
        let error = claims.claim("two", [&other, &newer].into_iter()).unwrap_err();
        assert!(error.to_string().contains("provider one"), "{error}");
        // A refused claim takes nothing.
        claims.claim("three", [&other].into_iter()).unwrap();
        claims.keep("one", std::iter::empty());
        claims.claim("two", [&newer].into_iter()).unwrap();
    }
}
