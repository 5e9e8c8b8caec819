//! What becomes of a test without its guard.

use std::process::Output;

use super::Guard;

/// What became of a test.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It failed, and nothing else did.
    Missed,
    /// It did not end, which somebody would notice too.
    Hangs,
    /// It passed, or there is none of that name.
    NotMissed,
    /// It could not be seen: what is left does not compile.
    DoesNotCompile(String),
    /// It could not be seen: something else than this test went wrong, or all of them together.
    NotSeen(String),
}

impl Verdict {
    /// By what was said of this one test: `None` if it did not end in time.
    pub(super) fn of(test: &str, output: Option<&Output>) -> Self {
        let Some(output) = output else { return Self::Hangs };
        if output.status.success() {
            return Self::NotMissed;
        }
        let said = String::from_utf8_lossy(&output.stdout);
        if failed_alone(test, &said) {
            return Self::Missed;
        }
        Self::NotSeen(format!("{said}{}", String::from_utf8_lossy(&output.stderr)))
    }

    /// Whether somebody would have noticed that the guard is gone.
    pub(super) fn is_noticed(&self) -> bool {
        matches!(self, Self::Missed | Self::Hangs)
    }

    /// For people.
    pub(super) fn line(&self, guard: &Guard) -> String {
        let Guard { name, file, test, .. } = guard;
        match self {
            Self::Missed => format!("missed       {name:28} {test}"),
            Self::Hangs => format!("missed       {name:28} {test} hangs"),
            Self::NotMissed => format!("NOT MISSED   {name:28} {test} passes without `{}` in {file}", guard.text),
            Self::DoesNotCompile(said) => format!("NOT SEEN     {name:28} {file} does not compile without it:\n{said}"),
            Self::NotSeen(said) => {
                format!("NOT SEEN     {name:28} {test} neither passes nor fails as tests do:\n{said}")
            }
        }
    }
}

/// Whether the one test that failed is this. There is a summary for each package, and what crashes has none.
fn failed_alone(test: &str, said: &str) -> bool {
    let failed: Vec<&str> = said.lines().filter(|line| line.starts_with("test result: FAILED.")).collect();
    let is_named = said.lines().any(|line| line.strip_prefix("    ") == Some(test));
    matches!(failed[..], [summary] if summary.contains(" 0 passed; 1 failed;")) && is_named
}

#[cfg(test)]
mod tests {
    use std::{os::unix::process::ExitStatusExt, process::ExitStatus};

    use super::*;

    const NONE: &str =
        "running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 9 filtered out\n";

    fn failed(test: &str, summary: &str) -> String {
        let said = format!("---- {test} stdout ----\nas it is\n\nfailures:\n    {test}\n");
        format!("{NONE}running 1 test\nF\nfailures:\n\n{said}\ntest result: FAILED. {summary}\n{NONE}")
    }

    fn verdict(code: i32, said: &str) -> Verdict {
        let output = Output { status: ExitStatus::from_raw(code << 8), stdout: said.into(), stderr: b"why".into() };
        Verdict::of("a::b", Some(&output))
    }

    #[test]
    fn a_guard_is_missed_if_its_test_alone_fails_or_hangs() {
        let missed = verdict(101, &failed("a::b", "0 passed; 1 failed; 0 ignored"));
        assert_eq!((&missed, Verdict::of("a::b", None)), (&Verdict::Missed, Verdict::Hangs));
        assert!(missed.is_noticed() && Verdict::Hangs.is_noticed());
        assert_eq!(verdict(0, NONE), Verdict::NotMissed);
        assert!(!Verdict::NotMissed.is_noticed());
    }

    #[test]
    fn what_goes_wrong_otherwise_is_no_test_that_failed() {
        let twice = failed("a::b", "0 passed; 1 failed; 0 ignored").repeat(2);
        let said = [
            // A crash, a full disk, cargo that cannot do it.
            NONE.to_owned(),
            "running 1 test\n".to_owned(),
            failed("b", "0 passed; 1 failed; 0 ignored"),
            failed("a::b", "0 passed; 2 failed; 0 ignored"),
            twice,
        ];
        for said in said {
            let seen = verdict(101, &said);
            assert_eq!(seen, Verdict::NotSeen(format!("{said}why")));
            assert!(!seen.is_noticed());
        }
    }
}
