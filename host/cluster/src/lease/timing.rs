//! How long a lease lasts.

use std::time::Duration;

use rand::RngExt;

/// The greatest part by which a wait between two tries is longer or shorter, so that contenders do not come all at once.
const JITTER: f64 = 0.2;

/// The three times of a lease.
///
/// Invariants: `duration` is a whole number of seconds, as the record can say nothing else; `duration > renew_deadline`, so
/// that a holder stops before another begins; `renew_deadline >= 2 * retry * 1.2`, so that one renewal may fail; `retry > 0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    duration: Duration,
    renew_deadline: Duration,
    retry: Duration,
}

/// Times that make no sense together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTiming {
    /// The record holds whole seconds.
    #[error("a lease lasts for a whole number of seconds, at least one")]
    Duration,
    /// The holder would still write when another has begun.
    #[error("the renewal deadline must be shorter than the lease's duration")]
    Deadline,
    /// A single failure would end the lease, or a wait of nothing would keep the API server busy.
    #[error("the time between two tries must be more than zero and fit more than twice into the renewal deadline")]
    Retry,
}

impl Timing {
    /// `duration`: others take the lease when it did not change for so long. `renew_deadline`: the holder gives up if it could
    /// not renew for so long. `retry`: between two renewals, and between two looks of those who wait.
    pub fn new(duration: Duration, renew_deadline: Duration, retry: Duration) -> Result<Self, InvalidTiming> {
        if duration.is_zero() || duration.subsec_nanos() != 0 || i32::try_from(duration.as_secs()).is_err() {
            return Err(InvalidTiming::Duration);
        }
        if renew_deadline >= duration {
            return Err(InvalidTiming::Deadline);
        }
        if retry.is_zero() || retry.mul_f64(2.0 * (1.0 + JITTER)) > renew_deadline {
            return Err(InvalidTiming::Retry);
        }
        Ok(Self { duration, renew_deadline, retry })
    }

    /// How long others wait for a renewal.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// How long the holder tries to renew before it gives up, counted from when its last good renewal was sent.
    #[must_use]
    pub fn renew_deadline(&self) -> Duration {
        self.renew_deadline
    }

    /// For one request. Half of the deadline, as kube-controller-manager does it: one that hangs leaves time for another.
    pub(super) fn request(&self) -> Duration {
        self.renew_deadline / 2
    }

    /// The wait until the next try.
    pub(super) fn pause(&self, random: &mut impl RngExt) -> Duration {
        let swing = 2.0 * random.random::<f64>() - 1.0;
        self.retry.mul_f64(1.0 + JITTER * swing)
    }
}

impl Default for Timing {
    /// 15 s, 10 s and 2 s, like client-go's users.
    fn default() -> Self {
        let (duration, renew_deadline, retry) = (15, 10, 2);
        Self {
            duration: Duration::from_secs(duration),
            renew_deadline: Duration::from_secs(renew_deadline),
            retry: Duration::from_secs(retry),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    fn timing(duration: u64, renew_deadline: u64, retry: u64) -> Result<Timing, InvalidTiming> {
        Timing::new(
            Duration::from_millis(duration),
            Duration::from_millis(renew_deadline),
            Duration::from_millis(retry),
        )
    }

    #[test]
    fn only_times_that_fit_together_are_taken() {
        assert_eq!(timing(15_000, 10_000, 2_000), Ok(Timing::default()));
        for (duration, renew_deadline, retry, expected) in [
            (0, 0, 0, InvalidTiming::Duration),
            (1_500, 1_000, 100, InvalidTiming::Duration),
            (10_000, 10_000, 2_000, InvalidTiming::Deadline),
            (15_000, 10_000, 0, InvalidTiming::Retry),
            (15_000, 10_000, 4_200, InvalidTiming::Retry),
        ] {
            assert_eq!(timing(duration, renew_deadline, retry), Err(expected), "{duration} {renew_deadline} {retry}");
        }
    }

    #[test]
    fn contenders_do_not_come_all_at_once() {
        let mut random = StdRng::seed_from_u64(1);
        let pauses: Vec<_> = (0..100).map(|_| Timing::default().pause(&mut random)).collect();
        assert!(pauses.iter().all(|pause| (1.6..=2.4).contains(&pause.as_secs_f64())));
        let (least, most) = (pauses.iter().min().unwrap(), pauses.iter().max().unwrap());
        assert!(*most > *least + Duration::from_millis(400));
    }
}
