//! From a label selector to the text of one.

use serde::{Deserialize, Serialize};

use super::LabelSelector;

/// One requirement of a [`LabelSelector`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Requirement {
    /// The label.
    pub key: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: String,
    /// For the first two.
    pub values: Vec<String>,
}

/// A selector to be written in kubectl's grammar.
#[derive(Debug, Clone, Copy)]
pub struct Selector<'s>(pub &'s LabelSelector);

impl Selector<'_> {
    /// `app=web,tier in (a,b),!old`. An empty one would choose everything, which nobody writes on purpose.
    pub fn text(self) -> Result<String, String> {
        let labels = self.0.match_labels.iter();
        let labels = labels.map(|(key, value)| Ok(format!("{}={}", word(key)?, word(value)?)));
        let requirements = self.0.match_expressions.iter().map(|requirement| {
            let key = word(&requirement.key)?;
            let values = || match requirement.values.iter().map(|value| word(value)).collect::<Result<Vec<_>, _>>()? {
                values if values.is_empty() => Err(format!("the operator {} needs values", requirement.operator)),
                values => Ok(values.join(",")),
            };
            match requirement.operator.as_str() {
                "In" => Ok(format!("{key} in ({})", values()?)),
                "NotIn" => Ok(format!("{key} notin ({})", values()?)),
                "Exists" => Ok(key.to_owned()),
                "DoesNotExist" => Ok(format!("!{key}")),
                other => Err(format!("{other:?} is no operator: use In, NotIn, Exists or DoesNotExist")),
            }
        });
        match labels.chain(requirements).collect::<Result<Vec<_>, _>>()? {
            parts if parts.is_empty() => Err("it is empty: name at least one label".to_owned()),
            parts => Ok(parts.join(",")),
        }
    }
}

/// What may stand in a selector without changing its meaning.
fn word(text: &str) -> Result<&str, String> {
    let is_fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if text.chars().all(is_fit) { Ok(text) } else { Err(format!("{text:?} is neither a label nor a value of one")) }
}
