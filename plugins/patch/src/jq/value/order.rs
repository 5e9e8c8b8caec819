//! Comparison: null < false < true < numbers < strings < arrays < objects.
//!
//! Operators go by gojq, where what is not a number is less than everything, itself included. That is no order to sort
//! by, so sorting goes by one in which it equals itself and comes first among the numbers, which looks the same.

use std::cmp::Ordering;

use super::Value;

impl Value {
    fn rank(&self) -> u8 {
        match self {
            Value::Null => 0,
            Value::Bool(false) => 1,
            Value::Bool(true) => 2,
            Value::Int(_) | Value::Long(_) | Value::Float(_) => 3,
            Value::Text(_) => 4,
            Value::List(_) => 5,
            Value::Map(_) => 6,
        }
    }

    fn compare(&self, other: &Self, floats: fn(f64, f64) -> Ordering) -> Ordering {
        match (self, other) {
            (Value::Int(left), Value::Int(right)) => left.cmp(right),
            (Value::Text(left), Value::Text(right)) => left.cmp(right),
            (Value::List(left), Value::List(right)) => each(left.iter(), right.iter(), floats),
            // First by the names of the keys, then by their values.
            (Value::Map(left), Value::Map(right)) => {
                left.keys().cmp(right.keys()).then_with(|| each(left.values(), right.values(), floats))
            }
            _ => match (self.as_long(), other.as_long(), self.as_float(), other.as_float()) {
                (Some(left), Some(right), ..) => left.cmp(&right),
                (.., Some(left), Some(right)) => floats(left, right),
                _ => self.rank().cmp(&other.rank()),
            },
        }
    }
}

fn each<'v>(
    left: impl ExactSizeIterator<Item = &'v Value>,
    right: impl ExactSizeIterator<Item = &'v Value>,
    floats: fn(f64, f64) -> Ordering,
) -> Ordering {
    let lengths = left.len().cmp(&right.len());
    let mut pairs = left.zip(right).map(|(left, right)| left.compare(right, floats));
    pairs.find(|order| order.is_ne()).unwrap_or(lengths)
}

/// The first that is not a number is less.
fn by_operator(left: f64, right: f64) -> Ordering {
    if left.is_nan() {
        return Ordering::Less;
    }
    left.partial_cmp(&right).unwrap_or(Ordering::Greater)
}

fn for_sorting(left: f64, right: f64) -> Ordering {
    left.partial_cmp(&right).unwrap_or_else(|| right.is_nan().cmp(&left.is_nan()))
}

/// The order of `sort` and its relatives.
pub(in crate::jq) fn sorting(left: &Value, right: &Value) -> Ordering {
    left.compare(right, for_sorting)
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.compare(other, by_operator))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.compare(other, by_operator).is_eq()
    }
}
