//! What origins said about when to come again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use capstan_api::Origin;
use http::{HeaderMap, StatusCode, header};
use rand::RngExt;
use serde::Deserialize;
use tokio::time::Instant;

use crate::credentials::Fingerprint;

/// Who must wait: a credential, or a provider without any.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Waiting {
    pub(crate) origin: Origin,
    pub(crate) who: Who,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    /// Whoever uses it, in whichever provider: the origin counts them together.
    Credential(Fingerprint),
    Provider(Arc<str>),
}

/// What whoever asks too early is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limited {
    /// How long to wait.
    pub(crate) wait: Duration,
    /// The origin's words for it.
    pub(crate) said: Arc<str>,
}

/// Until when nothing is sent, and why.
#[derive(Debug, Default)]
pub(crate) struct Limits(Mutex<HashMap<Waiting, Held>>);

#[derive(Debug)]
struct Held {
    until: Instant,
    said: Arc<str>,
}

/// Limits at a time; what is beyond learns anew from its origin.
const KEPT: usize = 4096;
/// For a 429 that does not say how long.
const UNSAID: Duration = Duration::from_mins(1);
/// What GitHub says in the message of a 403 for a limit that its headers may say nothing of; then it wants a minute. Nothing
/// else tells that answer from a missing right, and only here can all who use the credential be held. (The GitHub provider looks
/// for it as well, in what gets past here and where there is no host.)
/// See <https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit>.
const SECONDARY: &str = "secondary rate limit";
/// Bytes of a body that may say so: an error has some hundred.
pub(crate) const ERROR: usize = 8 << 10;
/// Quotas are counted by the hour; whoever says more is asked again then.
const LONGEST: Duration = Duration::from_hours(1);
/// Whoever waited comes back within this part of the wait after its end, one by one and not all at once.
const SPREAD: f64 = 0.1;
/// But within this.
const SPREAD_BOUNDS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

impl Limits {
    /// How long to wait before anything is sent; none if nothing is in the way.
    pub(crate) fn wait(&self, waiting: &Waiting) -> Option<Limited> {
        let limits = self.lock();
        let held = limits.get(waiting)?;
        let left = held.until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then(|| Limited { wait: spread(left), said: Arc::clone(&held.said) })
    }

    /// Keeps the words of the answer that was learnt from, for those who are held by it.
    pub(crate) fn said(&self, waiting: &Waiting, said: &Arc<str>) {
        if let Some(held) = self.lock().get_mut(waiting) {
            held.said = Arc::clone(said);
        }
    }

    /// Learns from an answer before its body is read. How long to wait, if it is one that says so.
    pub(crate) fn learn(&self, waiting: &Waiting, status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
        Some(self.note(waiting, asked(status, headers, SystemTime::now())?))
    }

    /// Learns from an answer whose headers said nothing. How long to wait, if its body says so.
    pub(crate) fn learn_from_body(&self, waiting: &Waiting, status: StatusCode, body: &[u8]) -> Option<Duration> {
        is_limit(status, body).then(|| self.note(waiting, UNSAID))
    }

    /// Remembers to wait that long, or longer if that was said before. How long whoever heard it is to wait.
    fn note(&self, waiting: &Waiting, wait: Duration) -> Duration {
        let wait = wait.clamp(Duration::from_secs(1), LONGEST);
        let now = Instant::now();
        let mut limits = self.lock();
        if limits.len() >= KEPT {
            limits.retain(|_, held| held.until > now);
        }
        if limits.len() < KEPT || limits.contains_key(waiting) {
            let held = limits.entry(waiting.clone()).or_insert_with(|| Held { until: now, said: Arc::default() });
            held.until = held.until.max(now + wait);
        }
        spread(wait)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Waiting, Held>> {
        // A map of independent entries is whole after a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something more than asked for, by chance.
fn spread(wait: Duration) -> Duration {
    let (least, most) = SPREAD_BOUNDS;
    wait + wait.mul_f64(SPREAD).clamp(least, most).mul_f64(rand::rng().random_range(0.0..1.0))
}

/// The time of an answer by its origin's clock.
pub(crate) fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(header::DATE)?.to_str().ok()?).ok()
}

/// How long an answer asks to wait: 429, or 403 with one of the headers that say so.
fn asked(status: StatusCode, headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    // What the origin says is by its own clock.
    let now = date(headers).unwrap_or(now);
    let retry_after = text("retry-after").and_then(|text| match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => Some(httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default()),
    });
    let used_up = ["x-ratelimit-remaining", "ratelimit-remaining"].iter().any(|name| text(name) == Some("0"));
    let reset = || {
        let reset: u64 = text("x-ratelimit-reset").or_else(|| text("ratelimit-reset"))?.parse().ok()?;
        // Some give the time, others how long it is until then; no quota lasts for thirty years.
        let is_time = reset > 1_000_000_000;
        let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let reset = Duration::from_secs(reset);
        Some(if is_time { reset.saturating_sub(since_epoch) } else { reset })
    };
    match status {
        StatusCode::TOO_MANY_REQUESTS => Some(retry_after.or_else(reset).unwrap_or(UNSAID)),
        StatusCode::FORBIDDEN => retry_after.or_else(|| used_up.then(|| reset().unwrap_or(UNSAID))),
        _ => None,
    }
}

/// Whether an error speaks of a limit.
fn is_limit(status: StatusCode, body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Said {
        message: String,
    }
    status == StatusCode::FORBIDDEN
        && body.len() <= ERROR
        && serde_json::from_slice(body).is_ok_and(|said: Said| said.message.to_ascii_lowercase().contains(SECONDARY))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn seconds(status: u16, pairs: &[(&'static str, &str)]) -> Option<u64> {
        let now = UNIX_EPOCH + Duration::from_hours(500_000);
        asked(StatusCode::from_u16(status).unwrap(), &headers(pairs), now).map(|wait| wait.as_secs())
    }

    #[test]
    fn what_origins_say_is_understood() {
        assert_eq!(seconds(429, &[("retry-after", "17")]), Some(17));
        assert_eq!(seconds(403, &[("retry-after", "17")]), Some(17));
        assert_eq!(seconds(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1800000030")]), Some(30));
        assert_eq!(seconds(429, &[("ratelimit-remaining", "0"), ("ratelimit-reset", "40")]), Some(40));
        assert_eq!(seconds(429, &[("x-ratelimit-reset", "1700000000")]), Some(0));
        assert_eq!(seconds(429, &[]), Some(60));
        let date = ("date", "Fri, 15 Jan 2027 08:00:00 GMT");
        assert_eq!(seconds(429, &[("retry-after", "Fri, 15 Jan 2027 08:00:20 GMT"), date]), Some(20));
    }

    #[test]
    fn other_answers_are_no_limits() {
        assert_eq!(seconds(403, &[("x-ratelimit-remaining", "4999"), ("x-ratelimit-reset", "1800000030")]), None);
        assert_eq!(seconds(403, &[]), None);
        assert_eq!(seconds(200, &[("x-ratelimit-remaining", "0"), ("retry-after", "17")]), None);
        assert_eq!(seconds(503, &[("retry-after", "17")]), None);
    }

    #[test]
    fn a_limit_that_only_the_message_speaks_of_is_one() {
        let is_limit = |status: u16, body: &str| is_limit(StatusCode::from_u16(status).unwrap(), body.as_bytes());
        let limit = r#"{"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}"#;
        assert!(is_limit(403, limit));
        assert!(!is_limit(404, limit));
        assert!(!is_limit(403, r#"{"message": "Resource not accessible", "name": "secondary rate limit"}"#));
        assert!(!is_limit(403, "secondary rate limit"), "no error of GitHub's");
        assert!(!is_limit(403, &limit.replace("few", &"x".repeat(ERROR))));
    }

    fn waiting(origin: &str, provider: &str) -> Waiting {
        Waiting { origin: origin.parse().unwrap(), who: Who::Provider(provider.into()) }
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_holds_for_who_it_was_told_and_ends() {
        let limits = Limits::default();
        let told = limits.learn(
            &waiting("https://a.b", "one"),
            StatusCode::TOO_MANY_REQUESTS,
            &headers(&[("retry-after", "20")]),
        );
        assert!(told.is_some());
        assert!(limits.wait(&waiting("https://a.b", "one")).is_some());
        assert_eq!(limits.wait(&waiting("https://a.b", "two")), None);
        assert_eq!(limits.wait(&waiting("https://c.d", "one")), None);
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(limits.wait(&waiting("https://a.b", "one")), None);
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_do_not_come_back_all_at_once() {
        let limits = Limits::default();
        let waits: Vec<_> = (0..50)
            .filter_map(|_| {
                limits.learn(
                    &waiting("https://a.b", "one"),
                    StatusCode::TOO_MANY_REQUESTS,
                    &headers(&[("retry-after", "100")]),
                )
            })
            .collect();
        let (first, last) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
        assert!(*first >= Duration::from_secs(100) && *last <= Duration::from_secs(110), "{first:?} {last:?}");
        assert!(*last > *first + Duration::from_secs(2), "{first:?} {last:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_origin_cannot_close_itself_for_ever() {
        let limits = Limits::default();
        let long = headers(&[("retry-after", "999999999")]);
        limits.learn(&waiting("https://a.b", "one"), StatusCode::TOO_MANY_REQUESTS, &long);
        tokio::time::advance(LONGEST).await;
        assert_eq!(limits.wait(&waiting("https://a.b", "one")), None);
    }
}
