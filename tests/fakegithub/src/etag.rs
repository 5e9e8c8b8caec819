//! Conditional requests.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The entity tag of a body for one media type; GitHub's are weak for what it shows as JSON.
pub(crate) fn of(body: &[u8], accept: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(accept);
    hash.update([0]);
    hash.update(body);
    let mut tag = "W/\"".to_owned();
    for byte in hash.finalize() {
        // Writing to a String cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

/// Whether an `if-none-match` header names the tag, by weak comparison.
pub(crate) fn names(header: &str, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    header.trim() == "*" || header.split(',').any(|each| opaque(each) == opaque(tag))
}
