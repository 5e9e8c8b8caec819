//! `ServiceAccount`s in whose name providers act.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What the API server puts before namespace and name.
const PREFIX: &str = "system:serviceaccount:";

/// A `ServiceAccount`. Its names are such as Kubernetes takes, so that they mean the same in a header, in a path and in RBAC.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "Named")]
pub struct ServiceAccount {
    namespace: String,
    name: String,
}

/// The names are none that a `ServiceAccount` can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceAccountError {
    /// Not a label of DNS.
    #[error("`{0}` is no namespace: it has 1 to 63 lower-case letters, digits and inner hyphens")]
    Namespace(String),
    /// Not a name of DNS.
    #[error("`{0}` is no name of a ServiceAccount: it has 1 to 253 lower-case letters, digits, inner hyphens and dots")]
    Name(String),
    /// Not two names.
    #[error("`{0}` is no ServiceAccount: write NAMESPACE/NAME")]
    Shape(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Named {
    namespace: String,
    name: String,
}

impl ServiceAccount {
    /// The one of this name in this namespace, whether or not it is there.
    ///
    /// # Errors
    /// If it can never be there.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Result<Self, ServiceAccountError> {
        let (namespace, name) = (namespace.into(), name.into());
        if namespace.len() > 63 || !is_label(&namespace) {
            return Err(ServiceAccountError::Namespace(namespace.escape_debug().to_string()));
        }
        if name.len() > 253 || !name.split('.').all(is_label) {
            return Err(ServiceAccountError::Name(name.escape_debug().to_string()));
        }
        Ok(Self { namespace, name })
    }

    /// Where it is.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// What it is called there.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The user that it is to the API server: `system:serviceaccount:NAMESPACE:NAME`.
    #[must_use]
    pub fn user(&self) -> String {
        format!("{PREFIX}{}:{}", self.namespace, self.name)
    }

    /// The groups that such a user is in.
    #[must_use]
    pub fn groups(&self) -> [String; 3] {
        let of_namespace = format!("system:serviceaccounts:{}", self.namespace);
        ["system:serviceaccounts".to_owned(), of_namespace, "system:authenticated".to_owned()]
    }
}

/// One part of a name of DNS, however long.
fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

impl TryFrom<Named> for ServiceAccount {
    type Error = ServiceAccountError;

    fn try_from(Named { namespace, name }: Named) -> Result<Self, ServiceAccountError> {
        Self::new(namespace, name)
    }
}

/// `NAMESPACE/NAME`
impl FromStr for ServiceAccount {
    type Err = ServiceAccountError;

    fn from_str(text: &str) -> Result<Self, ServiceAccountError> {
        let (namespace, name) =
            text.split_once('/').ok_or_else(|| ServiceAccountError::Shape(text.escape_debug().to_string()))?;
        Self::new(namespace, name)
    }
}

/// `NAMESPACE/NAME`
impl fmt::Display for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_user_and_the_groups_that_kubernetes_makes_of_it() {
        let account: ServiceAccount = "team-a/patch.v1".parse().unwrap();
        assert_eq!(account.user(), "system:serviceaccount:team-a:patch.v1");
        assert_eq!(
            account.groups(),
            ["system:serviceaccounts", "system:serviceaccounts:team-a", "system:authenticated"]
        );
        assert_eq!(account.to_string(), "team-a/patch.v1");
    }

    #[test]
    fn names_that_would_mean_somebody_else_are_refused() {
        // To the API server, a user of more or fewer parts is no ServiceAccount but a person of that name.
        for wrong in ["", "a", "/b", "a/", "a:b/c", "a/b:c", "a/b/c", "A/b", "a.b/c", "a/b\r\nc", "-a/b", "a/b."] {
            assert!(wrong.parse::<ServiceAccount>().is_err(), "{wrong:?}");
        }
        assert!(ServiceAccount::new("a".repeat(64), "b").is_err());
        assert!(ServiceAccount::new("a", "b".repeat(254)).is_err());
        let json = |text: &str| serde_json::from_str::<ServiceAccount>(text);
        assert!(json(r#"{"namespace": "a", "name": "b"}"#).is_ok());
        for wrong in [
            r#"{"namespace": "a"}"#,
            r#"{"namespace": "a", "name": "b:c"}"#,
            r#"{"namespace": "a", "name": "b", "uid": "c"}"#,
        ] {
            assert!(json(wrong).is_err(), "{wrong}");
        }
    }
}
