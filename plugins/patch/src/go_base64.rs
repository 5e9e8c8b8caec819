//! Base64 with the standard alphabet, as lenient as Go's decoder: line breaks are skipped and stray bits at the end are
//! dropped; blanks and other characters are errors.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

pub(crate) use base64::DecodeError;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
const PADDED: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const UNPADDED: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, LENIENT.with_decode_padding_mode(DecodePaddingMode::Indifferent));

/// With padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    PADDED.encode(bytes)
}

/// Padding is needed.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, DecodeError> {
    PADDED.decode(joined(text))
}

/// Padding may be missing.
pub(crate) fn decode_unpadded(text: &str) -> Result<Vec<u8>, DecodeError> {
    UNPADDED.decode(joined(text))
}

fn joined(text: &str) -> String {
    text.replace(['\n', '\r'], "")
}
