//! Points in time: seconds since 1970 in UTC, as numbers, broken down into arrays, and as text.
//!
//! Time zones other than UTC are known by their offset only, and nothing reads a clock.

mod calendar;
mod format;
mod parse;

use calendar::Moment;

use super::errors::{failed, unfit, unfit_with};
use super::value::{Result, Value};

const NANOSECONDS: f64 = 1e9;
/// The start of year 1, in seconds from that of 1970.
const FIRST_MOMENT: f64 = -62_135_596_800.0;

/// `gmtime`: year, month from 0, day, hour, minute, seconds with fraction, weekday from Sunday, day of the year from 0.
pub(super) fn broken_down(value: &Value) -> Result {
    match value.as_float() {
        Some(seconds) => Ok(array(&Moment::at(seconds))),
        None => Err(unfit("gmtime", value)),
    }
}

fn array(moment: &Moment) -> Value {
    let seconds = f64::from(moment.second) + f64::from(moment.nanosecond) / NANOSECONDS;
    let fields = [
        Value::Int(moment.year),
        Value::Int(i64::from(moment.month) - 1),
        Value::Int(moment.day.into()),
        Value::Int(moment.hour.into()),
        Value::Int(moment.minute.into()),
        Value::Float(seconds),
        Value::Int(moment.weekday()),
        Value::Int(moment.day_of_year() - 1),
    ];
    fields.into_iter().collect()
}

/// Fields beyond their range carry over.
fn moment(value: &Value) -> Option<Moment> {
    let [year, month, day, hour, minute, second, weekday, day_of_year] = value.as_list()? else {
        return None;
    };
    weekday.as_float()?;
    day_of_year.as_float()?;
    let integer = Value::as_integer;
    let (year, month, day) = (integer(year)?, integer(month)?, integer(day)?);
    let (hour, minute, second) = (integer(hour)?, integer(minute)?, second.as_float()?);
    Some(Moment::of(year, month, day, hour, minute, second))
}

const NO_TIME: &str = "expected an array of 8 numbers";

/// `mktime`
pub(super) fn seconds(value: &Value) -> Result {
    value.as_list().ok_or_else(|| unfit("mktime", value))?;
    let moment = moment(value).ok_or_else(|| failed("mktime", &[], value, NO_TIME))?;
    Ok(Value::Float(moment.seconds()))
}

/// `strftime`
pub(super) fn format(value: &Value, format: &Value) -> Result {
    let value = if value.is_number() { broken_down(value)? } else { value.clone() };
    let (Some(_), Some(text)) = (value.as_list(), format.as_text()) else {
        return Err(unfit_with("strftime", &[format], &value));
    };
    let moment = moment(&value).ok_or_else(|| failed("strftime", &[format], &value, NO_TIME))?;
    Ok(Value::from(format::written(&moment, text)))
}

/// `strptime`
pub(super) fn parse(value: &Value, format: &Value) -> Result {
    let (Some(text), Some(layout)) = (value.as_text(), format.as_text()) else {
        return Err(unfit_with("strptime", &[format], value));
    };
    let quoted = |text: &str| Value::text(text).to_string();
    let seconds = parse::read(text, layout).map_err(|why| {
        let why = format_args!("failed to parse {} with {}: {why}", quoted(text), quoted(layout)).to_string();
        failed("strptime", &[format], value, why)
    })?;
    // The first moment of year 1 is how Go says that there is none.
    if seconds == FIRST_MOMENT {
        return Err(unfit_with("strptime", &[format], value));
    }
    Ok(array(&Moment::at(seconds)))
}
