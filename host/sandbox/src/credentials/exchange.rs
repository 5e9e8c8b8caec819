//! Tokens that an origin gives for one that the host signed: got once, used until shortly before they expire.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use ring::signature::RsaKeyPair;
use serde_json::Value;
use tokio::{sync::Mutex as AsyncMutex, time::Instant};
use zeroize::Zeroize;

use super::{credential::bearer, fingerprint::Fingerprint, scheme::Exchange, secret::Secret};
use crate::http::{Checked, Egress, Failed, Unreachable, date, words};

/// Tokens of one provider.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<HashMap<Fingerprint, Slot>>);

/// Locked while the token is got: others who need it wait for that.
type Slot = Arc<AsyncMutex<Option<Token>>>;

struct Token {
    value: Secret,
    since: Instant,
    /// Until shortly before it expires.
    until: Instant,
}

/// Tokens of one provider at a time: an organisation has one for each installation of an app.
const KEPT: usize = 1024;
/// How long before its end a token is given up, for clocks that differ and requests under way; but at most a quarter of its
/// life.
const MARGIN: Duration = Duration::from_mins(1);
/// Whoever says more is asked again then.
const LONGEST: Duration = Duration::from_hours(24);
/// A token that is refused so soon after it was got is not the reason: another one would be refused too.
const FRESH: Duration = Duration::from_mins(1);
/// Clocks that differ by no more than the first are not why a token is refused. An origin whose clock differs by more than the
/// second is not followed: it would be given a token that is good some other day.
const SKEW: (Duration, Duration) = (Duration::from_mins(1), Duration::from_hours(1));
/// Bytes of the answer with the token.
const ANSWER: usize = 64 << 10;

impl Tokens {
    fn slot(&self, fingerprint: &Fingerprint) -> Slot {
        let mut slots = self.lock();
        if slots.len() >= KEPT && !slots.contains_key(fingerprint) {
            let now = Instant::now();
            // What is locked is being got, and needed.
            slots.retain(|_, slot| {
                slot.try_lock().map_or(true, |token| token.as_ref().is_some_and(|token| token.until > now))
            });
            if slots.len() >= KEPT {
                slots.clear();
            }
        }
        Arc::clone(slots.entry(fingerprint.clone()).or_default())
    }

    /// The next who needs it gets another one.
    pub(crate) fn forget(&self, fingerprint: &Fingerprint) {
        let slot = self.lock().get(fingerprint).cloned();
        if let Some(mut token) = slot.as_ref().and_then(|slot| slot.try_lock().ok()) {
            token.take_if(|token| token.since.elapsed() >= FRESH);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Fingerprint, Slot>> {
        // A map of independent entries is whole after a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The token that is valid now, perhaps a new one, as a header.
pub(super) async fn token(
    egress: &Egress,
    exchange: &Exchange,
    key: &RsaKeyPair,
    fingerprint: &Fingerprint,
) -> Result<HeaderValue, Failed> {
    let slot = egress.kept().tokens().slot(fingerprint);
    let mut slot = slot.lock().await;
    if let Some(token) = slot.as_ref().filter(|token| token.until > Instant::now()) {
        return bearer(&token.value);
    }
    let token = get(egress, exchange, key, fingerprint).await?;
    let header = bearer(&token.value);
    *slot = Some(token);
    header
}

async fn get(
    egress: &Egress,
    exchange: &Exchange,
    key: &RsaKeyPair,
    fingerprint: &Fingerprint,
) -> Result<Token, Failed> {
    let request = Checked::post_json(&exchange.url, exchange.body.clone())?;
    let origin = egress.permit(&request)?;
    let waiting = egress.waiting(&origin, Some(fingerprint));
    egress.is_due(&waiting)?;
    let ask = async |now| {
        let signed = bearer(&exchange.claims.sign(key, now).map_err(Failed::Invalid)?)?;
        let since = Instant::now();
        let answer = egress.send(&request, [(header::AUTHORIZATION, signed.clone())], &waiting, ANSWER).await?;
        Ok::<_, Failed>((signed, since, answer))
    };
    let (mut signed, mut since, mut answer) = ask(SystemTime::now()).await?;
    if answer.status == StatusCode::UNAUTHORIZED
        && let Some(theirs) = time_that_differs(&answer.headers, SystemTime::now())
    {
        tracing::warn!(%origin, "the clock differs from the origin's: a token is signed by that one");
        (signed, since, answer) = ask(theirs).await?;
    }
    // Of the body no more than its words for a refusal is shown: it is the one place where a token is expected.
    let failed = |problem: &str| {
        let mut url = exchange.url.clone();
        url.set_query(None);
        Failed::from(Unreachable::Token { url: url.into(), problem: problem.to_owned() })
    };
    if !answer.status.is_success() {
        let said = words(&answer, &[signed]);
        let status = answer.status.as_u16();
        let said = if said.is_empty() { status.to_string() } else { format!("{status}, {said}") };
        return Err(failed(&format!("it answers {said}: are key, issuer and URL those of one app?")));
    }
    let mut body: Value = serde_json::from_slice(&answer.body).map_err(|_| failed("it answers no JSON"))?;
    // What the origin says is by its own clock.
    let now = date(&answer.headers).unwrap_or_else(SystemTime::now);
    let valid = body.get(&exchange.expiry_field).and_then(|expiry| validity(expiry, now));
    let valid = valid.ok_or_else(|| failed(&format!("its answer has no time in `{}`", exchange.expiry_field)))?;
    let value = match body.get_mut(&exchange.token_field) {
        Some(Value::String(token)) if !token.is_empty() => {
            let value = Secret::new(token.as_bytes().to_vec());
            token.zeroize();
            value
        }
        _ => return Err(failed(&format!("its answer has no text in `{}`", exchange.token_field))),
    };
    let valid = valid.min(LONGEST);
    Ok(Token { value, since, until: since + valid - MARGIN.min(valid / 4) })
}

/// The time by an origin's clock, if that may be why it refuses a token.
fn time_that_differs(headers: &HeaderMap, now: SystemTime) -> Option<SystemTime> {
    let theirs = date(headers)?;
    let skew = theirs.duration_since(now).unwrap_or_else(|ahead| ahead.duration());
    (skew > SKEW.0 && skew <= SKEW.1).then_some(theirs)
}

/// A time, or a number of seconds.
fn validity(expiry: &Value, now: SystemTime) -> Option<Duration> {
    let seconds = expiry.as_u64().or_else(|| expiry.as_str()?.parse().ok());
    seconds.map(Duration::from_secs).or_else(|| {
        let until = SystemTime::from(expiry.as_str()?.parse::<Timestamp>().ok()?);
        Some(until.duration_since(now).unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use serde_json::json;

    use super::*;

    #[test]
    fn validity_is_a_time_or_a_number() {
        let now = UNIX_EPOCH + Duration::from_hours(500_000);
        for (expiry, expected) in [
            (json!("2027-01-15T09:00:00Z"), Some(3600)),
            (json!("2020-01-15T09:00:00Z"), Some(0)),
            (json!(3599), Some(3599)),
            (json!("3599"), Some(3599)),
            (json!("soon"), None),
            (json!(null), None),
        ] {
            assert_eq!(validity(&expiry, now).map(|valid| valid.as_secs()), expected, "{expiry}");
        }
    }
}
