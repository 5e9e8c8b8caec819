//! How long to wait: after failures, and between polls.

use std::time::Duration;

use rand::RngExt;

/// Exponential back-off: `base` doubled with every failed attempt, up to `cap`, shortened by a random part.
///
/// The random part only shortens, so that `cap` is a promise. Invariants: `0 < base <= cap`, `0 <= jitter < 1`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    jitter: f64,
}

/// The interval at which objects are looked at again though nothing changed, plus or minus a random part.
///
/// Invariants: `interval > 0`, `0 <= jitter < 1`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Poll {
    interval: Duration,
    jitter: f64,
}

/// A wait that makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWait {
    /// A wait of nothing would keep a worker busy for ever.
    #[error("a wait must be longer than zero")]
    Zero,
    /// The cap is below the base.
    #[error("the longest wait must not be shorter than the first")]
    CapBelowBase,
    /// Jitter is a fraction of the wait.
    #[error("jitter must be at least 0 and less than 1")]
    Jitter,
}

impl Backoff {
    /// `jitter` is the greatest fraction that is taken off a wait.
    pub fn new(base: Duration, cap: Duration, jitter: f64) -> Result<Self, InvalidWait> {
        if base.is_zero() {
            return Err(InvalidWait::Zero);
        }
        if cap < base {
            return Err(InvalidWait::CapBelowBase);
        }
        Ok(Self { base, cap, jitter: fraction(jitter)? })
    }

    /// The wait after `attempts` failures in a row; the first failure is attempt 1.
    pub fn delay(&self, attempts: u32, random: &mut impl RngExt) -> Duration {
        let doublings = attempts.saturating_sub(1);
        let full = 2u32.checked_pow(doublings).and_then(|factor| self.base.checked_mul(factor)).unwrap_or(self.cap);
        full.min(self.cap).mul_f64(1.0 - self.jitter * random.random::<f64>())
    }
}

impl Default for Backoff {
    /// 1 s to 60 s as in provider-runtime; a tenth of jitter takes objects that failed together apart.
    fn default() -> Self {
        Self { base: Duration::from_secs(1), cap: Duration::from_mins(1), jitter: 0.1 }
    }
}

impl Poll {
    /// `jitter` is the greatest fraction by which a wait is shortened or lengthened.
    pub fn new(interval: Duration, jitter: f64) -> Result<Self, InvalidWait> {
        if interval.is_zero() {
            return Err(InvalidWait::Zero);
        }
        Ok(Self { interval, jitter: fraction(jitter)? })
    }

    /// The same jitter around another interval; around this one if there is none, or if it is zero.
    #[must_use]
    pub fn at(self, interval: Option<Duration>) -> Self {
        Self { interval: interval.filter(|interval| !interval.is_zero()).unwrap_or(self.interval), ..self }
    }

    /// The next wait.
    pub fn delay(&self, random: &mut impl RngExt) -> Duration {
        let swing = 2.0 * random.random::<f64>() - 1.0;
        self.interval.mul_f64(1.0 + self.jitter * swing)
    }
}

impl Default for Poll {
    /// 1 min as in provider-runtime; a tenth of jitter spreads objects that were listed together.
    fn default() -> Self {
        Self { interval: Duration::from_mins(1), jitter: 0.1 }
    }
}

fn fraction(jitter: f64) -> Result<f64, InvalidWait> {
    if (0.0..1.0).contains(&jitter) { Ok(jitter) } else { Err(InvalidWait::Jitter) }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn doubles_from_the_base_to_the_cap() {
        let backoff = Backoff::new(secs(1), secs(60), 0.0).unwrap();
        let mut random = StdRng::seed_from_u64(1);
        let waits: Vec<_> = (1..=9).map(|attempts| backoff.delay(attempts, &mut random).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(backoff.delay(u32::MAX, &mut random), secs(60));
    }

    #[test]
    fn jitter_shortens_within_its_fraction_and_is_repeatable() {
        let backoff = Backoff::new(secs(10), secs(10), 0.5).unwrap();
        let waits = |seed| {
            let mut random = StdRng::seed_from_u64(seed);
            (0..100).map(|_| backoff.delay(1, &mut random)).collect::<Vec<_>>()
        };
        assert!(waits(7).iter().all(|wait| *wait > secs(5) && *wait <= secs(10)));
        assert!(waits(7).iter().any(|wait| *wait < secs(7)));
        assert_eq!(waits(7), waits(7));
    }

    #[test]
    fn polls_swing_around_the_interval() {
        let poll = Poll::new(secs(60), 0.1).unwrap();
        let mut random = StdRng::seed_from_u64(3);
        let waits: Vec<_> = (0..10_000).map(|_| poll.delay(&mut random)).collect();
        assert!(waits.iter().all(|wait| *wait >= secs(54) && *wait <= secs(66)));
        let mean = waits.iter().sum::<Duration>() / 10_000;
        assert!(mean > secs(59) && mean < secs(61), "{mean:?}");
    }

    #[test]
    fn senseless_values_are_refused() {
        assert_eq!(Backoff::new(secs(0), secs(1), 0.0), Err(InvalidWait::Zero));
        assert_eq!(Backoff::new(secs(2), secs(1), 0.0), Err(InvalidWait::CapBelowBase));
        assert_eq!(Poll::new(secs(0), 0.0), Err(InvalidWait::Zero));
        for jitter in [-0.1, 1.0, f64::NAN] {
            assert_eq!(Poll::new(secs(1), jitter), Err(InvalidWait::Jitter));
        }
    }
}
