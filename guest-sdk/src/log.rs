//! Structured log lines. The host adds provider, kind, object and reconcile id to each.
//!
//! The macros [`error!`](crate::error), [`warn!`](crate::warn), [`info!`](crate::info), [`debug!`](crate::debug) and
//! [`trace!`](crate::trace) take fields, a semicolon, and a message as for `format!`; what would not be kept is not
//! even formatted.
//!
//! ```
//! let (name, bytes) = ("greeting", 17);
//! capstan_sdk::info!("wrote {name}");
//! capstan_sdk::warn!(bytes = bytes, name = name; "longer than usual");
//! ```

use crate::host;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something is broken.
    Error,
    /// Something may break.
    Warn,
    /// Something happened that an administrator wants to know.
    Info,
    /// For finding defects.
    Debug,
    /// For finding defects that hide well.
    Trace,
}

/// Writes a line. Number and length of lines are limited: what is too much is cut, and the host says so once.
pub fn write(level: Level, message: &str, fields: &[(&str, String)]) {
    host::log(level, message, fields);
}

/// Whether a line of that level would be kept.
#[must_use]
pub fn enabled(level: Level) -> bool {
    host::log_enabled(level)
}

/// Writes a log line of a level that is computed; otherwise like [`info!`](crate::info).
#[macro_export]
macro_rules! log {
    ($level:expr, $($key:ident = $value:expr),+ ; $($message:tt)+) => {{
        let level = $level;
        if $crate::log::enabled(level) {
            let fields = [$((::core::stringify!($key), ::std::string::ToString::to_string(&$value))),+];
            $crate::log::write(level, &::std::format!($($message)+), &fields);
        }
    }};
    ($level:expr, $($message:tt)+) => {{
        let level = $level;
        if $crate::log::enabled(level) {
            $crate::log::write(level, &::std::format!($($message)+), &[]);
        }
    }};
}

/// Something is broken. `error!("message {}", value)` or `error!(key = value, other = value; "message")`.
#[macro_export]
macro_rules! error { ($($line:tt)+) => { $crate::log!($crate::log::Level::Error, $($line)+) }; }

/// Something may break. `warn!("message {}", value)` or `warn!(key = value, other = value; "message")`.
#[macro_export]
macro_rules! warn { ($($line:tt)+) => { $crate::log!($crate::log::Level::Warn, $($line)+) }; }

/// Something happened. `info!("message {}", value)` or `info!(key = value, other = value; "message")`.
#[macro_export]
macro_rules! info { ($($line:tt)+) => { $crate::log!($crate::log::Level::Info, $($line)+) }; }

/// For finding defects. `debug!("message {}", value)` or `debug!(key = value, other = value; "message")`.
#[macro_export]
macro_rules! debug { ($($line:tt)+) => { $crate::log!($crate::log::Level::Debug, $($line)+) }; }

/// For finding defects that hide well. Arguments as those of [`debug!`](crate::debug).
#[macro_export]
macro_rules! trace { ($($line:tt)+) => { $crate::log!($crate::log::Level::Trace, $($line)+) }; }
