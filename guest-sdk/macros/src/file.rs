//! A YAML file of the crate being compiled.

use std::{env, fs, path::PathBuf};

use serde_json::Value;

/// A file that was found and understood.
pub(crate) struct File {
    /// For `include_bytes!`, which is how the compiler learns to run the macro again when the file changes.
    pub(crate) absolute: String,
    /// The one document in it.
    pub(crate) value: Value,
    /// The same as compact JSON.
    pub(crate) json: String,
}

impl File {
    /// `path` is relative to the folder of the crate's `Cargo.toml`.
    pub(crate) fn read(path: &str) -> Result<Self, String> {
        let root = env::var("CARGO_MANIFEST_DIR").map_err(|_| "CARGO_MANIFEST_DIR is not set: build with cargo")?;
        let absolute = PathBuf::from(root).join(path);
        let text = fs::read_to_string(&absolute)
            .map_err(|error| format!("{path}: {error}; paths start at the folder of Cargo.toml"))?;
        let value = parse(&text).map_err(|problem| format!("{path}: {problem}"))?;
        Ok(Self { absolute: absolute.display().to_string(), json: value.to_string(), value })
    }
}

/// A file of comments alone is an empty mapping.
fn parse(text: &str) -> Result<Value, String> {
    let value: Value = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    Ok(if value.is_null() { Value::Object(serde_json::Map::new()) } else { value })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parse;

    #[test]
    fn scalars_are_read_as_kubectl_reads_them() {
        let parsed =
            parse("a: 1\nb: '1'\nc: yes\nd: true\ne: null\nf: 1.5\ng: [\"\", x]\nh: |\n  two\n  lines\n").unwrap();
        let expected =
            json!({"a": 1, "b": "1", "c": true, "d": true, "e": null, "f": 1.5, "g": ["", "x"], "h": "two\nlines\n"});
        assert_eq!(parsed, expected);
    }

    #[test]
    fn comments_alone_are_an_empty_mapping() {
        assert_eq!(parse("# nothing is asked for\n").unwrap(), json!({}));
        assert_eq!(parse("").unwrap(), json!({}));
    }

    #[test]
    fn a_key_given_twice_is_an_error() {
        parse("a: 1\na: 2\n").unwrap_err();
    }
}
