//! A value as a member of the JSON body of a request.

use bytes::Bytes;
use capstan_api::HttpMethod;
use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

use super::secret::Secret;
use crate::http::{BODY, Checked, Failed};

/// Puts the value where the pointer leads to. There has to be a `null`, so that nothing is overwritten, and none is put where
/// it was not expected.
pub(super) fn fill(request: &mut Checked, pointer: &str, secret: &Secret) -> Result<(), Failed> {
    // A question has no body, and what a cache keeps of it is not told apart by one.
    if !matches!(request.kind, HttpMethod::Post | HttpMethod::Put | HttpMethod::Patch) {
        return Err(invalid(format!(
            "a secret goes into the body of POST, PUT or PATCH, and this is {}",
            request.kind.as_str()
        )));
    }
    let mut body: Value = serde_json::from_slice(&request.body)
        .map_err(|_| invalid("the body that a secret goes into is no JSON".into()))?;
    let place = body.pointer_mut(pointer).filter(|place| place.is_null());
    let place = place.ok_or_else(|| invalid(format!("the body has no null at {pointer}, where a secret belongs")))?;
    // Checked when it was opened.
    let text = str::from_utf8(secret.expose()).map_err(|_| invalid("the secret is no text".into()))?;
    *place = Value::String(text.to_owned());
    // Of the right size from the beginning: a vector that grows leaves copies behind. Escaped, a byte takes six at most.
    let mut filled = Zeroizing::new(Vec::with_capacity(2 * request.body.len() + 6 * text.len() + 2));
    let written = serde_json::to_writer(&mut *filled, &body);
    if let Some(Value::String(text)) = body.pointer_mut(pointer) {
        text.zeroize();
    }
    written.map_err(|_| invalid("the body cannot be written again".into()))?;
    if filled.len() > BODY {
        return Err(Failed::TooLarge(BODY));
    }
    request.body = Bytes::from_owner(filled);
    Ok(())
}

fn invalid(problem: String) -> Failed {
    Failed::Invalid(problem)
}
