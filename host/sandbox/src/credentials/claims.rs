//! JSON Web Tokens that the host signs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
use serde_json::json;
use zeroize::Zeroizing;

use super::secret::Secret;
use crate::bindings::capstan::provider::credentials as wit;

/// What a token says.
#[derive(Debug, Clone)]
pub(super) struct Claims {
    issuer: String,
    subject: Option<String>,
    audience: Option<String>,
    lifetime: Duration,
}

/// A token opens doors as long as it lives; whoever needs one for longer asks for another.
const LONGEST: Duration = Duration::from_hours(1);
/// For clocks that differ.
const BEFORE: Duration = Duration::from_mins(1);
/// Bytes of a claim: a name or a URL.
const CLAIM: usize = 1 << 10;

impl Claims {
    pub(super) fn checked(raw: wit::Claims) -> Result<Self, String> {
        let lifetime = Duration::from_secs(u64::from(raw.lifetime_s));
        if lifetime.is_zero() || lifetime > LONGEST {
            return Err(format!("a token lives for 1 to {} seconds", LONGEST.as_secs()));
        }
        let all = [Some(&raw.issuer), raw.subject.as_ref(), raw.audience.as_ref()];
        if all.into_iter().flatten().any(|claim| claim.len() > CLAIM) {
            return Err(format!("a claim has at most {CLAIM} bytes"));
        }
        Ok(Self { issuer: raw.issuer, subject: raw.subject, audience: raw.audience, lifetime })
    }

    /// A token with these claims, as it is at this time.
    pub(super) fn sign(&self, key: &RsaKeyPair, now: SystemTime) -> Result<Secret, String> {
        let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut claims = json!({
            "iss": self.issuer,
            "iat": seconds.saturating_sub(BEFORE).as_secs(),
            "exp": (seconds + self.lifetime).as_secs(),
        });
        for (name, claim) in [("sub", &self.subject), ("aud", &self.audience)] {
            if let Some(claim) = claim {
                claims[name] = json!(claim);
            }
        }
        let mut token = Zeroizing::new(URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#));
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), token.as_bytes(), &mut signature)
            .map_err(|_| "the key cannot be used to sign".to_owned())?;
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Ok(Secret::new(token.as_bytes().to_vec()))
    }
}

/// A private RSA key in PEM, of either of the two forms it comes in. What is wrong with another one is not said, since it
/// would be told from its content.
pub(super) fn key(secret: &Secret) -> Result<RsaKeyPair, String> {
    let wrong =
        || "it holds no private RSA key of at least 2048 bits in PEM (`-----BEGIN RSA PRIVATE KEY-----`)".to_owned();
    match PrivateKeyDer::from_pem_slice(secret.expose()) {
        Ok(PrivateKeyDer::Pkcs1(der)) => RsaKeyPair::from_der(der.secret_pkcs1_der()).map_err(|_| wrong()),
        Ok(PrivateKeyDer::Pkcs8(der)) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}
