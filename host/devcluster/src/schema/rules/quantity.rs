//! Quantities with which the library can compute.

/// Digits before and after the point. The library keeps all of them in one number of 38, brings quantities to one power of
/// ten to compare or add them, and does not notice when they no longer fit.
const MAX_WHOLE: i32 = 20;
const MAX_FRACTION: i32 = 14;

/// Whether a quantity is too large or too finely divided. What is no quantity at all is for others to say.
pub(super) fn is_out_of_range(text: &str) -> bool {
    let text = text.trim();
    let end = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    // Powers of two are taken for the next power of ten.
    let scale = match suffix {
        "n" => -9,
        "u" => -6,
        "m" => -3,
        "" => 0,
        "k" => 3,
        "Ki" => 4,
        "M" => 6,
        "Mi" => 7,
        "G" => 9,
        "Gi" => 10,
        "T" => 12,
        "Ti" => 13,
        "P" => 15,
        "Pi" => 16,
        "E" => 18,
        "Ei" => 19,
        exponent => match exponent.strip_prefix(['e', 'E']).map(str::parse::<i16>) {
            Some(Ok(exponent)) => i32::from(exponent),
            Some(Err(_)) => return true,
            None => return false,
        },
    };
    let number = number.trim_start_matches(['+', '-', '0']);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |part: &str| i32::try_from(part.len()).unwrap_or(i32::MAX / 2);
    digits(whole) + scale > MAX_WHOLE || digits(fraction) - scale > MAX_FRACTION
}

#[cfg(test)]
mod tests {
    use super::is_out_of_range;

    #[test]
    fn quantities_of_this_world_are_in_range() {
        for fits in
            ["0", "1", "-1.5", "100m", "3n", "9Ei", "99999999999999999999", "1e19", "0.00000000000001", "1E", "x"]
        {
            assert!(!is_out_of_range(fits), "{fits}");
        }
        for too_much in
            ["1e40", "1e-40", "1e99999999999", "100Ei", "0.000000000000001", "123456789012345678901", "9e2147483647"]
        {
            assert!(is_out_of_range(too_much), "{too_much}");
        }
    }
}
