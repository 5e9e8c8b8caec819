//! Changes of other objects that wake managed ones.

use capstan_api::ObjectKey;
use capstan_cluster::{Change, Selection};

use super::*;
use crate::Mapping;

fn config_maps() -> Selection {
    Selection::all(GroupVersionKind::gvk("", "v1", "ConfigMap"))
}

async fn mapped(mapping: Mapping) -> World {
    let world = World::with(Duration::ZERO, |config| config.mapped = vec![(config_maps(), mapping)]).await;
    world.settled("a", json!({})).await;
    world.settled("b", json!({})).await;
    world
}

#[tokio::test(start_paused = true)]
async fn the_owner_is_woken_and_the_former_one_when_it_changes() {
    let world = mapped(Mapping::Owner).await;
    let owned = |by: &str| json!({"metadata": {"ownerReferences": [{"uid": format!("uid-{by}")}]}});
    for (owner, woken) in [
        ("a", calls([("observe a", 1)])),
        ("b", calls([("observe a", 1), ("observe b", 1)])),
        ("another", calls([("observe b", 1)])),
    ] {
        world.server.apply("configmaps", "owned", &owned(owner));
        world.pass(100).await;
        assert_eq!(world.provider.calls(), woken, "{owner}");
    }
}

#[tokio::test(start_paused = true)]
async fn labels_names_and_whatever_one_likes_wake() {
    let world = mapped(Mapping::Label { name: "of".to_owned(), namespace: None }).await;
    world.server.apply("configmaps", "x", &json!({"metadata": {"labels": {"of": "b"}}}));
    world.pass(100).await;
    assert_eq!(world.provider.calls(), calls([("observe b", 1)]));

    let world = mapped(Mapping::Same).await;
    world.server.apply("configmaps", "a", &json!({"data": {"x": "1"}}));
    world.server.apply("configmaps", "nobody", &json!({"data": {"x": "1"}}));
    world.pass(100).await;
    assert_eq!(world.provider.calls(), calls([("observe a", 1)]));

    let both = |_: &Object| ["a", "b"].map(|name| ObjectKey::namespaced("ns", name)).to_vec();
    let world = mapped(Mapping::With(Arc::new(both))).await;
    world.server.apply("configmaps", "x", &json!({"data": {"x": "1"}}));
    world.pass(100).await;
    assert_eq!(world.provider.calls(), calls([("observe a", 1), ("observe b", 1)]));
}

/// An owner in no namespace has one key, whatever namespace the owned object is in.
#[tokio::test(start_paused = true)]
async fn row12_a_cluster_scoped_owner_has_one_key() {
    let world = World::start().await;
    let managed = world.watches.subscribe(config_maps());
    let object = |namespace: Option<&str>, owners: Value| {
        let metadata = json!({"name": "o", "namespace": namespace, "uid": "own", "resourceVersion": "1", "ownerReferences": owners});
        Object::from_value(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})).unwrap()
    };
    world.watches.remember(&object(None, json!([])));
    for namespace in ["one", "other"] {
        let change = Change::Deleted(object(Some(namespace), json!([{"uid": "own"}])));
        let keys: Vec<_> = Mapping::Owner.keys(&change, managed.store()).into_iter().collect();
        assert_eq!(keys, [ObjectKey::cluster("o")]);
    }
}
