//! How a value is put into a request, checked.

use capstan_api::{Origin, is_json_pointer};
use http::{HeaderName, header};
use url::Url;

use super::claims::Claims;
use crate::{
    answer,
    bindings::capstan::provider::credentials as wit,
    gate::Slot,
    http::{Failed, is_own, target},
};

/// How a value is put into a request.
#[derive(Debug, Clone)]
pub(super) enum Scheme {
    Basic(String),
    Header(HeaderName),
    /// The word in front of the value.
    Authorization(String),
    Signed(Claims),
    Exchange(Box<Exchange>),
    /// A member of the body, by its JSON pointer.
    Member(String),
}

#[derive(Debug, Clone)]
pub(super) struct Exchange {
    pub(super) claims: Claims,
    pub(super) url: Url,
    pub(super) origin: Origin,
    pub(super) body: String,
    pub(super) token_field: String,
    pub(super) expiry_field: String,
}

impl Scheme {
    /// The message says what is wrong.
    pub(super) fn checked(raw: wit::Scheme) -> Result<Self, String> {
        Ok(match raw {
            wit::Scheme::Bearer => Self::Authorization("Bearer".to_owned()),
            wit::Scheme::Basic(user) if user.contains(':') || user.chars().any(char::is_control) => {
                return Err("a user name has no colon and no control characters".to_owned());
            }
            wit::Scheme::Basic(user) => Self::Basic(user),
            wit::Scheme::Header(name) => {
                let name: HeaderName = name.parse().map_err(|_| "this is no name of a header".to_owned())?;
                if is_own(&name) {
                    return Err(format!("the header {name} belongs to the host"));
                }
                Self::Header(name)
            }
            wit::Scheme::Authorization(word) => {
                let sound = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
                if !sound {
                    return Err("the word before the value is one of letters, digits and `-`".to_owned());
                }
                Self::Authorization(word)
            }
            wit::Scheme::Signed(claims) => Self::Signed(Claims::checked(claims)?),
            wit::Scheme::SignedExchange(raw) => Self::Exchange(Box::new(Exchange::checked(raw)?)),
            wit::Scheme::BodyMember(pointer) if !is_json_pointer(&pointer) => {
                return Err("a member of a body is named by a JSON pointer, as in /config/secret".to_owned());
            }
            wit::Scheme::BodyMember(pointer) => Self::Member(pointer),
        })
    }

    /// The header that it fills; none if it fills a member of the body.
    pub(super) fn header(&self) -> Option<HeaderName> {
        match self {
            Self::Header(name) => Some(name.clone()),
            Self::Member(_) => None,
            _ => Some(header::AUTHORIZATION),
        }
    }

    /// For the gate.
    pub(super) fn slot(&self) -> Slot<'_> {
        match self {
            Self::Member(pointer) => Slot::Member(pointer),
            _ => Slot::Header,
        }
    }
}

impl Exchange {
    fn checked(raw: wit::Exchange) -> Result<Self, String> {
        let (url, _) = target(&raw.url).map_err(|failed| match failed {
            Failed::Invalid(problem) => problem,
            other => other.to_string(),
        })?;
        let origin = Origin::of(&url).ok_or_else(|| "the URL of the exchange has no origin".to_owned())?;
        let body = raw.body.unwrap_or_default();
        if !body.is_empty() {
            answer::json("body", &body)?;
        }
        if raw.token_field.is_empty() || raw.expiry_field.is_empty() {
            return Err("an exchange names the fields of token and expiry".to_owned());
        }
        let claims = Claims::checked(raw.claims)?;
        Ok(Self { claims, url, origin, body, token_field: raw.token_field, expiry_field: raw.expiry_field })
    }
}
