//! Bounds that an administrator sets.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    GrantError,
    units::{duration, quantity},
};

/// Bounds for each call and each reconcile of a provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// For one call into the provider, with everything it waits for; `10s`, `500ms`, `1m`.
    #[serde(default, with = "duration", skip_serializing_if = "Option::is_none")]
    pub call_timeout: Option<Duration>,
    /// From connect until the last call before disconnect, which has a time of its own.
    #[serde(default, with = "duration", skip_serializing_if = "Option::is_none")]
    pub reconcile_timeout: Option<Duration>,
    /// Bytes, for all memories and tables of an instance together; `64Mi`, `1Gi`.
    #[serde(default, with = "quantity", skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Requests to the API server in one reconcile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u32>,
    /// Requests to other systems in one reconcile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_requests: Option<u32>,
    /// Bytes of their bodies, and of those of the answers, in one reconcile; `32Mi`.
    #[serde(default, with = "quantity", skip_serializing_if = "Option::is_none")]
    pub http_bytes: Option<u64>,
    /// Events in one reconcile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<u32>,
    /// Lines of log and output in one reconcile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<u32>,
    /// Bytes of log and output in one reconcile; `64Ki`.
    #[serde(default, with = "quantity", skip_serializing_if = "Option::is_none")]
    pub log_bytes: Option<u64>,
    /// Other bounds for single kinds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<KindLimits>,
}

/// Bounds for the objects of one kind that the provider manages. What is absent is as for all its kinds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KindLimits {
    /// `Repo`
    pub kind: String,
    /// As in [`Limits`].
    #[serde(default, with = "duration", skip_serializing_if = "Option::is_none")]
    pub call_timeout: Option<Duration>,
    /// As in [`Limits`].
    #[serde(default, with = "duration", skip_serializing_if = "Option::is_none")]
    pub reconcile_timeout: Option<Duration>,
    /// As in [`Limits`].
    #[serde(default, with = "quantity", skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// As in [`Limits`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u32>,
    /// As in [`Limits`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_requests: Option<u32>,
    /// As in [`Limits`].
    #[serde(default, with = "quantity", skip_serializing_if = "Option::is_none")]
    pub http_bytes: Option<u64>,
    /// As in [`Limits`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<u32>,
    /// As in [`Limits`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<u32>,
    /// As in [`Limits`].
    #[serde(default, with = "quantity", skip_serializing_if = "Option::is_none")]
    pub log_bytes: Option<u64>,
}

/// Without the kind's name.
impl From<KindLimits> for Limits {
    fn from(own: KindLimits) -> Self {
        Self {
            call_timeout: own.call_timeout,
            reconcile_timeout: own.reconcile_timeout,
            memory: own.memory,
            requests: own.requests,
            http_requests: own.http_requests,
            http_bytes: own.http_bytes,
            events: own.events,
            lines: own.lines,
            log_bytes: own.log_bytes,
            kinds: Vec::new(),
        }
    }
}

impl Limits {
    /// The longest that can be set for `callTimeout` and `reconcileTimeout`.
    pub const MAX_TIME: Duration = Duration::from_hours(24);
    /// The most that can be set for `memory`: no memory of a component can have more.
    pub const MAX_MEMORY: u64 = 4 << 30;
    /// The most that can be set for `requests` and `httpRequests`: some hundred a second over a whole reconcile.
    pub const MAX_REQUESTS: u32 = 10_000;
    /// The most that can be set for `httpBytes`.
    pub const MAX_HTTP_BYTES: u64 = 1 << 30;
    /// The most that can be set for `events`, each of which becomes a request and an object of the cluster.
    pub const MAX_EVENTS: u32 = 1_000;
    /// The most that can be set for `lines`.
    pub const MAX_LINES: u32 = 10_000;
    /// The most that can be set for `logBytes`.
    pub const MAX_LOG_BYTES: u64 = 16 << 20;

    /// Those for one kind: its own, and in place of what they leave out those for all.
    #[must_use]
    pub fn of_kind(&self, kind: &str) -> Self {
        let own = self.kinds.iter().find(|limits| limits.kind == kind).cloned();
        let own = own.map(Self::from).unwrap_or_default();
        Self {
            call_timeout: own.call_timeout.or(self.call_timeout),
            reconcile_timeout: own.reconcile_timeout.or(self.reconcile_timeout),
            memory: own.memory.or(self.memory),
            requests: own.requests.or(self.requests),
            http_requests: own.http_requests.or(self.http_requests),
            http_bytes: own.http_bytes.or(self.http_bytes),
            events: own.events.or(self.events),
            lines: own.lines.or(self.lines),
            log_bytes: own.log_bytes.or(self.log_bytes),
            kinds: Vec::new(),
        }
    }

    pub(super) fn check(&self) -> Result<(), GrantError> {
        self.check_values()?;
        for (index, own) in self.kinds.iter().enumerate() {
            let (kind, limits) = (own.kind.clone(), Self::from(own.clone()));
            limits.check_values()?;
            if self.kinds[..index].iter().any(|before| before.kind == kind) {
                return Err(GrantError::KindTwice(kind));
            }
            if limits == Self::default() {
                return Err(GrantError::KindUnlimited(kind));
            }
        }
        Ok(())
    }

    /// Each is at least one, and none beyond what the host can bear.
    fn check_values(&self) -> Result<(), GrantError> {
        for (limit, time) in [("callTimeout", self.call_timeout), ("reconcileTimeout", self.reconcile_timeout)] {
            match time {
                Some(Duration::ZERO) => return Err(GrantError::Zero(limit)),
                Some(time) if time > Self::MAX_TIME => return Err(GrantError::TooLong(limit)),
                _ => {}
            }
        }
        let count = |number: Option<u32>| number.map(u64::from);
        let values = [
            ("memory", self.memory, Self::MAX_MEMORY),
            ("requests", count(self.requests), Self::MAX_REQUESTS.into()),
            ("httpRequests", count(self.http_requests), Self::MAX_REQUESTS.into()),
            ("httpBytes", self.http_bytes, Self::MAX_HTTP_BYTES),
            ("events", count(self.events), Self::MAX_EVENTS.into()),
            ("lines", count(self.lines), Self::MAX_LINES.into()),
            ("logBytes", self.log_bytes, Self::MAX_LOG_BYTES),
        ];
        for (limit, value, most) in values {
            match value {
                Some(0) => return Err(GrantError::Zero(limit)),
                Some(value) if value > most => return Err(GrantError::TooHigh { limit, value, most }),
                _ => {}
            }
        }
        Ok(())
    }
}
