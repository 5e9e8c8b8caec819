//! What a server answered to a script, and the files it is kept in.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Stands above every recording.
const HEADER: &str = "# Answers of a kube-apiserver, without what differs from run to run. Written by the differential test \
                      with CAPSTAN_RECORD=1.\n";

/// One step as it went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Name of the step.
    pub step: String,
    /// Method, path and query as the script has them, or which stream was read.
    pub request: String,
    /// The HTTP status. `None` for what was read from a stream opened before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Those headers that clients look at, names in lower case.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Vec<String>>,
    /// A JSON body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Any other body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What did not go as the script says: a state that was not reached, a value that was not there. Never recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// What a watch sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<Value>>,
}

/// Reads the answers to a script.
///
/// # Errors
/// No recording, or one that cannot be read.
pub fn load(file: &Path) -> Result<Vec<Exchange>> {
    let text = fs::read_to_string(file).with_context(|| format!("no recording {}", file.display()))?;
    serde_saphyr::from_str(&text).with_context(|| format!("{}", file.display()))
}

/// Writes the answers to a script, replacing what was there.
///
/// # Errors
/// Answers with problems, and what serialising or writing fails with.
pub fn save(file: &Path, exchanges: &[Exchange]) -> Result<()> {
    for Exchange { step, problems, .. } in exchanges {
        ensure!(problems.is_empty(), "{step}: {}", problems.join(", "));
    }
    let text = format!("{HEADER}{}", serde_saphyr::to_string(&exchanges).map_err(io::Error::other)?);
    fs::write(file, text).with_context(|| format!("{}", file.display()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_saved_is_read_again() {
        let exchange = Exchange {
            step: "a: b".to_owned(),
            request: "GET /x?a=b&c={d}".to_owned(),
            status: Some(200),
            headers: [("warning".to_owned(), vec!["299 - \"x\"".to_owned()])].into(),
            body: Some(json!({
                "empty": "", "null": null, "yes": "yes", "1": 1, "one": "1", "f": 1.5, "list": [[], {}, "a\nb\n", " c"],
                "true": "true", "~": "~", "octal": "0o17", "date": "2026-01-01", "long": "x ".repeat(200), "tab": "\t#\u{7f}é",
            })),
            ..Exchange::default()
        };
        let events =
            Exchange { step: "c".to_owned(), events: Some(vec![json!({"type": "ADDED"})]), ..Exchange::default() };
        let text = Exchange { text: Some("404 page not found\n".to_owned()), ..Exchange::default() };
        let file = std::env::temp_dir().join(format!("capstan-recording-{}.yaml", std::process::id()));
        let exchanges = vec![exchange, events, text];
        save(&file, &exchanges).unwrap();
        let read = load(&file);
        fs::remove_file(&file).unwrap();
        assert_eq!(read.unwrap(), exchanges);
        let in_vain = Exchange { problems: vec!["waited in vain".to_owned()], ..Exchange::default() };
        assert!(save(&file, &[in_vain]).is_err());
        assert!(!file.exists());
    }
}
