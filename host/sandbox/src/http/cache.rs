//! Answers with an `ETag`, kept to ask whether they still hold.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use sha2::{Digest, Sha256};
use url::Url;

use super::{answer::Answer, error::Failed, packed::Packed, request::Checked};
use crate::credentials::Fingerprint;

/// Bytes for one provider, taken only as far as there is something to keep. What GitHub says of a repository has 2 to 3 KiB
/// when it is packed, so this is some 5,000 things: as many as a token may see for the first time within an hour. With more
/// than there is room for, what has gone has to be paid for at every look.
const BYTES: usize = 16 << 20;
/// Bytes of one answer before it is packed: larger ones would drive out many others, and take long to pack.
const ANSWER: usize = 512 << 10;
/// What an entry takes beside what is packed.
const ENTRY: usize = 256;

/// What an answer was given to: credential, URL and all headers of the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CacheKey([u8; 32]);

pub(crate) struct Cache {
    entries: BTreeMap<CacheKey, Held>,
    bytes: usize,
    /// Bytes that there may be.
    room: usize,
}

impl Default for Cache {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), bytes: 0, room: BYTES }
    }
}

/// What to ask with, and the answer if it still holds.
#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) etag: HeaderValue,
    answer: Packed,
}

impl CacheKey {
    /// None if the request is not one whose answer is kept: it asks for something particular, or changes something.
    pub(crate) fn of(request: &Checked, credential: Option<&Fingerprint>) -> Option<Self> {
        let own = [
            header::IF_NONE_MATCH,
            header::IF_MATCH,
            header::IF_MODIFIED_SINCE,
            header::IF_UNMODIFIED_SINCE,
            header::IF_RANGE,
            header::RANGE,
        ];
        if request.method() != Method::GET || own.iter().any(|name| request.headers().contains_key(name)) {
            return None;
        }
        let mut hasher = Sha256::new();
        let mut add = |bytes: &[u8]| {
            // With the length in front, no two requests are written alike.
            hasher.update(bytes.len().to_le_bytes());
            hasher.update(bytes);
        };
        add(credential.map(Fingerprint::as_bytes).unwrap_or_default());
        add(without_fragment(&request.url).as_bytes());
        let mut headers: Vec<_> = request.headers().iter().collect();
        headers.sort_by_key(|(name, _)| name.as_str());
        for (name, value) in headers {
            add(name.as_str().as_bytes());
            add(value.as_bytes());
        }
        Some(Self(hasher.finalize().into()))
    }
}

impl Cache {
    pub(crate) fn held(&self, key: &CacheKey) -> Option<Held> {
        self.entries.get(key).cloned()
    }

    /// Keeps an answer, if it can be asked for again and is not too large. Where there is no room, others go: whichever, and
    /// not what was used least recently. Things are looked at in turn, and that would be the one that is needed next, so that
    /// one thing too many would cost all of them.
    pub(crate) fn keep(&mut self, key: CacheKey, answer: &Answer) {
        self.remove(&key);
        let Some(etag) = answer.headers.get(header::ETAG) else { return };
        let says = |name: header::HeaderName, word: &str| {
            let values = answer.headers.get_all(name);
            values.iter().filter_map(|value| value.to_str().ok()).any(|value| value.to_ascii_lowercase().contains(word))
        };
        let kept = answer.status == StatusCode::OK
            && answer.body.len() <= ANSWER
            && !says(header::CACHE_CONTROL, "no-store")
            && !says(header::VARY, "*");
        if !kept {
            return;
        }
        let Some(packed) = Packed::of(&answer.headers, &answer.body) else { return };
        let held = Held { etag: etag.clone(), answer: packed };
        let size = held.size();
        while self.bytes + size > self.room {
            // Keys are hashes, so that the one behind this says nothing about when it will be needed.
            let next = self.entries.range(key..).next().or_else(|| self.entries.iter().next());
            let Some(next) = next.map(|(next, _)| *next) else { break };
            self.remove(&next);
        }
        self.bytes += size;
        self.entries.insert(key, held);
    }

    fn remove(&mut self, key: &CacheKey) {
        if let Some(held) = self.entries.remove(key) {
            self.bytes -= held.size();
        }
    }
}

impl Held {
    /// The answer with the headers that the origin said anew.
    pub(crate) fn refreshed(&self, fresh: &HeaderMap) -> Result<Answer, Failed> {
        let (mut headers, body) = self.answer.unpack()?;
        for name in fresh.keys() {
            headers.remove(name);
            for value in fresh.get_all(name) {
                headers.append(name, value.clone());
            }
        }
        Ok(Answer { status: StatusCode::OK, headers, body })
    }

    fn size(&self) -> usize {
        self.etag.len() + self.answer.len() + ENTRY
    }
}

fn without_fragment(url: &Url) -> &str {
    url.as_str().split('#').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn key(number: usize) -> CacheKey {
        CacheKey(Sha256::digest(number.to_le_bytes()).into())
    }

    fn answer(headers: &[(&'static str, &str)], body: impl Into<Bytes>) -> Answer {
        let headers = headers.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap())).collect();
        Answer { status: StatusCode::OK, headers, body: body.into() }
    }

    /// What nothing makes shorter.
    fn noise(seed: usize, length: usize) -> Vec<u8> {
        let blocks =
            (0..).flat_map(|block: usize| Sha256::digest([seed.to_le_bytes(), block.to_le_bytes()].concat()).to_vec());
        blocks.take(length).collect()
    }

    #[test]
    fn an_answer_is_given_again_with_fresh_headers() {
        let mut cache = Cache::default();
        cache.keep(key(1), &answer(&[("etag", "\"a\""), ("x-left", "5"), ("x-kept", "yes")], "something"));
        let held = cache.held(&key(1)).unwrap();
        assert_eq!(held.etag, "\"a\"");
        let again = held.refreshed(&answer(&[("x-left", "4")], "").headers).unwrap();
        assert_eq!((again.headers["x-left"].as_bytes(), &*again.body), (&b"4"[..], &b"something"[..]));
        assert_eq!(again.headers["x-kept"], "yes");
    }

    #[test]
    fn what_must_not_be_kept_is_not() {
        let mut cache = Cache::default();
        let mut error = answer(&[("etag", "a")], "x");
        error.status = StatusCode::NOT_FOUND;
        for (number, answer) in [
            answer(&[], "x"),
            answer(&[("etag", "a"), ("cache-control", "private, No-Store")], "x"),
            answer(&[("etag", "a"), ("vary", "*")], "x"),
            answer(&[("etag", "a")], vec![0; ANSWER + 1]),
            error,
        ]
        .into_iter()
        .enumerate()
        {
            cache.keep(key(1), &answer);
            assert!(cache.held(&key(1)).is_none(), "{number}");
        }
        assert_eq!(cache.bytes, 0);
    }

    /// As GitHub answers, headers included.
    fn repository(number: usize) -> Answer {
        let recorded = include_str!("../../../../tests/fakegithub/recordings/get-repository.json");
        let recorded: serde_json::Value = serde_json::from_str(recorded).unwrap();
        let body = recorded[0]["response"].to_string().replace("hello-world", &format!("name-{number}"));
        assert!(body.len() > 6000, "a repository of an organisation");
        let etag = format!("W/\"{}\"", hex(&noise(number, 32)));
        let (reset, id) = (number.to_string(), hex(&noise(number, 20)));
        let policy = "origin-when-cross-origin, strict-origin-when-cross-origin";
        let exposed = "ETag, Link, Location, Retry-After, X-GitHub-OTP, X-RateLimit-Limit, X-RateLimit-Remaining, \
                       X-RateLimit-Used, X-RateLimit-Resource, X-RateLimit-Reset, X-OAuth-Scopes, X-Accepted-OAuth-Scopes, \
                       X-Poll-Interval, X-GitHub-Media-Type, X-GitHub-SSO, X-GitHub-Request-Id, Deprecation, Sunset";
        let headers = [
            ("access-control-allow-origin", "*"),
            ("access-control-expose-headers", exposed),
            ("cache-control", "private, max-age=60, s-maxage=60"),
            ("content-security-policy", "default-src 'none'"),
            ("content-type", "application/json; charset=utf-8"),
            ("date", "Fri, 15 Jan 2027 08:00:00 GMT"),
            ("etag", &etag),
            ("last-modified", "Fri, 15 Jan 2027 07:00:00 GMT"),
            ("referrer-policy", policy),
            ("server", "github.com"),
            ("strict-transport-security", "max-age=31536000; includeSubdomains; preload"),
            ("vary", "Accept, Authorization, Cookie, X-GitHub-OTP, Accept-Encoding, Accept, X-Requested-With"),
            ("x-accepted-oauth-scopes", "repo"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "deny"),
            ("x-github-media-type", "github.v3; format=json"),
            ("x-github-request-id", &id),
            ("x-oauth-scopes", "admin:org, delete_repo, repo"),
            ("x-ratelimit-limit", "5000"),
            ("x-ratelimit-remaining", "4999"),
            ("x-ratelimit-reset", &reset),
            ("x-ratelimit-resource", "core"),
            ("x-ratelimit-used", "1"),
            ("x-xss-protection", "0"),
        ];
        answer(&headers, body)
    }

    fn hex(bytes: &[u8]) -> String {
        let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        halves.map(|half| char::from(b"0123456789abcdef"[usize::from(half)])).collect()
    }

    #[test]
    fn as_many_repositories_fit_as_a_token_may_see_in_an_hour() {
        const QUOTA: usize = 5000;
        let mut cache = Cache::default();
        for number in 0..100 {
            cache.keep(key(number), &repository(number));
        }
        let each = cache.bytes / cache.entries.len();
        assert!(each * QUOTA <= BYTES, "{each} bytes each");
    }

    #[test]
    fn with_a_few_things_too_many_most_is_still_kept() {
        let mut cache = Cache { room: 100 << 10, ..Cache::default() };
        let things: Vec<_> = (0..120).map(|number| answer(&[("etag", "a")], noise(number, 700))).collect();
        let mut found = 0;
        for round in 0..4 {
            for (number, answer) in things.iter().enumerate() {
                if cache.held(&key(number)).is_some() {
                    found += usize::from(round > 0);
                } else {
                    cache.keep(key(number), answer);
                }
            }
        }
        assert!(cache.bytes <= cache.room && cache.entries.len() < things.len(), "there is no room for all");
        assert!(found > 3 * things.len() / 2, "{found} of {}", 3 * things.len());
        for number in 0..things.len() {
            cache.remove(&key(number));
        }
        assert_eq!((cache.bytes, cache.entries.len()), (0, 0));
    }
}
