//! Telling values apart without telling them.

use std::fmt;

use ring::hmac;

use super::secret::Secret;

/// Equal for equal values that are used alike, and of no use outside this process, whose key it is made with.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// `used` is how the value is used: a token and what it was exchanged for are counted apart.
    pub(crate) fn of(key: &hmac::Key, secret: &Secret, used: &str) -> Self {
        let mut context = hmac::Context::with_key(key);
        context.update(&secret.expose().len().to_le_bytes());
        context.update(secret.expose());
        context.update(used.as_bytes());
        let mut fingerprint = [0; 16];
        // The tag has twice as many.
        fingerprint.copy_from_slice(&context.sign().as_ref()[..16]);
        Self(fingerprint)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}
