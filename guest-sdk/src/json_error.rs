//! Why JSON could not be read.

use serde_json::error::Category;

/// Where JSON could not be read as the type that was wanted, and in which way. It holds nothing of the content, which may be
/// that of a Secret: errors end up in conditions, events and logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} at line {line} column {column}", in_words(*category))]
pub struct JsonError {
    /// In which way.
    pub category: Category,
    /// From 1; 0 if it is not known.
    pub line: usize,
    /// From 1; 0 if it is not known.
    pub column: usize,
}

impl From<&serde_json::Error> for JsonError {
    fn from(error: &serde_json::Error) -> Self {
        Self { category: error.classify(), line: error.line(), column: error.column() }
    }
}

impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        Self::from(&error)
    }
}

fn in_words(category: Category) -> &'static str {
    match category {
        Category::Io => "it cannot be read",
        Category::Syntax => "it is no JSON",
        Category::Data => "a value does not fit",
        Category::Eof => "it ends too early",
    }
}

/// The words of an error without line and column, for a text that its author has never seen: an object is stored otherwise than
/// it was written. They quote the content.
#[must_use]
pub fn without_place(error: &serde_json::Error) -> String {
    let mut words = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    if words.ends_with(&place) {
        words.truncate(words.len() - place.len());
    }
    words
}
