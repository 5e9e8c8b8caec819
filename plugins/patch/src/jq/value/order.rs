//! Comparison: null < false < true < numbers < strings < arrays < objects. Not a number sorts below all numbers.

use std::cmp::Ordering;

use super::Value;

impl Value {
    fn rank(&self) -> u8 {
        match self {
            Value::Null => 0,
            Value::Bool(false) => 1,
            Value::Bool(true) => 2,
            Value::Int(_) | Value::Float(_) => 3,
            Value::Text(_) => 4,
            Value::List(_) => 5,
            Value::Map(_) => 6,
        }
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Value::Int(left), Value::Int(right)) => left.cmp(right),
            (Value::Text(left), Value::Text(right)) => left.cmp(right),
            (Value::List(left), Value::List(right)) => left.cmp(right),
            // First by the names of the keys, then by their values.
            (Value::Map(left), Value::Map(right)) => {
                left.keys().cmp(right.keys()).then_with(|| left.values().cmp(right.values()))
            }
            _ => match (self.as_float(), other.as_float()) {
                (Some(left), Some(right)) => {
                    let nan_first = right.is_nan().cmp(&left.is_nan());
                    left.partial_cmp(&right).unwrap_or(nan_first)
                }
                _ => self.rank().cmp(&other.rank()),
            },
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Value {}
