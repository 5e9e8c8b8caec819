//! How often one object wants to be looked at.

use std::time::Duration;

use capstan_api::keys;
use jiff::SignedDuration;

use crate::queue::InvalidWait;

/// Bounds of the interval that `capstan.dev/poll-interval` asks for. What lies outside is moved to the nearer one: a
/// user's annotation neither floods an external system nor switches polling off.
///
/// Invariants: `0 < shortest <= longest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollLimits {
    shortest: Duration,
    longest: Duration,
}

impl PollLimits {
    /// Bounds of their own.
    pub fn new(shortest: Duration, longest: Duration) -> Result<Self, InvalidWait> {
        if shortest.is_zero() {
            return Err(InvalidWait::Zero);
        }
        if longest < shortest {
            return Err(InvalidWait::CapBelowBase);
        }
        Ok(Self { shortest, longest })
    }

    fn clamp(self, asked: Duration) -> Duration {
        asked.clamp(self.shortest, self.longest)
    }
}

impl Default for PollLimits {
    /// 1 s, which is crossplane's least too, to a day.
    fn default() -> Self {
        Self { shortest: Duration::from_secs(1), longest: Duration::from_hours(24) }
    }
}

/// What is wrong with a poll interval.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} is {0:?}, which is no interval and is ignored; write 90s, 10m or 1h30m", key = keys::POLL_INTERVAL)]
pub(crate) struct InvalidInterval(String);

/// The interval that an annotation asks for, within the limits.
pub(crate) fn interval(text: &str, limits: PollLimits) -> Result<Duration, InvalidInterval> {
    let invalid = || InvalidInterval(text.to_owned());
    let asked: SignedDuration = text.parse().map_err(|_| invalid())?;
    if !asked.is_positive() {
        return Err(invalid());
    }
    Ok(limits.clamp(Duration::try_from(asked).map_err(|_| invalid())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn intervals_are_read_and_kept_within_the_limits() {
        let limits = PollLimits::new(secs(10), secs(3_600)).unwrap();
        for (text, seconds) in [("90s", 90), ("10m", 600), ("1h", 3_600), ("1h30m", 3_600), ("1ms", 10), ("24h", 3_600)]
        {
            assert_eq!(interval(text, limits), Ok(secs(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_interval_is_told() {
        for text in ["", "soon", "10", "0s", "-5m"] {
            assert_eq!(interval(text, PollLimits::default()), Err(InvalidInterval(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn senseless_limits_are_refused() {
        assert_eq!(PollLimits::new(secs(0), secs(1)), Err(InvalidWait::Zero));
        assert_eq!(PollLimits::new(secs(2), secs(1)), Err(InvalidWait::CapBelowBase));
    }
}
