//! Rounds as a provider would make them, without any.

use std::collections::HashMap;

use capstan_api::{GroupVersionKind, ObjectKey};

use super::*;
use crate::{Read, Seen};

/// An autoscaler as one version of its kind names it.
fn scaler(version: &str, name: &str) -> ObjectRef {
    let kind = GroupVersionKind::gvk("autoscaling", version, "HorizontalPodAutoscaler");
    ObjectRef { kind, key: ObjectKey::namespaced("ns", name) }
}

fn writer(name: &str) -> Arc<Writer> {
    let kind = GroupVersionKind::gvk("krateo.io", "v1alpha1", "Patch");
    Arc::new(Writer::new("patch", ObjectRef { kind, key: ObjectKey::cluster(name) }))
}

/// Hosts and the version that the API server gave out last.
#[derive(Default)]
struct World {
    loops: Loops,
    version: u64,
}

impl World {
    /// Each read sees the newest; what is written is new each time.
    fn round(&mut self, writer: &Arc<Writer>, reads: &[Read], target: &ObjectRef) -> Option<Loop> {
        self.round_with(writer, reads, target, |_, _| {})
    }

    /// One in which something happens after the write.
    fn round_with(
        &mut self,
        writer: &Arc<Writer>,
        reads: &[Read],
        target: &ObjectRef,
        then: impl FnOnce(&mut Self, &Reads),
    ) -> Option<Loop> {
        let round = Reads::of(self.loops.clone(), Arc::clone(writer));
        for read in reads {
            round.record(read.clone());
            if let Read::Object(target) = read {
                round.saw(target, Seen::Version(self.version.to_string().into()));
            }
        }
        self.version += 1;
        round.wrote(target, &self.version.to_string(), self.version);
        then(self, &round);
        self.loops.judge(writer, Edition { uid: "u", generation: Some(1) }, &round)
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_object_writes_through_one_version_and_reads_through_another_is_a_circle() {
    let (mut world, writer) = (World::default(), writer("p"));
    let [read, target] = ["v2", "v1"].map(|version| scaler(version, "h"));
    let reads = [Read::Object(read), Read::Object(target.clone())];
    // The first one has news from elsewhere.
    for round in 0..ROUNDS {
        assert_eq!(world.round(&writer, &reads, &target), None, "{round}");
    }
    let found = world.round(&writer, &reads, &target).unwrap();
    assert!(found.is_new && found.message.contains("HorizontalPodAutoscaler ns/h"), "{}", found.message);
    assert!(found.message.contains("through nobody else"), "{}", found.message);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_writes_between_is_news_in_every_version() {
    let (mut world, writer) = (World::default(), writer("p"));
    let [read, target] = ["v2", "v1"].map(|version| scaler(version, "h"));
    let reads = [Read::Object(read)];
    for round in 0..3 * ROUNDS {
        world.version += 1;
        assert_eq!(world.round(&writer, &reads, &target), None, "{round}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_that_feed_each_other_through_other_versions_are_named() {
    let list = Read::List { kind: scaler("v2", "").kind, namespace: Some("ns".to_owned()), labels: None };
    for reads in [[Read::Object(scaler("v2", "s")), Read::Object(scaler("v2", "t"))], [list.clone(), list]] {
        let (mut world, a, b) = (World::default(), writer("a"), writer("b"));
        let mut found = Vec::new();
        for _ in 0..=ROUNDS {
            tokio::time::advance(Duration::from_millis(1)).await;
            found.extend(world.round(&a, &reads[..1], &scaler("v1", "t")));
            tokio::time::advance(Duration::from_millis(1)).await;
            found.extend(world.round(&b, &reads[1..], &scaler("v1", "s")));
        }
        let first = found.first().unwrap_or_else(|| panic!("nobody is found: {reads:?}"));
        assert!(first.message.contains("through Patch a (provider patch)"), "{}", first.message);
    }
}

/// Reads an object once more.
fn read_back(world: &World, round: &Reads, target: &ObjectRef) {
    round.record(Read::Object(target.clone()));
    round.saw(target, Seen::Version(world.version.to_string().into()));
}

#[tokio::test(start_paused = true)]
async fn what_is_read_back_in_any_version_does_not_hide_a_circle() {
    for version in ["v1", "v2"] {
        let (mut world, a, b) = (World::default(), writer("a"), writer("b"));
        let [from_b, from_a] = ["s", "t"].map(|name| [Read::Object(scaler("v1", name))]);
        let mut found = Vec::new();
        for _ in 0..=ROUNDS {
            tokio::time::advance(Duration::from_millis(1)).await;
            found.extend(world.round_with(&a, &from_b, &scaler("v1", "t"), |world, round| {
                read_back(world, round, &scaler(version, "t"));
            }));
            tokio::time::advance(Duration::from_millis(1)).await;
            found.extend(world.round(&b, &from_a, &scaler("v1", "s")));
        }
        let first = found.first().unwrap_or_else(|| panic!("nobody is found: {version}"));
        assert!(first.message.contains("(provider patch)"), "{}", first.message);
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_made_of_a_write_is_news_when_it_is_read_back() {
    let (mut world, writer) = (World::default(), writer("p"));
    let (read, target) = ([Read::Object(scaler("v2", "h"))], scaler("v1", "h"));
    for round in 0..3 * ROUNDS {
        let found = world.round_with(&writer, &read, &target, |world, round| {
            world.version += 1;
            read_back(world, round, &scaler("v2", "h"));
        });
        assert_eq!(found, None, "{round}");
    }
}

#[test]
fn what_was_there_before_a_write_is_known_whatever_version_it_was_read_in() {
    let seen = |version: &str| Seen::Version(version.into());
    let [one, two] = ["v1", "v2"].map(|version| scaler(version, "h"));
    let of = |target: &ObjectRef| Read::Object(target.clone());
    let reads = Reads::default();
    reads.record(of(&two));
    reads.saw(&two, seen("5"));
    reads.wrote(&one, "6", 0);
    reads.saw(&two, seen("6"));
    assert_eq!(reads.round().before, HashMap::from([(of(&two), seen("5"))]));
    reads.saw(&two, seen("7"));
    reads.wrote(&one, "8", 0);
    reads.record(of(&one));
    reads.saw(&one, seen("8"));
    assert_eq!(reads.round().before, HashMap::from([(of(&one), seen("7")), (of(&two), seen("7"))]));
    for (foreign, stale) in [(seen("7"), seen("5")), (seen("7"), Seen::Absent), (Seen::Absent, seen("5"))] {
        let reads = Reads::default();
        reads.record(of(&one));
        reads.record(of(&two));
        reads.saw(&two, stale.clone());
        reads.wrote(&one, "6", 0);
        reads.saw(&one, foreign.clone());
        for version in ["8", "9"] {
            reads.wrote(&one, version, 0);
            let before = HashMap::from([(of(&one), foreign.clone()), (of(&two), stale.clone())]);
            assert_eq!(reads.round().before, before, "after {version}");
        }
        reads.saw(&two, seen("4"));
        reads.wrote(&one, "10", 0);
        assert_eq!(reads.round().before[&of(&one)], foreign, "a cache that lags behind shows nothing new");
    }
    let blind = Reads::default();
    blind.wrote(&one, "6", 0);
    blind.record(of(&one));
    blind.saw(&one, seen("6"));
    assert!(blind.round().before.is_empty(), "its own write, and nothing else");
}
