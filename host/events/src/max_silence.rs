//! For how long the same warning may be held back.

use std::{str::FromStr, time::Duration};

use jiff::SignedDuration;

/// How long the same warning about an object is held back before it is published again.
///
/// Written as Krateo's `EVENTRECORDER_MAX_SILENCE`: `5m`, `90s`, `1h30m`; zero and less mean for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxSilence(Option<Duration>);

/// The text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no duration: write 90s, 5m or 1h30m; 0 holds repetitions back for ever")]
pub struct InvalidSilence(String);

impl MaxSilence {
    /// Repetitions are never published.
    pub const FOR_EVER: Self = Self(None);

    /// A repetition is published once the same was held back for so long.
    #[must_use]
    pub fn of(longest: Duration) -> Self {
        Self((!longest.is_zero()).then_some(longest))
    }

    /// Whether it is time to speak again, after the same was held back for `held`.
    #[must_use]
    pub fn is_over(self, held: Duration) -> bool {
        self.0.is_some_and(|longest| held >= longest)
    }
}

impl Default for MaxSilence {
    /// 5 min, as in provider-runtime.
    fn default() -> Self {
        Self(Some(Duration::from_mins(5)))
    }
}

impl FromStr for MaxSilence {
    type Err = InvalidSilence;

    fn from_str(text: &str) -> Result<Self, InvalidSilence> {
        if text == "0" {
            return Ok(Self::FOR_EVER);
        }
        let duration: SignedDuration = text.parse().map_err(|_| InvalidSilence(text.to_owned()))?;
        // Below zero is for ever too.
        Ok(Self::of(Duration::try_from(duration).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_provider_runtime_reads() {
        for (text, seconds) in [("5m", 300), ("90s", 90), ("1h30m", 5_400)] {
            assert_eq!(text.parse(), Ok(MaxSilence::of(Duration::from_secs(seconds))), "{text}");
        }
        for text in ["0", "0s", "-1s"] {
            assert_eq!(text.parse(), Ok(MaxSilence::FOR_EVER), "{text}");
        }
        for text in ["", "5", "soon"] {
            assert_eq!(text.parse::<MaxSilence>(), Err(InvalidSilence(text.to_owned())));
        }
    }

    #[test]
    fn it_is_over_after_its_time_or_never() {
        let silence = MaxSilence::of(Duration::from_secs(10));
        assert!(!silence.is_over(Duration::from_secs(9)));
        assert!(silence.is_over(Duration::from_secs(10)));
        assert!(!MaxSilence::FOR_EVER.is_over(Duration::MAX));
    }
}
