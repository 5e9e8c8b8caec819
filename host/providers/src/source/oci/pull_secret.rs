//! Who the host is to a registry: a Secret of its own namespace.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use capstan_api::{GroupVersionKind, ObjectKey, ObjectRef};
use capstan_cluster::{Cluster, Error};
use capstan_oci::{Credentials, DockerConfig, Reference};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::PullError;

/// The type that `kubectl create secret docker-registry` makes, and its key.
const TYPE: &str = "kubernetes.io/dockerconfigjson";
const KEY: &str = ".dockerconfigjson";

#[derive(Deserialize)]
struct Secret {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    data: Data,
}

#[derive(Default, Deserialize)]
struct Data {
    #[serde(default, rename = ".dockerconfigjson")]
    config: Option<String>,
}

/// Reads it anew each time: it is needed rarely, and a right to watch Secrets would be one more.
pub(super) async fn credentials(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    reference: &Reference,
) -> Result<Credentials, PullError> {
    let target =
        ObjectRef { kind: GroupVersionKind::gvk("", "v1", "Secret"), key: ObjectKey::namespaced(namespace, name) };
    let (place, called) = (namespace.to_owned(), name.to_owned());
    match cluster.get(&target).await {
        Ok(object) => read(object.json(), reference).map_err(|problem| PullError::SecretInvalid {
            namespace: place,
            name: called,
            problem,
        }),
        Err(Error::NotFound(_)) => Err(PullError::SecretMissing { namespace: place, name: called }),
        Err(Error::Forbidden(_)) => Err(PullError::SecretForbidden { namespace: place, name: called }),
        Err(error) => Err(PullError::SecretUnread { namespace: place, name: called, problem: error.to_string() }),
    }
}

fn read(secret: &str, reference: &Reference) -> Result<Credentials, String> {
    // A parser's words might quote the content.
    let Secret { kind, data } = serde_json::from_str(secret).map_err(|_| "it is no Secret".to_owned())?;
    if kind != TYPE {
        return Err(format!("it is of the type {kind}, not {TYPE}"));
    }
    let config = data.config.ok_or_else(|| format!("it has no key {KEY}"))?;
    let config = STANDARD.decode(config.as_bytes()).map_err(|_| format!("its key {KEY} is not base64"))?;
    let config = DockerConfig::parse(&Zeroizing::new(config)).map_err(|error| format!("its key {KEY}: {error}"))?;
    match config.credentials(reference) {
        Ok(Some(credentials)) => Ok(credentials),
        Ok(None) => Err(format!("it has nothing for registry {}", reference.registry())),
        Err(error) => Err(format!("its key {KEY}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pull_secret_has_to_fit() {
        let reference: Reference = "r.io/a:1".parse().unwrap();
        let secret =
            |kind: &str, config: &str| json!({"type": kind, "data": {KEY: STANDARD.encode(config)}}).to_string();
        let good = r#"{"auths": {"r.io": {"username": "u", "password": "hunter2"}}}"#;
        assert!(read(&secret(TYPE, good), &reference).is_ok());
        let elsewhere = good.replace("r.io", "q.io");
        for (text, said) in [
            (secret("Opaque", good), "Opaque"),
            (json!({"type": TYPE, "data": {"other": ""}}).to_string(), KEY),
            (json!({"type": TYPE, "data": {KEY: "!"}}).to_string(), "base64"),
            (secret(TYPE, "hunter2"), "Docker"),
            (secret(TYPE, &elsewhere), "registry r.io"),
        ] {
            let error = read(&text, &reference).unwrap_err();
            assert!(error.contains(said) && !error.contains("hunter2"), "{said}: {error}");
        }
    }
}
