//! Answers with an `ETag`, kept to ask whether they still hold.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use sha2::{Digest, Sha256};
use url::Url;

use super::{answer::Answer, request::Checked};
use crate::credentials::Fingerprint;

/// Bytes for one provider. An answer about one thing has a few KiB, so this is some thousand things.
const BYTES: usize = 4 << 20;
/// Bytes of one answer: larger ones would drive out the rest.
const ANSWER: usize = BYTES / 8;

/// What an answer was given to: credential, URL and all headers of the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CacheKey([u8; 32]);

#[derive(Default)]
pub(crate) struct Cache {
    entries: HashMap<CacheKey, Entry>,
    /// By when they were used last.
    order: BTreeMap<u64, CacheKey>,
    used: u64,
    bytes: usize,
}

struct Entry {
    etag: HeaderValue,
    headers: HeaderMap,
    body: Bytes,
    used: u64,
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
    /// What to ask with, and the answer if it still holds.
    pub(crate) fn held(&mut self, key: &CacheKey) -> Option<(HeaderValue, Answer)> {
        self.used += 1;
        let entry = self.entries.get_mut(key)?;
        self.order.remove(&entry.used);
        entry.used = self.used;
        self.order.insert(self.used, *key);
        let answer = Answer { status: StatusCode::OK, headers: entry.headers.clone(), body: entry.body.clone() };
        Some((entry.etag.clone(), answer))
    }

    /// Keeps an answer, if it can be asked for again and is not too large. Drives out what was not used for longest.
    pub(crate) fn keep(&mut self, key: CacheKey, answer: &Answer) {
        self.remove(&key);
        let Some(etag) = answer.headers.get(header::ETAG) else { return };
        let says = |name: header::HeaderName, word: &str| {
            let values = answer.headers.get_all(name);
            values.iter().filter_map(|value| value.to_str().ok()).any(|value| value.to_ascii_lowercase().contains(word))
        };
        let size = size(answer);
        let kept = answer.status == StatusCode::OK
            && size <= ANSWER
            && !says(header::CACHE_CONTROL, "no-store")
            && !says(header::VARY, "*");
        if !kept {
            return;
        }
        while self.bytes + size > BYTES {
            let Some((_, oldest)) = self.order.pop_first() else { break };
            self.remove(&oldest);
        }
        self.used += 1;
        self.bytes += size;
        self.order.insert(self.used, key);
        let entry =
            Entry { etag: etag.clone(), headers: answer.headers.clone(), body: answer.body.clone(), used: self.used };
        self.entries.insert(key, entry);
    }

    fn remove(&mut self, key: &CacheKey) {
        if let Some(entry) = self.entries.remove(key) {
            self.order.remove(&entry.used);
            self.bytes -= size_of_parts(&entry.headers, &entry.body);
        }
    }
}

/// A kept answer with the headers that the origin said anew.
pub(crate) fn refreshed(mut kept: Answer, fresh: &HeaderMap) -> Answer {
    for name in fresh.keys() {
        kept.headers.remove(name);
        for value in fresh.get_all(name) {
            kept.headers.append(name, value.clone());
        }
    }
    kept
}

fn size(answer: &Answer) -> usize {
    size_of_parts(&answer.headers, &answer.body)
}

/// Bytes, with something for what holds them.
fn size_of_parts(headers: &HeaderMap, body: &Bytes) -> usize {
    let headers: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 64).sum();
    headers + body.len() + 256
}

fn without_fragment(url: &Url) -> &str {
    url.as_str().split('#').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> CacheKey {
        CacheKey([number; 32])
    }

    fn answer(headers: &[(&'static str, &str)], size: usize) -> Answer {
        let headers = headers.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap())).collect();
        Answer { status: StatusCode::OK, headers, body: Bytes::from(vec![b'x'; size]) }
    }

    #[test]
    fn an_answer_is_given_again_with_fresh_headers() {
        let mut cache = Cache::default();
        cache.keep(key(1), &answer(&[("etag", "\"a\""), ("x-left", "5"), ("x-kept", "yes")], 10));
        let (etag, kept) = cache.held(&key(1)).unwrap();
        assert_eq!(etag, "\"a\"");
        let again = refreshed(kept, &answer(&[("x-left", "4")], 0).headers);
        assert_eq!((again.headers["x-left"].as_bytes(), again.body.len()), (&b"4"[..], 10));
        assert_eq!(again.headers["x-kept"], "yes");
    }

    #[test]
    fn what_must_not_be_kept_is_not() {
        let mut cache = Cache::default();
        let mut error = answer(&[("etag", "a")], 1);
        error.status = StatusCode::NOT_FOUND;
        for (number, answer) in [
            answer(&[], 1),
            answer(&[("etag", "a"), ("cache-control", "private, No-Store")], 1),
            answer(&[("etag", "a"), ("vary", "*")], 1),
            answer(&[("etag", "a")], ANSWER),
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

    #[test]
    fn what_was_not_used_for_longest_is_driven_out() {
        let mut cache = Cache::default();
        let large = answer(&[("etag", "a")], ANSWER - 1000);
        for number in 0..8 {
            cache.keep(key(number), &large);
        }
        cache.held(&key(0)).unwrap();
        for number in 8..12 {
            cache.keep(key(number), &large);
        }
        assert!(cache.bytes <= BYTES);
        assert!(cache.held(&key(0)).is_some() && cache.held(&key(1)).is_none());
        assert_eq!(cache.entries.len(), cache.order.len());
        for number in 0..12 {
            cache.remove(&key(number));
        }
        assert_eq!((cache.bytes, cache.order.len()), (0, 0));
    }
}
