//! A value held for a guest, and how it becomes a header or a part of a body.

use std::time::SystemTime;

use base64::{Engine, engine::general_purpose::STANDARD};
use capstan_api::Origin;
use http::{HeaderName, HeaderValue};
use ring::{hmac, signature::RsaKeyPair};
use zeroize::Zeroizing;

use super::{
    claims::key,
    exchange,
    fingerprint::Fingerprint,
    member,
    scheme::{Exchange, Scheme},
    secret::Secret,
};
use crate::http::{Checked, Egress, Failed, Unreachable};

/// A value, how it is used, and where it may go.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Credential {
    value: Value,
    /// None if it belongs into a body.
    header: Option<HeaderName>,
    origins: Vec<Origin>,
    fingerprint: Fingerprint,
    /// Of the Secret.
    version: String,
}

/// What the secret turned out to be.
enum Value {
    /// The whole value of the header.
    Plain(Secret),
    Signed(super::claims::Claims, RsaKeyPair),
    Exchanged(Box<Exchange>, RsaKeyPair),
    /// A text, and the JSON pointer to where it belongs.
    Member(String, Secret),
}

impl Credential {
    /// The message says why the secret does not fit.
    pub(super) fn new(
        secret: Secret,
        version: String,
        scheme: Scheme,
        origins: Vec<Origin>,
        fingerprints: &hmac::Key,
    ) -> Result<Self, String> {
        let fingerprint = Fingerprint::of(fingerprints, &secret, &format!("{scheme:?}"));
        let header = scheme.header();
        let value = match scheme {
            Scheme::Header(_) => Value::Plain(secret),
            Scheme::Authorization(word) => Value::Plain(joined(word.as_bytes(), b" ", secret.expose())),
            Scheme::Basic(user) => {
                let pair = joined(user.as_bytes(), b":", secret.expose());
                let encoded = Zeroizing::new(STANDARD.encode(pair.expose()));
                Value::Plain(joined(b"Basic", b" ", encoded.as_bytes()))
            }
            Scheme::Signed(claims) => Value::Signed(claims, key(&secret)?),
            Scheme::Exchange(exchange) => Value::Exchanged(exchange, key(&secret)?),
            Scheme::Member(_) if str::from_utf8(secret.expose()).is_err() => {
                return Err("it is no text (UTF-8), as a member of a body must be".to_owned());
            }
            Scheme::Member(pointer) => Value::Member(pointer, secret),
        };
        if let Value::Plain(value) = &value {
            in_header(value)?;
        }
        Ok(Self { value, header, origins, fingerprint, version })
    }

    pub(crate) fn origins(&self) -> &[Origin] {
        &self.origins
    }

    pub(crate) fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// Refuses a request that has the credential's header already: what an origin makes of two is its own affair.
    pub(crate) fn check(&self, request: &Checked) -> Result<(), String> {
        match &self.header {
            None => Err(IN_BODY.to_owned()),
            Some(header) if request.headers().contains_key(header) => {
                Err(format!("the header {header} is given, and the credential adds one: leave it out"))
            }
            Some(_) => Ok(()),
        }
    }

    /// The header for one request. May wait for an exchange.
    pub(crate) async fn header(&self, egress: &Egress) -> Result<(HeaderName, HeaderValue), Failed> {
        let value = match &self.value {
            Value::Plain(value) => in_header(value).map_err(Failed::Invalid)?,
            Value::Signed(claims, key) => bearer(&claims.sign(key, SystemTime::now()).map_err(Failed::Invalid)?)?,
            Value::Exchanged(exchange, key) => exchange::token(egress, exchange, key, &self.fingerprint).await?,
            Value::Member(..) => return Err(Failed::Invalid(IN_BODY.to_owned())),
        };
        let header = self.header.clone().ok_or_else(|| Failed::Invalid(IN_BODY.to_owned()))?;
        Ok((header, value))
    }

    /// Puts the value into the body of a request, where it has to have a member for that.
    pub(crate) fn fill(&self, request: &mut Checked) -> Result<(), Failed> {
        let Value::Member(pointer, secret) = &self.value else {
            return Err(Failed::Invalid("this credential fills a header: give it as auth".to_owned()));
        };
        member::fill(request, pointer, secret)
    }

    /// The origin did not accept it: what was exchanged may have been revoked.
    pub(crate) fn refused(&self, egress: &Egress) {
        if matches!(self.value, Value::Exchanged(..)) {
            egress.kept().tokens().forget(&self.fingerprint);
        }
    }
}

const IN_BODY: &str = "this credential fills a member of the body: give it as body-secret";

/// `Authorization: Bearer <token>`
pub(super) fn bearer(token: &Secret) -> Result<HeaderValue, Failed> {
    let value = joined(b"Bearer", b" ", token.expose());
    in_header(&value).map_err(|problem| Failed::Unreachable(Unreachable::Protocol(problem)))
}

fn joined(first: &[u8], between: &[u8], last: &[u8]) -> Secret {
    // Of the right size from the beginning: a vector that grows leaves copies behind.
    let mut bytes = Vec::with_capacity(first.len() + between.len() + last.len());
    bytes.extend_from_slice(first);
    bytes.extend_from_slice(between);
    bytes.extend_from_slice(last);
    Secret::new(bytes)
}

/// Marked so that nobody shows it. The copy in the request lives as long as that.
fn in_header(value: &Secret) -> Result<HeaderValue, String> {
    let value = HeaderValue::from_bytes(value.expose());
    let mut value = value.map_err(|_| "it holds line breaks or control characters, which no header may".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}
