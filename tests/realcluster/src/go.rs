//! The Go toolchain of this machine.

use std::process::Command;

/// The first release that fetches by itself the toolchain that `go.mod` asks for.
const OLDEST_GO: u32 = 21;

/// What can be said about the Go toolchain of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Go {
    /// It can build the programs.
    Usable,
    /// There is none, or one too old; the text says what to do.
    Missing(String),
}

impl Go {
    /// `go`, to build something in a folder: static, and the same bytes wherever the sources lie. The versions in `go.mod` are
    /// the ones that count, that of Go among them: some systems forbid their own to fetch another.
    #[must_use]
    pub fn command(folder: &str) -> Command {
        let mut go = Command::new("go");
        go.current_dir(folder).env("CGO_ENABLED", "0").env("GOFLAGS", "-mod=readonly -buildvcs=false");
        go.env("GOTOOLCHAIN", "auto");
        go
    }

    /// Looks for `go` on the path.
    #[must_use]
    pub fn find() -> Self {
        let output = Command::new("go").arg("version").output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        Self::judge(&text)
    }

    /// `go version go1.26.8 linux/amd64`
    fn judge(text: &str) -> Self {
        let minor = text.split("go1.").nth(1).map(|rest| rest.chars().take_while(char::is_ascii_digit).collect());
        match minor.map(|digits: String| digits.parse::<u32>()) {
            Some(Ok(minor)) if minor >= OLDEST_GO => Self::Usable,
            Some(_) => Self::Missing(format!("{} is too old: install Go 1.{OLDEST_GO} or newer", text.trim())),
            None => Self::Missing(format!("install Go 1.{OLDEST_GO} or newer (https://go.dev/dl)")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_toolchain_may_fetch_the_one_that_is_asked_for() {
        if Go::find() != Go::Usable {
            return;
        }
        let asked = Go::command(env!("CARGO_MANIFEST_DIR")).args(["env", "GOTOOLCHAIN"]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&asked.stdout).trim(), "auto");
    }

    #[test]
    fn old_and_absent_toolchains_are_told_apart_from_usable_ones() {
        assert_eq!(Go::judge("go version go1.26.8 linux/amd64\n"), Go::Usable);
        assert_eq!(Go::judge("go version go1.21 linux/amd64"), Go::Usable);
        let Go::Missing(advice) = Go::judge("go version go1.19.8 linux/amd64") else { panic!("too old") };
        assert!(advice.contains("go1.19.8") && advice.contains("1.21"), "{advice}");
        assert!(matches!(Go::judge(""), Go::Missing(_)));
    }
}
