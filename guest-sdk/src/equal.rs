//! Equality of JSON values by meaning: `3` equals `3.0`, whatever type carried the number.

use serde_json::{Number, Value};

/// Whether two values mean the same: `3` equals `3.0`, which the API server stores one for the other. Numbers are compared
/// exactly, also beyond 2^53 where a conversion to float would make neighbours equal. Lists and objects are compared as
/// wholes: unlike in [`Difference::between`](crate::Difference::between), nothing is left out.
#[must_use]
pub fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => equal_numbers(left, right),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, left)| right.get(key).is_some_and(|right| equal(left, right)))
        }
        _ => left == right,
    }
}

fn equal_numbers(left: &Number, right: &Number) -> bool {
    match (left.as_i128(), right.as_i128()) {
        (Some(left), Some(right)) => left == right,
        (Some(integer), None) => right.as_f64().is_some_and(|float| equal_to_float(integer, float)),
        (None, Some(integer)) => left.as_f64().is_some_and(|float| equal_to_float(integer, float)),
        (None, None) => left.as_f64() == right.as_f64(),
    }
}

/// JSON integers have at most 64 bits here, so every float that may equal one converts to `i128` without loss; the cast
/// saturates for all others.
#[expect(clippy::cast_possible_truncation, reason = "fractions are excluded, and what is out of range saturates")]
fn equal_to_float(integer: i128, float: f64) -> bool {
    float.fract() == 0.0 && float as i128 == integer
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_compared_by_value_not_by_type() {
        assert!(equal(&json!(3), &json!(3.0)));
        assert!(equal(&json!(3.0), &json!(3u64)));
        assert!(equal(&json!(-0.0), &json!(0)));
        assert!(equal(&json!(2.5), &json!(2.5)));
        assert!(!equal(&json!(3), &json!(3.5)));
        assert!(!equal(&json!(3), &json!("3")));
    }

    #[test]
    fn integers_beyond_the_precision_of_floats_stay_distinct() {
        let exact = 9_007_199_254_740_993_i64;
        assert!(!equal(&json!(exact), &json!(exact - 1)));
        assert!(!equal(&json!(exact), &json!(9_007_199_254_740_992.0)));
        assert!(equal(&json!(exact - 1), &json!(9_007_199_254_740_992.0)));
        assert!(!equal(&json!(u64::MAX), &json!(18_446_744_073_709_551_616.0)));
        assert!(!equal(&json!(i64::MAX), &json!(1e300)));
        assert!(!equal(&json!(u64::MAX), &json!(-1)));
    }

    #[test]
    fn lists_and_maps_are_compared_deeply() {
        assert!(equal(&json!({"a": [1, {"b": 2}]}), &json!({"a": [1.0, {"b": 2.0}]})));
        assert!(!equal(&json!({"a": 1}), &json!({"a": 1, "b": null})));
        assert!(!equal(&json!({"a": 1, "c": 2}), &json!({"a": 1, "b": 2})));
        assert!(!equal(&json!([1, 2]), &json!([2, 1])));
        assert!(!equal(&json!([1]), &json!([1, 2])));
        assert!(!equal(&json!(null), &json!(false)));
    }
}
