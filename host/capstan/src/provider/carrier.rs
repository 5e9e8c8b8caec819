//! The `ConfigMap` that carries a provider.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use capstan_providers::{GRANTS, PACKED};
use serde_json::{Value, json};

/// What the API server lets all values of a `ConfigMap` have together, decoded.
const LIMIT: usize = 1 << 20;

/// The component and its grants, as the host looks for them.
pub(super) fn config_map(
    provider: &str,
    labels: &BTreeMap<String, String>,
    namespace: &str,
    packed: &[u8],
    grants: &str,
) -> Result<Value> {
    let size = packed.len() + grants.len();
    if size > LIMIT {
        bail!(
            "provider {provider} has {size} bytes, packed and with its grants; a ConfigMap holds {LIMIT}. Build it for size \
             (opt-level \"s\", lto, panic = \"abort\", strip), or print the rest with --without-component and bring the file by \
             a registry (`capstan provider push`), or in a directory of the host's machine (`capstan run --providers DIR`)"
        );
    }
    Ok(json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": format!("provider-{provider}"), "namespace": namespace, "labels": labels},
        "data": {GRANTS: grants},
        "binaryData": {PACKED: STANDARD.encode(packed)},
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_config_map_holds_is_refused_with_a_way_out() {
        let make = |size| config_map("note", &BTreeMap::new(), "host", &vec![0; size], "12345");
        assert!(make(LIMIT - 5).is_ok());
        let error = make(LIMIT - 4).unwrap_err().to_string();
        for named in ["--without-component", "1048576", "capstan provider push"] {
            assert!(error.contains(named), "{error}");
        }
    }
}
