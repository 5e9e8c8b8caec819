//! Differences that are wanted.

use std::fs;
use std::path;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::path::Path;

/// A difference that is wanted, with the reason.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// `topic / step`; `*` stands for any text.
    pub step: String,
    /// [Path](crate::path::Path) into the exchange: `/body/metadata/uid`. What lies below it may differ too.
    pub path: String,
    /// Why the embedded server answers otherwise.
    pub reason: String,
}

impl Known {
    /// Whether it speaks of a place in the answer to a step.
    #[must_use]
    pub fn covers(&self, topic: &str, step: &str, pointer: &str) -> bool {
        matches(&self.step, &format!("{topic} / {step}")) && Path::parse(&self.path).covers(pointer)
    }
}

/// Reads the table.
///
/// # Errors
/// A file that cannot be read, an entry without a reason.
pub fn load(file: &path::Path) -> Result<Vec<Known>> {
    let text = fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
    let known: Vec<Known> = serde_saphyr::from_str(&text).with_context(|| format!("{}", file.display()))?;
    for entry in &known {
        ensure!(!entry.reason.trim().is_empty(), "{} {}: no reason", entry.step, entry.path);
    }
    Ok(known)
}

fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(start) else { return false };
    text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| matches(rest, &text[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_covers_its_steps_and_what_lies_below_its_path() {
        let known = Known { step: "crud / get*".into(), path: "/body/a".into(), reason: "r".into() };
        assert!(known.covers("crud", "get", "/body/a/b"));
        assert!(known.covers("crud", "get a map", "/body/a"));
        assert!(!known.covers("crud", "forget", "/body/a"));
        assert!(!known.covers("other", "get", "/body/a"));
        assert!(!known.covers("crud", "get", "/body"));
    }

    #[test]
    fn stars_stand_for_any_text() {
        for (pattern, text, fits) in
            [("*", "", true), ("a*c", "abc", true), ("a*c", "ac", true), ("a*c", "abd", false), ("*b*", "abc", true)]
        {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }
}
