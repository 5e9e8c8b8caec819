//! Who a request comes from.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde::Deserialize;

use crate::answer::Answer;
use crate::state::{Actor, Id, World};

const DOCUMENTATION: &str = "https://docs.github.com/rest";
/// How long GitHub lets an app's token live.
const LONGEST: SignedDuration = SignedDuration::from_mins(10);
/// How far GitHub's clock may be behind the signer's.
const SKEW: SignedDuration = SignedDuration::from_mins(1);

/// The head of a signed token.
#[derive(Deserialize)]
struct Header {
    alg: String,
}

/// What a signed token says.
#[derive(Deserialize)]
struct Claims {
    iat: i64,
    exp: i64,
    iss: Issuer,
}

/// An app's number, which may be written as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Issuer {
    Number(Id),
    Text(String),
}

/// The one who sent an `authorization` header, or GitHub's 401.
pub(crate) fn authenticate(world: &World, header: Option<&str>) -> Result<Actor, Answer> {
    let Some(header) = header else { return Ok(Actor::Anonymous) };
    let bad = || Answer::error(401, "Bad credentials", DOCUMENTATION);
    let (scheme, token) = header.split_once(' ').ok_or_else(bad)?;
    if !(scheme.eq_ignore_ascii_case("token") || scheme.eq_ignore_ascii_case("bearer")) {
        return Err(bad());
    }
    let token = token.trim();
    if token.split('.').count() == 3 {
        return signed(world, token).map_err(|message| Answer::error(401, message, DOCUMENTATION));
    }
    let known = world.tokens.get(token).filter(|token| token.expires.is_none_or(|expires| world.now < expires));
    known.map(|token| token.actor).ok_or_else(bad)
}

/// The app that signed a JSON Web Token, or what is wrong with it.
fn signed(world: &World, token: &str) -> Result<Actor, &'static str> {
    const UNDECODABLE: &str = "A JSON web token could not be decoded";
    let (content, signature) = token.rsplit_once('.').ok_or(UNDECODABLE)?;
    let (header, claims) = content.split_once('.').ok_or(UNDECODABLE)?;
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| UNDECODABLE);
    let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| UNDECODABLE)?;
    if header.alg != "RS256" {
        return Err(UNDECODABLE);
    }
    let claims: Claims = serde_json::from_slice(&decode(claims)?).map_err(|_| UNDECODABLE)?;
    let app = match claims.iss {
        Issuer::Number(id) => id,
        Issuer::Text(text) => text.parse().map_err(|_| "'Issuer' claim ('iss') must be an Integer")?,
    };
    let app = world.apps.get(&app).ok_or("Integration not found")?;
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &app.public_key);
    key.verify(content.as_bytes(), &decode(signature)?).map_err(|_| UNDECODABLE)?;
    let now = world.now.as_second();
    if claims.exp <= now {
        return Err("'Expiration time' claim ('exp') is too far in the past");
    }
    if claims.exp > now + LONGEST.as_secs() {
        return Err("'Expiration time' claim ('exp') is too far in the future");
    }
    if claims.iat > now + SKEW.as_secs() {
        return Err("'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued");
    }
    Ok(Actor::App(app.id))
}
