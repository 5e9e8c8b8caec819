//! Transforms in the jq language, `${ expression }`, in the dialect of gojq as far as jaq carries it.
//!
//! What differs from gojq is listed, with reasons, in `tests/queries.rs`. Left out on purpose: `halt` and its relatives
//! (they end the process), `input` (there is one value), `now` and local time (a value that changes by itself would be
//! written for ever). `env` and `$ENV` are empty.

mod errors;
mod escapes;
mod evaluate;
mod formats;
mod functions;
mod paths;
mod prelude;
mod regex;
mod rewrite;
mod time;
mod value;

pub use evaluate::{QueryError, first_output};

/// The expression in `${ expression }`, none if `text` is not of that form and stands for itself. Blanks and line breaks
/// around it do not matter.
#[must_use]
pub fn expression(text: &str) -> Option<&str> {
    let is_blank = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c');
    text.trim_matches(is_blank).strip_prefix("${")?.strip_suffix('}')
}
