//! The string and number formats that are checked; unknown formats are not, as in Kubernetes.

use std::net::{Ipv4Addr, Ipv6Addr};

use base64::Engine;
use serde_json::Value;

use super::duration;

/// Whether a value has the format it should have.
pub(crate) fn holds(format: &str, value: &Value) -> bool {
    match value {
        Value::Number(number) if format == "int32" => {
            number.is_f64() || number.as_i64().is_some_and(|number| i32::try_from(number).is_ok())
        }
        Value::Number(number) if format == "int64" => number.is_f64() || number.is_i64(),
        Value::String(text) => holds_text(format, text),
        _ => true,
    }
}

fn holds_text(format: &str, text: &str) -> bool {
    match format {
        "date-time" | "datetime" => text.parse::<jiff::Timestamp>().is_ok(),
        "duration" => duration::parse(text).is_some(),
        "date" => text.parse::<jiff::civil::Date>().is_ok(),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "uuid" => uuid::Uuid::parse_str(text).is_ok(),
        "byte" => base64::engine::general_purpose::STANDARD.decode(text).is_ok(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::holds;

    #[test]
    fn known_formats_are_checked_and_others_are_not() {
        assert!(holds("date-time", &json!("2026-01-02T03:04:05Z")));
        assert!(!holds("date-time", &json!("yesterday")));
        assert!(!holds("int32", &json!(3_000_000_000_u64)));
        assert!(!holds("byte", &json!("***")));
        assert!(holds("duration", &json!("1h30m")));
        assert!(!holds("duration", &json!("soon")));
        assert!(holds("colour", &json!("any")));
    }
}
