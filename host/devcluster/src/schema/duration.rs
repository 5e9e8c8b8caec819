//! The format `duration`: what Go reads as one (`1h30m`), and amounts of named units (`2 days`).

use std::time::Duration;

/// Units from nanoseconds to weeks. The last name of each also stands for all words that begin with it.
const UNITS: &[(&[&str], u64)] = &[
    (&["ns", "nano"], 1),
    (&["us", "µs", "μs", "micro"], 1_000),
    (&["ms", "milli"], 1_000_000),
    (&["s", "sec"], 1_000_000_000),
    (&["m", "min"], 60 * 1_000_000_000),
    (&["h", "hr", "hour"], 3_600 * 1_000_000_000),
    (&["d", "day"], 86_400 * 1_000_000_000),
    (&["w", "wk", "week"], 604_800 * 1_000_000_000),
];

/// Nanoseconds, with a sign; `None` if the text is no duration or longer than 64 bits of nanoseconds.
pub(super) fn parse(text: &str) -> Option<i64> {
    let (negative, amounts) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if amounts == "0" {
        return Some(0);
    }
    let mut total = 0_u64;
    let mut rest = amounts.trim();
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(end);
        let after = after.trim_start();
        let end = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        total = total.checked_add(amount(number, nanoseconds(unit)?)?)?;
        rest = after.trim_start();
    }
    if total == 0 && amounts.is_empty() {
        return None;
    }
    let total = i64::try_from(total).ok()?;
    Some(if negative { -total } else { total })
}

fn nanoseconds(unit: &str) -> Option<u64> {
    let unit = unit.to_lowercase();
    let named = |names: &[&str]| names.contains(&&*unit) || names.last().is_some_and(|last| unit.starts_with(last));
    UNITS.iter().find(|(names, _)| named(names)).map(|(_, nanoseconds)| *nanoseconds)
}

/// A decimal number of units, without rounding errors where there is no fraction.
fn amount(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()? };
    let fraction: f64 = if fraction.is_empty() { 0.0 } else { format!("0.{fraction}").parse().ok()? };
    let part = Duration::from_nanos(unit).mul_f64(fraction);
    whole.checked_mul(unit)?.checked_add(u64::try_from(part.as_nanos()).ok()?)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn durations_of_go_and_of_people_are_read() {
        const SECOND: i64 = 1_000_000_000;
        let cases = [
            ("0", Some(0)),
            ("1h30m", Some(5_400 * SECOND)),
            ("1.5s", Some(3 * SECOND / 2)),
            ("-250ms", Some(-SECOND / 4)),
            ("2 days", Some(172_800 * SECOND)),
            ("1 week 3 hours", Some((604_800 + 10_800) * SECOND)),
            ("10", None),
            ("soon", None),
            ("", None),
            ("1 parsec", None),
            ("1.2.3s", None),
            ("99999999999h", None),
        ];
        for (text, wanted) in cases {
            assert_eq!(parse(text), wanted, "{text:?}");
        }
    }
}
