//! `${name}` in scripts.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use anyhow::{Context as _, Result};
use regex::Regex;
use serde_json::Value;

/// `${name}`, or `${x*1000}` for a text many times.
static PLACEHOLDER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\$\{(?:(\w+)|(.+?)\*(\d+))\}").expect("written in this file and used by every test"));

/// Values for the placeholders of a script.
#[derive(Clone, Debug, Default)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Sets a value, or replaces it.
    pub fn set(&mut self, name: &str, value: String) {
        self.0.insert(name.to_owned(), value);
    }

    /// The text with values in place of placeholders.
    ///
    /// # Errors
    /// A variable that is not set.
    pub fn replace(&self, text: &str) -> Result<String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = 0;
        for found in PLACEHOLDER.captures_iter(text) {
            let whole = found.get_match();
            out.push_str(&text[rest..whole.start()]);
            if let Some(name) = found.get(1) {
                let value = self.0.get(name.as_str()).with_context(|| format!("${{{}}} is not set", name.as_str()))?;
                out.push_str(value);
            } else {
                out.push_str(&found[2].repeat(found[3].parse()?));
            }
            rest = whole.end();
        }
        out.push_str(&text[rest..]);
        Ok(out)
    }

    /// The same for all strings and member names of a document.
    ///
    /// # Errors
    /// A variable that is not set.
    pub fn fill_in(&self, value: &Value) -> Result<Value> {
        Ok(match value {
            Value::String(text) => Value::String(self.replace(text)?),
            Value::Array(items) => items.iter().map(|item| self.fill_in(item)).collect::<Result<_>>()?,
            Value::Object(members) => {
                let members = members.iter().map(|(name, value)| Ok((self.replace(name)?, self.fill_in(value)?)));
                Value::Object(members.collect::<Result<_>>()?)
            }
            other => other.clone(),
        })
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Variables {
    fn from(values: [(&str, &str); N]) -> Self {
        Self(values.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_values_or_repetitions() {
        let variables = Variables::from([("ns", "a"), ("b", "${ns}")]);
        assert_eq!(variables.replace("/${ns}/${b}/$ns/${ns").unwrap(), "/a/${ns}/$ns/${ns");
        assert_eq!(variables.replace("${x*3}!").unwrap(), "xxx!");
        assert_eq!(variables.replace("[${{a},*2}${ns}]").unwrap(), "[{a},{a},a]");
        let error = variables.replace("${nobody}").unwrap_err();
        assert_eq!(error.to_string(), "${nobody} is not set");
    }
}
