//! Regular expressions as Go's package `regexp` reads them.

mod translate;

use regex::{Captures, Regex, RegexBuilder};

use super::errors::{unfit, unfit_with};
use super::value::{Error, Result, Value};

/// The most memory that a compiled expression may take, in bytes.
const SIZE_LIMIT: usize = 4 << 20;

/// Go's flags: all matches, capitals and small letters alike, and `.` for line breaks, too.
struct Flags {
    is_global: bool,
    ignores_case: bool,
    dot_is_all: bool,
}

impl Flags {
    fn read(flags: &str) -> Result<Flags> {
        if !flags.chars().all(|flag| matches!(flag, 'g' | 'i' | 'm')) {
            let flags = Value::text(flags);
            return Err(Error::str(format_args!("unsupported regular expression flag: {flags}")));
        }
        let has = |flag| flags.contains(flag);
        Ok(Flags { is_global: has('g'), ignores_case: has('i'), dot_is_all: has('m') })
    }
}

/// The flags given as `value`, null for none; the error is a value of another type.
fn flags(value: &Value) -> std::result::Result<&str, ()> {
    match value {
        Value::Null => Ok(""),
        value => value.as_text().ok_or(()),
    }
}

fn compile(pattern: &str, flags: &Flags) -> Result<Regex> {
    let invalid = |why: String| {
        // As gojq hands it to Go.
        let dot = if flags.dot_is_all { "(?s)" } else { "" };
        let case = if flags.ignores_case { "(?i)" } else { "" };
        let pattern = Value::from(format!("{dot}{case}{}", pattern.replace("(?<", "(?P<")));
        Error::str(format_args!("invalid regular expression {pattern}: error parsing regexp: {why}"))
    };
    let translated = translate::translated(pattern).map_err(&invalid)?;
    let compiled = RegexBuilder::new(&translated)
        .case_insensitive(flags.ignores_case)
        .dot_matches_new_line(flags.dot_is_all)
        .size_limit(SIZE_LIMIT)
        .build();
    compiled.map_err(|error| invalid(error.to_string().lines().last().unwrap_or_default().trim().to_owned()))
}

/// All matches, or whether there is one if `is_test` is true.
pub(super) fn matches(value: &Value, pattern: &Value, flag: &Value, is_test: &Value) -> Result {
    let is_test = *is_test == Value::Bool(true);
    let unfit = |value: &Value| unfit_with(if is_test { "test" } else { "match" }, &[pattern, flag], value);
    // gojq names the empty text in place of the value here.
    let flags = flags(flag).map_err(|()| unfit(&Value::text("")))?;
    let (Some(text), Some(pattern)) = (value.as_text(), pattern.as_text()) else {
        return Err(unfit(value));
    };
    let flags = Flags::read(flags)?;
    let regex = compile(pattern, &flags)?;
    if is_test {
        return Ok(Value::Bool(regex.is_match(text)));
    }
    let count = if flags.is_global { usize::MAX } else { 1 };
    Ok(regex.captures_iter(text).take(count).map(|found| found_value(text, &regex, &found)).collect())
}

fn found_value(text: &str, regex: &Regex, found: &Captures) -> Value {
    let name = |name: Option<&str>| name.map_or(Value::Null, Value::text);
    let groups = regex.capture_names().zip(found.iter()).skip(1);
    let captures = groups.map(|(group, place)| {
        let place = place.map(|place| (place.start(), place.as_str()));
        Value::map(located(text, place).into_iter().chain([("name".into(), name(group))]).collect())
    });
    let whole = found.get(0).map(|place| (place.start(), place.as_str()));
    Value::map(located(text, whole).into_iter().chain([("captures".into(), captures.collect())]).collect())
}

/// Offset and length in characters, and the text itself. A group that took no part has the offset -1.
fn located(text: &str, place: Option<(usize, &str)>) -> [(std::rc::Rc<str>, Value); 3] {
    let characters = |text: &str| Value::from(text.chars().count());
    let (offset, length, string) = match place {
        Some((start, found)) => (characters(&text[..start]), characters(found), Value::text(found)),
        None => (Value::Int(-1), Value::Int(0), Value::Null),
    };
    [("offset".into(), offset), ("length".into(), length), ("string".into(), string)]
}

/// What stands between the matches.
pub(super) fn split(value: &Value, pattern: &Value, flag: &Value) -> Result {
    let text = value.as_text().ok_or_else(|| unfit("split", value))?;
    // These are gojq's words.
    let pattern = pattern.as_text().ok_or_else(|| unfit("split", &Value::text("")))?;
    let flags = flags(flag).map_err(|()| unfit("split", flag))?;
    let regex = compile(pattern, &Flags::read(flags)?)?;
    if text.is_empty() {
        // An expression that matches nothing leaves no part, any other the empty text.
        return Ok(if regex.as_str().is_empty() {
            Value::from_iter([])
        } else {
            [Value::text("")].into_iter().collect()
        });
    }
    let mut parts = Vec::new();
    let mut start = 0;
    for found in regex.find_iter(text) {
        // Nothing at the very start separates nothing.
        if found.end() == 0 {
            continue;
        }
        if found.start() == text.len() && found.is_empty() {
            break;
        }
        parts.push(Value::text(&text[start..found.start()]));
        start = found.end();
    }
    parts.push(Value::text(&text[start..]));
    Ok(parts.into_iter().collect())
}
