//! One file for each target.

pub(crate) mod address;
pub(crate) mod component;
pub(crate) mod describe;
pub(crate) mod grants;
pub(crate) mod object;
pub(crate) mod patch;
pub(crate) mod reference;
pub(crate) mod request;

/// Bytes of a message to somebody: it becomes a condition, a line of a log or the answer to a guest.
const MESSAGE: usize = 4 << 10;

/// What is said about the text of a stranger is short, and one line of printable characters.
#[track_caller]
fn is_fit_to_show(message: &str) {
    assert!(!message.is_empty() && message.len() <= MESSAGE, "a message of {} bytes", message.len());
    assert!(!message.chars().any(char::is_control), "control characters in a message: {message:?}");
}
