//! Content negotiation: which representation of an answer the client wants.

use serde_json::json;

use crate::status::{Reason, Refusal};

/// How objects are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Representation {
    /// The object itself, as JSON.
    Json,
    /// The object itself, as YAML.
    Yaml,
    /// A `meta.k8s.io` Table, as `kubectl get` asks for.
    Table,
    /// Type and metadata only (`PartialObjectMetadata`).
    Metadata,
    /// The same of each object of a list (`PartialObjectMetadataList`).
    MetadataList,
    /// Aggregated discovery; only `/api` and `/apis` can serve it.
    Discovery,
}

impl Representation {
    /// Refuses the metadata of a list for the answer that is one object, and that of one object for a list.
    pub(crate) fn check_shape(self, is_list: bool, kind: &str) -> Result<(), Refusal> {
        let message = match self {
            Self::MetadataList if !is_list => {
                format!("you requested PartialObjectMetadataList, but the requested object is not a list ({kind})")
            }
            Self::Metadata if is_list => {
                format!("you requested PartialObjectMetadata, but the requested object is a list ({kind})")
            }
            _ => return Ok(()),
        };
        Err(Refusal::new(Reason::NotAcceptable, message))
    }
}

/// Picks the first acceptable media type. Quality values are ignored, as clients of Kubernetes list by preference.
pub(crate) fn negotiate(accept: &str) -> Result<Representation, Refusal> {
    if accept.trim().is_empty() {
        return Ok(Representation::Json);
    }
    let mut known_type = false;
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default();
        let parameters: Vec<(&str, &str)> = parts.filter_map(|part| part.split_once('=')).collect();
        let parameter = |key: &str| parameters.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
        let json = matches!(media_type, "application/json" | "application/*" | "*/*");
        known_type |= json;
        match (parameter("as"), parameter("v")) {
            (None, _) if json => return Ok(Representation::Json),
            (None, _) if media_type == "application/yaml" => return Ok(Representation::Yaml),
            (Some("Table"), Some("v1")) if json => return Ok(Representation::Table),
            (Some("PartialObjectMetadata"), Some("v1")) if json => return Ok(Representation::Metadata),
            (Some("PartialObjectMetadataList"), Some("v1")) if json => return Ok(Representation::MetadataList),
            (Some("APIGroupDiscoveryList"), Some("v2")) if json => return Ok(Representation::Discovery),
            _ => {}
        }
    }
    let message = "only the following media types are accepted: application/json, application/yaml";
    let refusal = Refusal::new(Reason::NotAcceptable, message);
    // It is the transformation that is unknown, or the router found no media type, which says nothing of the resource.
    Err(if known_type { refusal } else { refusal.with_details(json!({})) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_acceptable_type_wins() {
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
        assert_eq!(negotiate(table).unwrap(), Representation::Table);
        assert_eq!(negotiate("application/vnd.kubernetes.protobuf,application/json").unwrap(), Representation::Json);
        assert_eq!(negotiate("application/yaml").unwrap(), Representation::Yaml);
    }

    #[test]
    fn protobuf_alone_is_refused() {
        assert!(negotiate("application/vnd.kubernetes.protobuf").is_err());
    }
}
