//! `ConfigMap`s of the host's own namespace with the label `capstan.dev/provider: NAME`.
//!
//! Write access to that namespace is the right to give grants; the label means nothing anywhere else.

use std::{collections::HashMap, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use capstan_api::{GroupVersionKind, ObjectKey, ObjectRef, keys};
use capstan_cluster::{Change, Object, Selection, Watches};
use serde::Deserialize;
use tokio::sync::mpsc;

use super::{Delivery, Found, Listing, Place};
use crate::artifact::{Artifact, ArtifactError, Origin, check_name, unpack};

const PLAIN: &str = "provider.wasm";
/// The key under `binaryData` of a component packed with gzip.
pub const PACKED: &str = "provider.wasm.gz";
/// The key under `data` of the grants file.
pub const GRANTS: &str = "grants.yaml";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Carrier {
    #[serde(default)]
    data: HashMap<String, String>,
    #[serde(default)]
    binary_data: HashMap<String, String>,
}

/// Follows the labelled `ConfigMap`s of `namespace` until the receiver is gone.
pub(crate) async fn follow(watches: Watches, namespace: String, deliveries: mpsc::Sender<Delivery>) {
    let mut changes = watches.subscribe(labelled(&namespace));
    while let Some(change) = changes.next().await {
        let delivery = match change {
            Change::Synced => Delivery::Listed(Listing::ConfigMaps),
            Change::Applied { new, .. } => found(&new),
            Change::Deleted(object) => Delivery::Gone(Place::Labelled(object.key().name.clone())),
        };
        if deliveries.send(delivery).await.is_err() {
            return;
        }
    }
}

/// Follows the one `ConfigMap` that a `Provider` names, labelled or not.
pub(crate) async fn follow_one(watches: Watches, namespace: String, name: String, deliveries: mpsc::Sender<Delivery>) {
    let mut changes = watches.subscribe(Selection::one(&ObjectRef {
        kind: GroupVersionKind::gvk("", "v1", "ConfigMap"),
        key: ObjectKey::namespaced(&namespace, &name),
    }));
    let place = Place::Named(name);
    let mut is_there = false;
    while let Some(change) = changes.next().await {
        let delivery = match change {
            Change::Applied { new, .. } => {
                is_there = true;
                let origin = origin(&new);
                let artifact = read(&new, &origin);
                Delivery::Found(place.clone(), Box::new(Found { provider: None, origin, artifact }))
            }
            Change::Synced if is_there => continue,
            Change::Synced | Change::Deleted(_) => Delivery::Gone(place.clone()),
        };
        if deliveries.send(delivery).await.is_err() {
            return;
        }
    }
}

/// Those that carry a provider by their label.
#[must_use]
pub fn labelled(namespace: &str) -> Selection {
    Selection {
        kind: GroupVersionKind::gvk("", "v1", "ConfigMap"),
        namespace: Some(namespace.to_owned()),
        labels: Some(keys::PROVIDER_LABEL.to_owned()),
        name: None,
    }
}

fn origin(object: &Object) -> Origin {
    Origin::ConfigMap { object: object.reference(), uid: object.uid().to_owned() }
}

fn found(object: &Object) -> Delivery {
    let origin = origin(object);
    let name = object.labels().get(keys::PROVIDER_LABEL).cloned().unwrap_or_default();
    let artifact = check_name(&name).and_then(|()| read(object, &origin));
    let found = Found { provider: Some(name), origin, artifact };
    Delivery::Found(Place::Labelled(object.key().name.clone()), Box::new(found))
}

fn read(object: &Object, origin: &Origin) -> Result<Artifact, ArtifactError> {
    let unreadable = |key: &str, message: String| ArtifactError::Unreadable { key: key.to_owned(), message };
    let carrier: Carrier =
        serde_json::from_str(object.json()).map_err(|error| unreadable("the ConfigMap", error.to_string()))?;
    let decode = |key: &str, text: &str| STANDARD.decode(text).map_err(|error| unreadable(key, error.to_string()));
    let component = match (carrier.binary_data.get(PLAIN), carrier.binary_data.get(PACKED)) {
        (Some(_), Some(_)) => return Err(ArtifactError::TwoComponents),
        (None, None) => return Err(ArtifactError::NoComponent),
        (Some(plain), None) => decode(PLAIN, plain)?,
        (None, Some(packed)) => unpack(PACKED, &decode(PACKED, packed)?)?,
    };
    Ok(Artifact {
        component: component.into(),
        grants: carrier.data.get(GRANTS).map_or_else(|| Arc::from(""), |text| Arc::from(text.as_str())),
        origin: origin.clone(),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use serde_json::{Value, json};

    use super::*;
    use crate::MAX_COMPONENT_BYTES;

    fn config_map(label: &str, binary: &Value) -> Object {
        Object::from_value(json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": "carrier", "namespace": "capstan-system", "uid": "u", "resourceVersion": "1",
                "labels": {keys::PROVIDER_LABEL: label},
            },
            "data": {GRANTS: "kubernetes: []"},
            "binaryData": binary,
        }))
        .unwrap()
    }

    fn found_in(label: &str, binary: &Value) -> (Option<String>, Result<Artifact, ArtifactError>) {
        let Delivery::Found(place, found) = found(&config_map(label, binary)) else { panic!("nothing found") };
        assert_eq!(place, Place::Labelled("carrier".to_owned()));
        (found.provider, found.artifact)
    }

    fn packed(bytes: &[u8]) -> String {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        STANDARD.encode(encoder.finish().unwrap())
    }

    #[test]
    fn plain_and_packed_components_are_read() {
        for binary in [json!({PLAIN: STANDARD.encode(b"wasm")}), json!({PACKED: packed(b"wasm")})] {
            let (name, artifact) = found_in("patch", &binary);
            let artifact = artifact.unwrap();
            assert_eq!(
                (name.as_deref(), &*artifact.component, &*artifact.grants),
                (Some("patch"), &b"wasm"[..], "kubernetes: []")
            );
        }
    }

    #[test]
    fn what_cannot_be_a_provider_is_broken_and_says_why() {
        let both = json!({PLAIN: "", PACKED: ""});
        let bomb = json!({PACKED: packed(&vec![0; usize::try_from(MAX_COMPONENT_BYTES).unwrap() + 1])});
        for (label, binary, expected) in [
            ("patch", json!({}), ArtifactError::NoComponent),
            ("patch", both, ArtifactError::TwoComponents),
            ("patch", bomb, ArtifactError::TooLarge),
            ("Not A Name", json!({PLAIN: ""}), ArtifactError::Name("Not A Name".to_owned())),
        ] {
            assert_eq!(found_in(label, &binary).1, Err(expected));
        }
        let (_, artifact) = found_in("patch", &json!({PACKED: STANDARD.encode(b"no gzip")}));
        assert!(matches!(artifact, Err(ArtifactError::Unreadable { .. })));
    }
}
