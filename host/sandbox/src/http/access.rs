//! What one session does through its way out.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use http::{HeaderName, HeaderValue, StatusCode, header};
use tokio::time::timeout;

use super::{
    answer::{self, Answer},
    cache::CacheKey,
    egress::Egress,
    error::{Exhausted, Failed},
    limits::Waiting,
    request::Checked,
};
use crate::{
    bindings::capstan::provider::http as wit,
    credentials::{Credential, Fingerprint},
    gate::Denied,
};

/// Requests to other systems, as one session may make them.
pub(crate) struct Access {
    egress: Arc<Egress>,
    /// For one request, with everything it waits for.
    timeout: Duration,
    requests: Left<u32>,
    bytes: Left<u64>,
    /// Requests that may have changed something, and have no answer that says so. An atomic only since a request borrows it
    /// while it is under way.
    unanswered: AtomicU32,
}

/// What is left of how much.
#[derive(Debug, Clone, Copy)]
struct Left<T> {
    left: T,
    limit: T,
}

impl Access {
    /// `call` is what one call into the guest may last.
    pub(crate) fn new(egress: Arc<Egress>, call: Duration, requests: u32, bytes: u64) -> Self {
        Self {
            egress,
            // The guest gets its answer while there is time to do something with it.
            timeout: call.mul_f64(0.8),
            requests: Left { left: requests, limit: requests },
            bytes: Left { left: bytes, limit: bytes },
            unanswered: AtomicU32::new(0),
        }
    }

    /// How many requests so far may have changed something without anybody being told: no whole answer came, or that of
    /// somebody in between.
    pub(crate) fn unanswered(&self) -> u32 {
        self.unanswered.load(Relaxed)
    }

    /// Requests and bytes so far.
    pub(crate) fn used(&self) -> (u32, u64) {
        (self.requests.limit - self.requests.left, self.bytes.limit - self.bytes.left)
    }

    /// With a credential for a header, and one for the body.
    pub(crate) async fn fetch(
        &mut self,
        mut raw: wit::Request,
        credential: Option<Arc<Credential>>,
        secret: Option<Arc<Credential>>,
    ) -> Result<Result<wit::Response, wit::Error>, Exhausted> {
        match self.answer(&mut raw, credential.as_deref(), secret.as_deref()).await {
            Ok((answer, from_cache)) => Ok(Ok(answer.into_wit(from_cache))),
            Err(failed) => failed.told().map(Err),
        }
    }

    async fn answer(
        &mut self,
        raw: &mut wit::Request,
        credential: Option<&Credential>,
        secret: Option<&Credential>,
    ) -> Result<(Answer, bool), Failed> {
        let Left { left, limit } = &mut self.requests;
        *left = left.checked_sub(1).ok_or(Exhausted::Requests(*limit))?;
        let mut request = Checked::of(raw)?;
        let origin = self.egress.permit(&request)?;
        if let Some(elsewhere) =
            [credential, secret].into_iter().flatten().find(|each| !each.origins().contains(&origin))
        {
            return Err(self.egress.noted(Denied::elsewhere(&origin, elsewhere.origins())).into());
        }
        if let Some(credential) = credential {
            credential.check(&request).map_err(Failed::Invalid)?;
        }
        if let Some(secret) = secret {
            secret.fill(&mut request)?;
        }
        self.spend(request.body.len())?;
        let fingerprint = credential.map(Credential::fingerprint);
        let waiting = self.egress.waiting(&origin, fingerprint);
        self.egress.is_due(&waiting)?;
        let time = request.timeout.map_or(self.timeout, |asked| asked.min(self.timeout));
        let limit = answer::BODY.min(usize::try_from(self.bytes.left).unwrap_or(usize::MAX));
        let asking = self.ask(&request, credential, &waiting, limit);
        let asked = timeout(time, self.egress.kept().in_turn(asking)).await.map_err(|_| Failed::TimedOut)?;
        let (answer, from_cache) = match asked {
            Err(Failed::TooLarge(size)) if size == limit && limit < answer::BODY => {
                return Err(Exhausted::Bytes(self.bytes.limit).into());
            }
            other => other?,
        };
        // What came from the cache was not sent again.
        if !from_cache {
            self.spend(answer.body.len())?;
        }
        Ok((answer, from_cache))
    }

    /// With the credential, and whether an earlier answer still holds.
    async fn ask(
        &self,
        request: &Checked,
        credential: Option<&Credential>,
        waiting: &Waiting,
        limit: usize,
    ) -> Result<(Answer, bool), Failed> {
        let mut extra: Vec<(HeaderName, HeaderValue)> = Vec::new();
        if let Some(credential) = credential {
            extra.push(credential.header(&self.egress).await?);
        }
        let fingerprint: Option<&Fingerprint> = credential.map(Credential::fingerprint);
        let key = CacheKey::of(request, fingerprint);
        let held = key.and_then(|key| self.egress.kept().cache().held(&key));
        extra.extend(held.iter().map(|held| (header::IF_NONE_MATCH, held.etag.clone())));
        // Others may have been told to wait while this one waited for its turn, or for a token.
        self.egress.is_due(waiting)?;
        let answer = self.send(request, extra, waiting, limit).await?;
        if answer.status == StatusCode::UNAUTHORIZED
            && let Some(credential) = credential
        {
            credential.refused(&self.egress);
        }
        match (key, held) {
            (Some(_), Some(held)) if answer.status == StatusCode::NOT_MODIFIED => {
                Ok((held.refreshed(&answer.headers)?, true))
            }
            (Some(key), _) => {
                self.egress.kept().cache().keep(key, &answer);
                Ok((answer, false))
            }
            (None, _) => Ok((answer, false)),
        }
    }

    /// Sends it, and counts it as unanswered until it is known what became of it.
    async fn send(
        &self,
        request: &Checked,
        extra: Vec<(HeaderName, HeaderValue)>,
        waiting: &Waiting,
        limit: usize,
    ) -> Result<Answer, Failed> {
        if !request.method().is_safe() {
            // Before it is sent: whoever waits for it may be given up in the middle.
            self.unanswered.fetch_add(1, Relaxed);
        }
        let sent = self.egress.send(request, extra, waiting, limit).await;
        let is_known = match &sent {
            // Gateways say so where the origin's own answer does not come, or not in time.
            Ok(answer) => !matches!(answer.status, StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT),
            Err(failed) => failed.is_refusal(),
        };
        if is_known && !request.method().is_safe() {
            self.unanswered.fetch_sub(1, Relaxed);
        }
        sent
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Exhausted> {
        let Left { left, limit } = &mut self.bytes;
        *left = left.checked_sub(bytes as u64).ok_or(Exhausted::Bytes(*limit))?;
        Ok(())
    }
}
