//! `strptime`.

use super::calendar::{Moment, days_before};
use super::format::{MONTHS, WEEKDAYS, composition};

/// What the directives read so far said.
struct Fields {
    year: i64,
    century: Option<i64>,
    is_iso_year: bool,
    /// From 1.
    month: i64,
    day: Option<i64>,
    day_of_year: Option<i64>,
    /// From 0, which is Sunday.
    weekday: Option<i64>,
    week: Option<(Week, i64)>,
    hour: i64,
    is_afternoon: bool,
    minute: i64,
    second: i64,
    microsecond: i64,
    /// East of UTC, in seconds.
    offset: i64,
}

/// How weeks are counted.
#[derive(Clone, Copy, PartialEq)]
enum Week {
    FromSunday,
    FromMonday,
    Iso,
}

/// The seconds since 1970 that `text` means, read by `format`. The error says what does not fit.
pub(super) fn read(text: &str, format: &str) -> Result<f64, String> {
    let mut reader = Reader { rest: text };
    let mut fields = Fields {
        year: 1900,
        century: None,
        is_iso_year: false,
        month: 1,
        day: None,
        day_of_year: None,
        weekday: None,
        week: None,
        hour: 0,
        is_afternoon: false,
        minute: 0,
        second: 0,
        microsecond: 0,
        offset: 0,
    };
    reader.read(format, &mut fields)?;
    if !reader.rest.is_empty() {
        return Err(format!("unparsed string {:?}", reader.rest));
    }
    fields.seconds()
}

impl Fields {
    fn seconds(&self) -> Result<f64, String> {
        let year = self.century.map_or(self.year, |century| century * 100 + self.year % 100);
        let (month, day) = match (self.day, self.day_of_year, self.week) {
            (Some(day), ..) => (self.month - 1, day),
            (None, Some(_), _) if self.is_iso_year => {
                return Err("use \"%Y\" to parse non-ISO year for \"%j\"".to_owned());
            }
            (None, Some(day), _) => (0, day),
            (None, None, Some((Week::Iso, _))) if !self.is_iso_year => {
                return Err("use \"%G\" to parse ISO year for \"%V\"".to_owned());
            }
            (None, None, Some((Week::FromSunday | Week::FromMonday, _))) if self.is_iso_year => {
                return Err("use \"%Y\" to parse non-ISO year for \"%U\" or \"%W\"".to_owned());
            }
            (None, None, Some((week, number))) => (0, self.day_in_week(year, week, number)),
            (None, None, None) => (self.month - 1, 1),
        };
        let hour = if self.is_afternoon { self.hour + 12 } else { self.hour };
        let moment = Moment::of(year, month, day, hour, self.minute, 0.0);
        #[expect(clippy::cast_precision_loss, reason = "seconds are floats in jq")]
        let seconds = (moment.whole_seconds() + self.second - self.offset) as f64;
        #[expect(clippy::cast_precision_loss, reason = "below a million")]
        let fraction = self.microsecond as f64 / 1e6;
        Ok(seconds + fraction)
    }

    /// The day of the year, from 1; may be out of range.
    fn day_in_week(&self, year: i64, week: Week, number: i64) -> i64 {
        let first = (days_before(year, 0) + 4).rem_euclid(7);
        let from_monday = |weekday: i64| (weekday + 6).rem_euclid(7);
        match week {
            Week::FromSunday => number * 7 - first + self.weekday.unwrap_or(0) - if first == 0 { 6 } else { -1 },
            Week::FromMonday => {
                let first = from_monday(first);
                number * 7 - first + from_monday(self.weekday.unwrap_or(1)) - if first == 0 { 6 } else { -1 }
            }
            // Week 1 holds January 4th.
            Week::Iso => {
                let fourth = from_monday(first + 3);
                4 - fourth + (number - 1) * 7 + from_monday(self.weekday.unwrap_or(1))
            }
        }
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn read(&mut self, format: &str, fields: &mut Fields) -> Result<(), String> {
        let mut format = format.chars();
        while let Some(c) = format.next() {
            if c != '%' {
                self.literal(c)?;
                continue;
            }
            match format.next() {
                None => return Err("stray \"%\"".to_owned()),
                Some(directive) => self.directive(directive, fields)?,
            }
        }
        Ok(())
    }

    fn directive(&mut self, directive: char, fields: &mut Fields) -> Result<(), String> {
        let d = directive;
        match d {
            'Y' => fields.year = self.number(d, 4, 0..=9999)?,
            'G' => (fields.year, fields.is_iso_year) = (self.number(d, 4, 0..=9999)?, true),
            'g' => (fields.year, fields.is_iso_year) = (self.number(d, 2, 0..=99)? + 2000, true),
            'y' => {
                let year = self.number(d, 2, 0..=99)?;
                fields.year = if year < 69 { year + 2000 } else { year + 1900 };
            }
            'C' => fields.century = Some(self.number(d, 2, 0..=99)?),
            'm' => fields.month = self.number(d, 2, 1..=12)?,
            'B' => fields.month = self.name(d, MONTHS.into_iter())? + 1,
            'b' | 'h' => fields.month = self.name(d, MONTHS.into_iter().map(|name| &name[..3]))? + 1,
            'A' => fields.weekday = Some(self.name(d, WEEKDAYS.into_iter())?),
            'a' => fields.weekday = Some(self.name(d, WEEKDAYS.into_iter().map(|name| &name[..3]))?),
            'w' => fields.weekday = Some(self.number(d, 1, 0..=6)?),
            'u' => fields.weekday = Some(self.number(d, 1, 1..=7)? % 7),
            'V' => fields.week = Some((Week::Iso, self.number(d, 2, 1..=53)?)),
            'U' => fields.week = Some((Week::FromSunday, self.number(d, 2, 0..=53)?)),
            'W' => fields.week = Some((Week::FromMonday, self.number(d, 2, 0..=53)?)),
            'd' => fields.day = Some(self.number(d, 2, 1..=31)?),
            'e' => fields.day = Some(self.blank().number(d, 2, 1..=31)?),
            'j' => fields.day_of_year = Some(self.number(d, 3, 1..=366)?),
            'H' => fields.hour = self.number(d, 2, 0..=23)?,
            'k' => fields.hour = self.blank().number(d, 2, 0..=23)?,
            'I' => fields.hour = self.number(d, 2, 1..=12)? % 12,
            'l' => fields.hour = self.blank().number(d, 2, 1..=12)? % 12,
            'p' | 'P' => fields.is_afternoon = self.name(d, ["AM", "PM"].into_iter())? == 1,
            'M' => fields.minute = self.number(d, 2, 0..=59)?,
            'S' => fields.second = self.number(d, 2, 0..=60)?,
            's' => {
                #[expect(clippy::cast_precision_loss, reason = "ten digits")]
                let moment = Moment::at(self.number(d, 10, 0..=i64::MAX)? as f64);
                (fields.year, fields.month, fields.day) = (moment.year, moment.month.into(), Some(moment.day.into()));
                (fields.hour, fields.minute, fields.second) =
                    (moment.hour.into(), moment.minute.into(), moment.second.into());
            }
            'f' => {
                let before = self.rest.len();
                let digits = self.number(d, 6, 0..=999_999)?;
                let missing = 6_usize.saturating_sub(before - self.rest.len());
                fields.microsecond = digits * 10_i64.pow(u32::try_from(missing).unwrap_or(0));
            }
            'z' => fields.offset = self.offset()?,
            // Names of other zones mean different things in different places.
            'Z' => {
                let end = self.rest.find(|c: char| !c.is_ascii_uppercase()).unwrap_or(self.rest.len());
                let (name, rest) = self.rest.split_at(end);
                if !matches!(name, "UTC" | "GMT") {
                    return Err(format!("cannot parse {name:?} with \"%Z\""));
                }
                self.rest = rest;
            }
            't' | 'n' => {
                let rest = self.rest.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
                if rest.len() == self.rest.len() {
                    return Err(format!("expected a space for \"%{d}\""));
                }
                self.rest = rest;
            }
            '%' => self.literal('%')?,
            other => match composition(other) {
                Some(format) => self.read(format, fields)?,
                None => return Err(format!("unexpected format \"%{other}\"")),
            },
        }
        Ok(())
    }

    fn literal(&mut self, c: char) -> Result<(), String> {
        // gojq goes byte by byte, and names the byte that it misses.
        self.rest = self.rest.strip_prefix(c).ok_or_else(|| format!("expected {c:?}"))?;
        Ok(())
    }

    /// Skips one blank.
    fn blank(&mut self) -> &mut Self {
        self.rest = self.rest.strip_prefix(' ').unwrap_or(self.rest);
        self
    }

    /// At most `length` digits.
    fn number(&mut self, directive: char, length: usize, range: std::ops::RangeInclusive<i64>) -> Result<i64, String> {
        let end = self.rest.bytes().take(length).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(end);
        match digits.parse() {
            Ok(number) if range.contains(&number) => {
                self.rest = rest;
                Ok(number)
            }
            _ => Err(format!("cannot parse \"%{directive}\"")),
        }
    }

    /// The position of a name, in capital or small letters.
    fn name<'n>(&mut self, directive: char, mut names: impl Iterator<Item = &'n str>) -> Result<i64, String> {
        let is_here = |name: &str| self.rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
        let mut position = 0;
        let found = names.find(|name| {
            position += 1;
            is_here(name)
        });
        let name = found.ok_or_else(|| format!("cannot parse \"%{directive}\""))?;
        self.rest = &self.rest[name.len()..];
        Ok(position - 1)
    }

    /// `Z`, `+01`, `+0130` or `+01:30`, in seconds.
    fn offset(&mut self) -> Result<i64, String> {
        let unfit = || "cannot parse \"%z\"".to_owned();
        if let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            return Ok(0);
        }
        let sign = match self.rest.bytes().next() {
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return Err(unfit()),
        };
        self.rest = &self.rest[1..];
        let two = |reader: &mut Self, range| {
            let before = reader.rest;
            match reader.number('z', 2, range) {
                Ok(number) if before.len() - reader.rest.len() == 2 => Some(number),
                _ => {
                    reader.rest = before;
                    None
                }
            }
        };
        let hours = two(self, 0..=23).ok_or_else(unfit)?;
        let has_colon = self.rest.starts_with(':');
        if has_colon {
            self.rest = &self.rest[1..];
        }
        let minutes = match two(self, 0..=59) {
            None if has_colon => return Err(unfit()),
            minutes => minutes.unwrap_or(0),
        };
        Ok(sign * (hours * 3600 + minutes * 60))
    }
}
