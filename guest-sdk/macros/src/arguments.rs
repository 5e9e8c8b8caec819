//! String literals as macro arguments.

use proc_macro::{Delimiter, TokenStream, TokenTree};

/// `"path"`
pub(crate) fn path(input: TokenStream) -> Result<String, String> {
    match strings(input)?.as_slice() {
        [path] => Ok(path.clone()),
        _ => Err("expected the path of a file, as a string".to_owned()),
    }
}

/// `"path"` or `"path", "version"`
pub(crate) fn path_and_version(input: TokenStream) -> Result<(String, Option<String>), String> {
    match strings(input)?.as_slice() {
        [path] => Ok((path.clone(), None)),
        [path, version] => Ok((path.clone(), Some(version.clone()))),
        _ => Err("expected the path of a file, and at most a version after it".to_owned()),
    }
}

fn strings(input: TokenStream) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for token in input {
        match token {
            TokenTree::Literal(literal) => found.push(unquote(&literal.to_string())?),
            // What came through another macro as `$path:literal` is wrapped in an invisible group.
            TokenTree::Group(group) if group.delimiter() == Delimiter::None => found.extend(strings(group.stream())?),
            TokenTree::Punct(comma) if comma.as_char() == ',' => {}
            other => return Err(format!("`{other}` is not a string")),
        }
    }
    Ok(found)
}

fn unquote(literal: &str) -> Result<String, String> {
    let inner = literal.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner {
        Some(text) if !text.contains('\\') => Ok(text.to_owned()),
        _ => Err(format!("{literal} is not a plain string without escapes")),
    }
}
