//! From text to segments.

use super::Segment;

/// Why a text is not a path. `position` counts bytes from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot parse path {path:?}: {problem} at position {position}")]
pub struct ParseError {
    /// The whole text.
    pub path: String,
    /// What is wrong.
    pub problem: Problem,
    /// Where, in bytes.
    pub position: usize,
}

/// What can be wrong with a path's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A `.`, `[` or `]` where a name has to stand.
    #[error("unexpected {0:?}")]
    Unexpected(char),
    /// A `[` without its `]`.
    #[error("unterminated '['")]
    Unterminated,
}

/// Splits `text` into segments. The empty text is the empty path.
pub(super) fn parse(text: &str) -> Result<Vec<Segment>, ParseError> {
    let fail = |problem, position| Err(ParseError { path: text.to_owned(), problem, position });
    let mut segments = Vec::new();
    let mut start = 0;
    loop {
        // Outside brackets: a name (possibly empty, after a bracket or at the start) up to the next delimiter.
        let end = text[start..].find(['.', '[', ']']).map_or(text.len(), |length| start + length);
        if end > start {
            segments.push(field(&text[start..end]));
        }
        match text.as_bytes().get(end) {
            None => return Ok(segments),
            Some(b'.') => {
                if end == 0 || end + 1 == text.len() {
                    return fail(Problem::Unexpected('.'), end);
                }
                start = end + 1;
                // Anything but a name after a dot; `]` is reported by the next round.
                if let Some(next @ (b'.' | b'[')) = text.as_bytes().get(start) {
                    return fail(Problem::Unexpected(char::from(*next)), start);
                }
            }
            Some(b'[') => {
                let inner = end + 1;
                let Some(length) = text[inner..].find(']') else {
                    return fail(Problem::Unterminated, end);
                };
                if length == 0 {
                    return fail(Problem::Unexpected(']'), inner);
                }
                let name = &text[inner..inner + length];
                if let Some(offset) = name.find('[') {
                    return fail(Problem::Unexpected('['), inner + offset);
                }
                segments.push(field_or_index(name));
                start = inner + length + 1;
            }
            Some(_) => return fail(Problem::Unexpected(']'), end),
        }
    }
}

fn field(name: &str) -> Segment {
    Segment::Field(name.trim_matches(['\'', '"']).to_owned())
}

/// Digits that fit into 32 bits are an index. A sign makes it a name, as in Go's `ParseUint`.
fn field_or_index(name: &str) -> Segment {
    let digits = name.bytes().all(|byte| byte.is_ascii_digit());
    name.parse().ok().filter(|_| digits).map_or_else(|| field(name), Segment::Index)
}
