//! What is counted of looks at registries.

use std::collections::BTreeSet;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

/// Counts looks at registries, of all providers. Cheap to clone; all clones count together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pulls(Family<Labels, Counter>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    provider: String,
    outcome: &'static str,
}

/// Those of one provider. What is told of it goes with this.
pub(crate) struct OfProvider {
    all: Pulls,
    provider: String,
    outcomes: BTreeSet<&'static str>,
}

impl Pulls {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let own = registry.sub_registry_with_prefix("capstan");
        own.register("provider_pulls", "Looks at registries by what came of them", self.0.clone());
    }

    pub(crate) fn of(&self, provider: &str) -> OfProvider {
        OfProvider { all: self.clone(), provider: provider.to_owned(), outcomes: BTreeSet::new() }
    }
}

impl OfProvider {
    /// `outcome`: one of few words.
    pub(crate) fn count(&mut self, outcome: &'static str) {
        self.outcomes.insert(outcome);
        self.all.0.get_or_create(&Labels { provider: self.provider.clone(), outcome }).inc();
    }
}

impl Drop for OfProvider {
    fn drop(&mut self) {
        for outcome in &self.outcomes {
            self.all.0.remove(&Labels { provider: self.provider.clone(), outcome });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(registry: &Registry) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, registry).unwrap();
        text
    }

    #[test]
    fn what_is_told_of_a_provider_goes_with_it() {
        let pulls = Pulls::default();
        let mut registry = Registry::default();
        pulls.register(&mut registry);
        let mut note = pulls.of("note");
        note.count("pulled");
        note.count("unchanged");
        note.count("unchanged");
        let said = told(&registry);
        assert!(said.contains(r#"capstan_provider_pulls_total{provider="note",outcome="unchanged"} 2"#), "{said}");
        drop(note);
        assert!(!told(&registry).contains("note"));
    }
}
