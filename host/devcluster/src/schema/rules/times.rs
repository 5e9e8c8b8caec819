//! Times: their parts in a time zone, and their texts.

use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};
use kube_cel::cel::objects::Value;

use super::failure::Failure;

/// A part of a time, by the name of the function that gives it. Months and most days count from zero.
pub(super) fn part(name: &str, time: &Zoned) -> Option<i64> {
    Some(match name {
        "getFullYear" => time.year().into(),
        "getMonth" => i64::from(time.month()) - 1,
        "getDate" => time.day().into(),
        "getDayOfMonth" => i64::from(time.day()) - 1,
        "getDayOfWeek" => time.weekday().to_sunday_zero_offset().into(),
        "getDayOfYear" => i64::from(time.day_of_year()) - 1,
        "getHours" => time.hour().into(),
        "getMinutes" => time.minute().into(),
        "getSeconds" => time.second().into(),
        "getMilliseconds" => time.millisecond().into(),
        _ => return None,
    })
}

/// A time in a zone: an offset such as `-02:30`, or a name. Without one it is UTC, whatever the time was written with.
pub(super) fn in_zone(seconds: i64, nanoseconds: u32, zone: Option<&Value>) -> Result<Zoned, Failure> {
    let failed = |error: jiff::Error| Failure::Function(error.to_string());
    let time = Timestamp::new(seconds, nanoseconds.cast_signed()).map_err(failed)?;
    let zone = match zone {
        None => TimeZone::UTC,
        Some(Value::String(name)) => match offset(name) {
            Some(offset) => TimeZone::fixed(offset),
            None if *name.as_str() == *"UTC" => TimeZone::UTC,
            None => TimeZone::get(name).map_err(failed)?,
        },
        Some(_) => return Err(Failure::NoSuchOverload),
    };
    Ok(time.to_zoned(zone))
}

fn offset(text: &str) -> Option<Offset> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (hours, minutes) = text.split_once(':')?;
    let seconds = hours.parse::<i32>().ok()?.checked_mul(3600)?.checked_add(minutes.parse::<i32>().ok()? * 60)?;
    Offset::from_seconds(if negative { -seconds } else { seconds }).ok()
}

/// The text of a time as Go writes it, from one with a fraction of fixed length and a numeric offset.
pub(super) fn text(rfc3339: &str) -> String {
    let (time, offset) = match rfc3339.rfind(['+', '-']).filter(|at| *at > rfc3339.find('T').unwrap_or(0)) {
        Some(at) => rfc3339.split_at(at),
        None => (rfc3339, ""),
    };
    let time = if time.contains('.') { time.trim_end_matches('0').trim_end_matches('.') } else { time };
    format!("{time}{}", if offset == "+00:00" { "Z" } else { offset })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_those_of_the_zone() {
        let hour = |zone: Option<&str>| {
            let zone = zone.map(Value::from);
            in_zone(1_313_690_617, 10_000_000, zone.as_ref()).map(|time| part("getHours", &time))
        };
        assert_eq!(hour(None), Ok(Some(18)));
        assert_eq!(hour(Some("UTC")), Ok(Some(18)));
        assert_eq!(hour(Some("01:00")), Ok(Some(19)));
        assert_eq!(hour(Some("-02:30")), Ok(Some(15)));
        assert!(hour(Some("Nowhere/At all")).is_err());
    }

    #[test]
    fn texts_are_short_and_keep_their_offset() {
        assert_eq!(text("2011-08-18T19:03:37.010+01:00"), "2011-08-18T19:03:37.01+01:00");
        assert_eq!(text("2011-08-18T19:03:30+00:00"), "2011-08-18T19:03:30Z");
        assert_eq!(text("2011-08-18T19:03:30-01:00"), "2011-08-18T19:03:30-01:00");
    }
}
