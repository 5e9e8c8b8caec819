//! Fields of bytes, which are written in base64.

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeError, Engine};
use serde_json::Value;

use crate::resource::{Resource, Rules};
use crate::status::Refusal;

/// Refuses bytes that are no base64. Such a body is no object of the kind, as with a value of a wrong type.
pub(crate) fn check(resource: &Resource, object: &Value) -> Result<(), Refusal> {
    let field = match resource.rules {
        Rules::Secret => "data",
        Rules::ConfigMap => "binaryData",
        _ => return Ok(()),
    };
    for text in object[field].as_object().into_iter().flatten().filter_map(|(_, text)| text.as_str()) {
        if let Err(error) = STANDARD.decode(text) {
            let (kind, version) = (&resource.kind, &resource.group_version.version);
            return Err(Refusal::bad_request(format!(
                "{kind} in version \"{version}\" cannot be handled as a {kind}: illegal base64 data at input byte {}",
                offset(&error, text)
            )));
        }
    }
    Ok(())
}

/// Where it goes wrong; at the end if something is missing.
fn offset(error: &DecodeError, text: &str) -> usize {
    match error {
        DecodeError::InvalidByte(offset, _) | DecodeError::InvalidLastSymbol(offset, _) => *offset,
        DecodeError::InvalidLength(_) | DecodeError::InvalidPadding => text.len(),
    }
}
