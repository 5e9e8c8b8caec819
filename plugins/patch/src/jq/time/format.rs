//! `strftime`.

use super::calendar::Moment;

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The widest field.
const MAX_WIDTH: usize = 1024;

/// What a directive stands for that only combines others.
pub(super) fn composition(directive: char) -> Option<&'static str> {
    Some(match directive {
        'c' => "%a %b %e %H:%M:%S %Y",
        '+' => "%a %b %e %H:%M:%S %Z %Y",
        'F' => "%Y-%m-%d",
        'D' | 'x' => "%m/%d/%y",
        'v' => "%e-%b-%Y",
        'T' | 'X' => "%H:%M:%S",
        'r' => "%I:%M:%S %p",
        'R' => "%H:%M",
        _ => return None,
    })
}

/// What fills a field up to its width.
#[derive(Debug, Clone, Copy, Default)]
enum Fill {
    /// What is usual for the directive.
    #[default]
    Usual,
    /// Nothing.
    None,
    With(char),
}

/// What stands between `%` and the directive.
#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    fill: Fill,
    upper: bool,
    swap: bool,
    width: usize,
}

impl Flags {
    fn read(text: &mut std::str::Chars) -> Option<(Flags, char)> {
        let mut flags = Flags::default();
        loop {
            match text.next()? {
                '-' => flags.fill = Fill::None,
                '_' => flags.fill = Fill::With(' '),
                '0' => flags.fill = Fill::With('0'),
                '^' => flags.upper = true,
                '#' => flags.swap = true,
                digit @ '1'..='9' => {
                    let mut digits = String::from(digit);
                    while let Some(digit @ '0'..='9') = text.clone().next() {
                        digits.push(digit);
                        text.next();
                    }
                    flags.width = digits.parse().unwrap_or(MAX_WIDTH).min(MAX_WIDTH);
                }
                directive => return Some((flags, directive)),
            }
        }
    }

    /// A number of at least `width` digits, filled with `fill` unless the flags say otherwise.
    fn number(self, number: i64, width: usize, fill: char) -> String {
        let width = self.width.max(width);
        let fill = match self.fill {
            Fill::None => return number.to_string(),
            Fill::With(other) => other,
            Fill::Usual => fill,
        };
        let digits = number.to_string();
        fill.to_string().repeat(width.saturating_sub(digits.len())) + &digits
    }

    fn text(self, text: &str) -> String {
        let text = match () {
            // Names of several cases become capitals, and capitals small letters.
            () if self.swap && text.chars().skip(1).all(char::is_uppercase) => text.to_lowercase(),
            () if self.swap || self.upper => text.to_uppercase(),
            () => text.to_owned(),
        };
        let fill = match self.fill {
            Fill::None => return text,
            Fill::With(fill) => fill,
            Fill::Usual => ' ',
        };
        fill.to_string().repeat(self.width.saturating_sub(text.len())) + &text
    }
}

/// `moment` as `format` says. Directives that do not exist stand for themselves.
pub(super) fn written(moment: &Moment, format: &str) -> String {
    let mut out = String::new();
    let mut rest = format.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let directive = rest.as_str();
        match Flags::read(&mut rest) {
            None => {
                out.push('%');
                out.push_str(directive);
                return out;
            }
            Some((flags, directive)) => out.push_str(&field(moment, flags, directive)),
        }
    }
    out
}

fn field(moment: &Moment, flags: Flags, directive: char) -> String {
    let number = |number: i64, width: usize| flags.number(number, width, '0');
    let blank = |number: i64| flags.number(number, 2, ' ');
    let hour = i64::from(moment.hour);
    let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
    let weekday = moment.weekday();
    let name =
        |names: &[&'static str], at: i64| usize::try_from(at).ok().and_then(|at| names.get(at).copied()).unwrap_or("");
    let half = if hour < 12 { "AM" } else { "PM" };
    match directive {
        'Y' => number(moment.year, if flags.width == 0 { 4 } else { 1 }),
        'y' => number(moment.year % 100, 2),
        'C' => number(moment.year / 100, 2),
        'G' => number(moment.iso_week().0, if flags.width == 0 { 4 } else { 1 }),
        'g' => number(moment.iso_week().0 % 100, 2),
        'V' => number(moment.iso_week().1, 2),
        'm' => number(moment.month.into(), 2),
        'B' => flags.text(name(&MONTHS, i64::from(moment.month) - 1)),
        'b' | 'h' => flags.text(&name(&MONTHS, i64::from(moment.month) - 1)[..3]),
        'A' => flags.text(name(&WEEKDAYS, weekday)),
        'a' => flags.text(&name(&WEEKDAYS, weekday)[..3]),
        'w' => number(weekday, 1),
        'u' => number(if weekday == 0 { 7 } else { weekday }, 1),
        'U' => number((moment.day_of_year() + 6 - weekday) / 7, 2),
        'W' => number((moment.day_of_year() + 6 - (weekday + 6) % 7) / 7, 2),
        'd' => number(moment.day.into(), 2),
        'e' => blank(moment.day.into()),
        'j' => number(moment.day_of_year(), 3),
        'H' => number(hour, 2),
        'k' => blank(hour),
        'I' => number(twelve, 2),
        'l' => blank(twelve),
        'p' => flags.text(half),
        'P' => Flags { swap: !(flags.upper || flags.swap), ..flags }.text(half),
        'M' => number(moment.minute.into(), 2),
        'S' => number(moment.second.into(), 2),
        's' => flags.number(moment.whole_seconds(), 1, ' '),
        'f' => number(i64::from(moment.nanosecond / 1000), if flags.width == 0 { 6 } else { 1 }),
        'Z' => flags.text("UTC"),
        'z' => "+0000".to_owned(),
        't' => flags.text("\t"),
        'n' => flags.text("\n"),
        '%' => flags.text("%"),
        other => match composition(other) {
            Some(format) => written(moment, format),
            None => format!("%{other}"),
        },
    }
}
