//! The formats of strings that are checked. Unknown formats are not, as in Kubernetes; nor are, unlike there, `email`,
//! `isbn`, `creditcard`, `ssn`, `hexcolor`, `rgbcolor` and `bsonobjectid`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use base64::Engine;
use regex::Regex;
use serde_json::Value;

use super::duration;
use crate::write::names;

/// Whether a value has the format it should have. The formats of numbers are ranges, which are checked with their type.
pub(crate) fn holds(format: &str, value: &Value) -> bool {
    value.as_str().is_none_or(|text| holds_text(format, text))
}

fn holds_text(format: &str, text: &str) -> bool {
    match format {
        "date-time" | "datetime" => text.parse::<jiff::Timestamp>().is_ok(),
        "duration" => duration::parse(text).is_some(),
        "date" => text.parse::<jiff::civil::Date>().is_ok(),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => is_cidr(text),
        "hostname" => text.len() <= 255 && text.split('.').all(|label| label.len() <= 63) && HOSTNAME.is_match(text),
        "mac" => MAC.is_match(text),
        "k8s-long-name" => names::is_subdomain(text),
        "k8s-short-name" => names::is_label(text),
        "uri" => URI.is_match(text),
        "uuid" | "uuid3" | "uuid4" | "uuid5" => {
            UUIDS.iter().any(|(version, pattern)| *version == format && pattern.is_match(text))
        }
        "byte" => base64::engine::general_purpose::STANDARD.decode(text).is_ok(),
        _ => true,
    }
}

static HOSTNAME: LazyLock<Regex> = LazyLock::new(|| {
    let (letter, inner) = (r"[a-zA-Z0-9\p{S}\p{L}]", r"[a-zA-Z0-9\-\p{S}\p{L}]");
    regex(&format!(
        r"^({letter}(-?{letter}{{0,62}})?|({letter}({inner}{{0,61}}{letter})?\.)+[a-zA-Z\p{L}]{{2,63}})$",
        L = "{L}"
    ))
});

/// Six, eight or twenty bytes with colons or dashes between them, or dots between pairs.
static MAC: LazyLock<Regex> = LazyLock::new(|| {
    let bytes = |between: &str| [5, 7, 19].map(|more| format!("([0-9a-fA-F]{{2}}{between}){{{more}}}[0-9a-fA-F]{{2}}"));
    let pairs = [2, 3, 9].map(|more| format!(r"([0-9a-fA-F]{{4}}\.){{{more}}}[0-9a-fA-F]{{4}}"));
    regex(&format!("^({})$", [bytes(":"), bytes("-"), pairs].concat().join("|")))
});

/// Each of the four dashes may be missing.
static UUIDS: LazyLock<[(&str, Regex); 4]> = LazyLock::new(|| {
    let any = "[0-9a-f]{4}";
    let versions = [
        ("uuid", any, any),
        ("uuid3", "3[0-9a-f]{3}", any),
        ("uuid4", "4[0-9a-f]{3}", "[89ab][0-9a-f]{3}"),
        ("uuid5", "5[0-9a-f]{3}", "[89ab][0-9a-f]{3}"),
    ];
    versions.map(|(name, third, fourth)| {
        (name, regex(&format!("(?i)^[0-9a-f]{{8}}-?{any}-?{third}-?{fourth}-?[0-9a-f]{{12}}$")))
    })
});

/// An absolute path, or a scheme and anything.
static URI: LazyLock<Regex> = LazyLock::new(|| regex(r"^(/|[a-zA-Z][a-zA-Z0-9+.-]*:)[^\x00-\x1f\x7f]*$"));

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("written in this file and used by its tests")
}

fn is_cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    let most = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    bits.bytes().all(|byte| byte.is_ascii_digit()) && bits.parse::<u8>().is_ok_and(|bits| bits <= most)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::holds;

    #[test]
    fn known_formats_are_checked_and_others_are_not() {
        assert!(holds("date-time", &json!("2026-01-02T03:04:05Z")));
        assert!(!holds("date-time", &json!("yesterday")));
        assert!(!holds("byte", &json!("***")));
        assert!(holds("duration", &json!("1h30m")));
        assert!(!holds("duration", &json!("soon")));
        assert!(holds("colour", &json!("any")));
        for (format, good, bad) in [
            ("cidr", "10.0.0.0/8", "10.0.0.0/33"),
            ("cidr", "fd00::/64", "10.0.0.0"),
            ("hostname", "a-b.example.org", "-a.example.org"),
            ("k8s-long-name", "a.example", "a_b"),
            ("k8s-short-name", "a", "a.example"),
            ("mac", "00:1a:2B:3c:4d:5e", "00:1a:2B:3c:4d"),
            ("mac", "0000.1111.2222", "00:1a-2B:3c:4d:5e"),
            ("uri", "https://example.org/a?b", "example.org"),
            ("uuid", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}"),
            ("uuid", "F81D4FAE7DEC11D0A76500A0C91E6BF6", "f81d-4fae7dec-11d0-a765-00a0c91e6bf6"),
            ("uuid4", "f81d4fae-7dec-41d0-a765-00a0c91e6bf6", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
        ] {
            assert!(holds(format, &json!(good)), "{format} {good}");
            assert!(!holds(format, &json!(bad)), "{format} {bad}");
        }
    }
}
