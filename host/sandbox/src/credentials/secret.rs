//! A value that must not be told.

use std::{collections::BTreeMap, fmt};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use zeroize::Zeroizing;

/// Bytes that are shown nowhere, and overwritten when they are no longer needed.
pub(crate) struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The value of a key of a Secret, from its JSON, without blanks and line breaks at its end: `echo` and editors put them
    /// there. None if there is no such key, or what stands there is no base64.
    pub(crate) fn of(json: &str, key: &str) -> Option<Self> {
        /// Borrowed: no copy of any value is made but the one that is overwritten later.
        #[derive(Deserialize)]
        struct Data<'a> {
            #[serde(borrow, default)]
            data: Option<BTreeMap<&'a str, &'a str>>,
        }
        let data: Data<'_> = serde_json::from_str(json).ok()?;
        let mut value = Zeroizing::new(STANDARD.decode(data.data?.get(key)?).ok()?);
        let length = value.trim_ascii_end().len();
        value.truncate(length);
        Some(Self(value))
    }

    /// To be put into a request or a signature, and nowhere else.
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_key() {
        let json = r#"{"kind":"Secret","metadata":{"name":"a"},"data":{"token":"czNjcmV0Cg==","bad":"!"}}"#;
        assert_eq!(Secret::of(json, "token").unwrap().expose(), b"s3cret");
        for key in ["bad", "none"] {
            assert!(Secret::of(json, key).is_none(), "{key}");
        }
        for json in ["{}", r#"{"data":null}"#, r#"{"data":{}}"#, "no json"] {
            assert!(Secret::of(json, "token").is_none(), "{json}");
        }
    }

    #[test]
    fn it_is_not_shown() {
        assert_eq!(format!("{:?}", Secret::new(b"s3cret".to_vec())), "Secret");
    }
}
