//! Floating-point numbers as text, the way Go's `strconv.FormatFloat` writes them. Both languages of transforms come
//! from Go, so both print numbers like this.

/// The exponent from which `%g` without a precision uses scientific notation; with one it is the precision.
const SHORTEST_THRESHOLD: i32 = 6;

/// More digits than a float has in decimal notation, before or after the point: all further ones are zeros. Rust's own
/// formatting takes no precision above 65,535, where Go's goes on.
const ALL_DIGITS: usize = 1100;

/// The fewest decimal digits that read back as the same number: `0.d1d2d3... * 10^point`.
struct Decimal {
    digits: String,
    point: i32,
}

impl Decimal {
    /// From Rust's scientific notation, which is exact with a precision and shortest without one.
    fn parse(scientific: &str) -> Decimal {
        let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
        let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
        Decimal { digits, point: exponent.parse().unwrap_or(0) + 1 }
    }

    fn exponent(&self) -> i32 {
        self.point - 1
    }

    /// `1.5e+20`: at least two digits of exponent.
    fn scientific(&self) -> String {
        let (first, rest) = self.digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        let exponent = self.exponent();
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{first}{dot}{rest}e{sign}{:02}", exponent.unsigned_abs())
    }

    /// `0.0015`, `1500`: no exponent, no more zeros than needed.
    fn plain(&self) -> String {
        let count = i32::try_from(self.digits.len()).unwrap_or(i32::MAX);
        let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
        if self.point <= 0 {
            format!("0.{}{}", zeros(-self.point), self.digits)
        } else if self.point >= count {
            format!("{}{}", self.digits, zeros(self.point - count))
        } else {
            let (whole, fraction) = self.digits.split_at(usize::try_from(self.point).unwrap_or(0));
            format!("{whole}.{fraction}")
        }
    }
}

fn signed(number: f64, write: impl FnOnce(f64) -> String) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    let sign = if number.is_sign_negative() { "-" } else { "" };
    if number.is_infinite() {
        return if sign.is_empty() { "+Inf".to_owned() } else { "-Inf".to_owned() };
    }
    format!("{sign}{}", write(number.abs()))
}

/// Verbs `g` and `v`: the shorter of plain and scientific notation, with `precision` significant digits or as many as
/// needed to read back the same number.
pub(crate) fn general(number: f64, precision: Option<usize>) -> String {
    signed(number, |number| {
        if number == 0.0 {
            return "0".to_owned();
        }
        let (mut decimal, threshold) = match precision.map(|precision| precision.max(1)) {
            None => (Decimal::parse(&format!("{number:e}")), SHORTEST_THRESHOLD),
            Some(precision) => {
                let rounded = Decimal::parse(&format!("{number:.*e}", (precision - 1).min(ALL_DIGITS)));
                (rounded, i32::try_from(precision).unwrap_or(i32::MAX))
            }
        };
        let significant = decimal.digits.trim_end_matches('0').len().max(1);
        decimal.digits.truncate(significant);
        if decimal.exponent() < -4 || decimal.exponent() >= threshold { decimal.scientific() } else { decimal.plain() }
    })
}

/// Verb `e`: scientific notation with `precision` digits after the point.
pub(crate) fn scientific(number: f64, precision: usize) -> String {
    let exact = precision.min(ALL_DIGITS);
    signed(number, |number| {
        let mut decimal = Decimal::parse(&format!("{number:.exact$e}"));
        decimal.digits.push_str(&"0".repeat(precision - exact));
        decimal.scientific()
    })
}

/// Verb `f`: plain notation with `precision` digits after the point.
pub(crate) fn plain(number: f64, precision: usize) -> String {
    let exact = precision.min(ALL_DIGITS);
    signed(number, |number| format!("{number:.exact$}") + &"0".repeat(precision - exact))
}

/// How JSON encoders of Go write a finite number: plain from 1e-6 to below 1e21, else scientific.
pub(crate) fn json(number: f64) -> String {
    signed(number, |number| {
        if number == 0.0 {
            return "0".to_owned();
        }
        let decimal = Decimal::parse(&format!("{number:e}"));
        if (1e-6..1e21).contains(&number) {
            return decimal.plain();
        }
        let text = decimal.scientific();
        // A negative exponent of one digit has no leading zero.
        match text.split_once("e-0") {
            Some((mantissa, digit)) => format!("{mantissa}e-{digit}"),
            None => text,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn general_notation_changes_to_an_exponent_where_go_does() {
        let table = [
            (0.0, "0"),
            (-0.5, "-0.5"),
            (100_000.0, "100000"),
            (999_999.0, "999999"),
            (1_000_000.0, "1e+06"),
            (1_234_567.5, "1.2345675e+06"),
            (0.0001, "0.0001"),
            (0.000_012_34, "1.234e-05"),
            (1e100, "1e+100"),
            (f64::INFINITY, "+Inf"),
            (f64::NAN, "NaN"),
        ];
        for (number, text) in table {
            assert_eq!(general(number, None), text);
        }
        assert_eq!(general(100_000.0, Some(3)), "1e+05");
        assert_eq!(general(100_000.0, Some(6)), "100000");
        assert_eq!(general(123.0, Some(0)), "1e+02");
    }

    #[test]
    fn precisions_beyond_all_digits_end_in_zeros() {
        for precision in [ALL_DIGITS - 1, ALL_DIGITS, ALL_DIGITS + 1, 70_000, 1_000_000] {
            let least = plain(5e-324, precision);
            assert_eq!(least.len(), precision + 2);
            assert_eq!(least.trim_end_matches('0').len(), 1076, "{precision}");
            let text = scientific(5e-324, precision);
            assert!(text.len() == precision + 7 && text.ends_with("0e-324"), "{precision}");
            assert_eq!(general(0.5, Some(precision)), "0.5");
        }
        assert_eq!(scientific(1.5, 70_000), format!("1.5{}e+00", "0".repeat(69_999)));
    }

    #[test]
    fn json_notation_is_plain_up_to_21_digits() {
        let table = [
            (1e20, "100000000000000000000"),
            (1.5e21, "1.5e+21"),
            (0.000_001, "0.000001"),
            (1e-7, "1e-7"),
            (2.5, "2.5"),
        ];
        for (number, text) in table {
            assert_eq!(json(number), text);
        }
    }
}
