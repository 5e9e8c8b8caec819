//! Several failures as one: a target that cannot be written is no reason not to write the others.

use capstan_sdk::{Failure, Problem, Result};

/// Messages that are told of one reason for failure.
const TOLD: usize = 3;

/// What failed, in the order in which it did.
#[derive(Debug, Default)]
pub(crate) struct Failures(Vec<Failure>);

impl Failures {
    pub(crate) fn add(&mut self, outcome: Result<()>) {
        self.0.extend(outcome.err());
    }

    /// A failure if there was any. It has the reason of the first one that may succeed later, and then is one that may: what
    /// the others wait for wakes the object by itself.
    pub(crate) fn into_result(self) -> Result<()> {
        if let [only] = &self.0[..] {
            return Err(only.clone());
        }
        let Some(first) = self.0.iter().find(|failure| !failure.is_terminal()).or(self.0.first()) else {
            return Ok(());
        };
        let mut messages: Vec<&str> = self.0.iter().map(|failure| failure.problem().message.as_str()).collect();
        messages.dedup();
        let more = messages.len().saturating_sub(TOLD);
        messages.truncate(TOLD);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        let message = format!("{} targets failed: {}{more}", self.0.len(), messages.join("; "));
        Err(with_message(first, message))
    }
}

/// The same failure with another message.
pub(crate) fn with_message(failure: &Failure, message: String) -> Failure {
    let problem = Problem { reason: failure.problem().reason.clone(), message };
    match failure {
        Failure::Retryable(_) => Failure::Retryable(problem),
        Failure::RetryAfter(_, delay) => Failure::RetryAfter(problem, *delay),
        Failure::Terminal(_) => Failure::Terminal(problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn together(failures: &[Failure]) -> Result<()> {
        let mut all = Failures::default();
        for failure in failures {
            all.add(Err(failure.clone()));
        }
        all.into_result()
    }

    #[test]
    fn one_failure_stays_as_it_is_and_none_is_a_success() {
        assert_eq!(together(&[]), Ok(()));
        let one = Failure::terminal("Invalid", "a");
        assert_eq!(together(std::slice::from_ref(&one)), Err(one));
    }

    #[test]
    fn several_are_told_together_and_tried_again_if_one_of_them_may_succeed() {
        let (never, later) = (Failure::terminal("Invalid", "a"), Failure::retryable("Denied", "b"));
        assert_eq!(together(&[never.clone(), later]), Err(Failure::retryable("Denied", "2 targets failed: a; b")));
        let many: Vec<Failure> = (0..9).map(|number| Failure::terminal("Invalid", format!("m{number}"))).collect();
        let expected = "9 targets failed: m0; m1; m2; and 6 more";
        assert_eq!(together(&many), Err(Failure::terminal("Invalid", expected)));
    }
}
