//! `ConfigMap`s of the host's own namespace with the label `capstan.dev/provider: NAME`.
//!
//! Write access to that namespace is the right to give grants; the label means nothing anywhere else.

use std::{collections::HashMap, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use capstan_api::{GroupVersionKind, ObjectKey, keys};
use capstan_cluster::{Change, Object, Selection, Watches};
use serde::Deserialize;
use tokio::sync::mpsc;

use super::{Content, Delivery};
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
    let mut changes = watches.subscribe(Selection {
        kind: GroupVersionKind::gvk("", "v1", "ConfigMap"),
        namespace: Some(namespace),
        labels: Some(keys::PROVIDER_LABEL.to_owned()),
        name: None,
    });
    // The label may be changed to another name; the old one is gone then.
    let mut names: HashMap<ObjectKey, String> = HashMap::new();
    while let Some(change) = changes.next().await {
        for delivery in deliveries_of(change, &mut names) {
            if deliveries.send(delivery).await.is_err() {
                return;
            }
        }
    }
}

fn deliveries_of(change: Change, names: &mut HashMap<ObjectKey, String>) -> Vec<Delivery> {
    let (object, current) = match change {
        Change::Synced => return Vec::new(),
        Change::Applied { new, .. } => {
            let name = new.labels().get(keys::PROVIDER_LABEL).cloned();
            (new, name)
        }
        Change::Deleted(object) => (object, None),
    };
    let origin = Origin::ConfigMap { object: object.reference(), uid: object.uid().to_owned() };
    let former = match &current {
        Some(name) => names.insert(object.key().clone(), name.clone()),
        None => names.remove(object.key()),
    };
    let mut said = Vec::new();
    if let Some(former) = former.filter(|former| Some(former) != current.as_ref()) {
        said.push(Delivery { name: former, content: Content::Gone(origin.clone()) });
    }
    if let Some(name) = current {
        let content = match check_name(&name).and_then(|()| read(&object, &origin)) {
            Ok(artifact) => Content::Arrived(artifact),
            Err(error) => Content::Broken { origin, error },
        };
        said.push(Delivery { name, content });
    }
    said
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

    fn applied(object: Object, names: &mut HashMap<ObjectKey, String>) -> Vec<Delivery> {
        deliveries_of(Change::Applied { old: None, new: object }, names)
    }

    fn packed(bytes: &[u8]) -> String {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        STANDARD.encode(encoder.finish().unwrap())
    }

    #[test]
    fn plain_and_packed_components_are_read() {
        for binary in [json!({PLAIN: STANDARD.encode(b"wasm")}), json!({PACKED: packed(b"wasm")})] {
            let said = applied(config_map("patch", &binary), &mut HashMap::new());
            let [Delivery { name, content: Content::Arrived(artifact) }] = said.as_slice() else { panic!("{said:?}") };
            assert_eq!(
                (name.as_str(), &*artifact.component, &*artifact.grants),
                ("patch", &b"wasm"[..], "kubernetes: []")
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
            let said = applied(config_map(label, &binary), &mut HashMap::new());
            let [Delivery { content: Content::Broken { error, .. }, .. }] = said.as_slice() else { panic!("{said:?}") };
            assert_eq!(*error, expected);
        }
        let said = applied(config_map("patch", &json!({PACKED: STANDARD.encode(b"no gzip")})), &mut HashMap::new());
        assert!(matches!(
            said.as_slice(),
            [Delivery { content: Content::Broken { error: ArtifactError::Unreadable { .. }, .. }, .. }]
        ));
    }

    #[test]
    fn another_label_ends_the_former_provider() {
        let mut names = HashMap::new();
        let binary = json!({PLAIN: ""});
        applied(config_map("one", &binary), &mut names);
        let said = applied(config_map("two", &binary), &mut names);
        assert!(matches!(
            said.as_slice(),
            [
                Delivery { name: gone, content: Content::Gone(_) },
                Delivery { name: arrived, content: Content::Arrived(_) },
            ] if gone == "one" && arrived == "two"
        ));
        let said = deliveries_of(Change::Deleted(config_map("two", &binary)), &mut names);
        assert!(matches!(said.as_slice(), [Delivery { name, content: Content::Gone(_) }] if name == "two"));
    }
}
