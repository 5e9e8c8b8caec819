//! What needs an order. The functions ending in `_keys` take the values to sort by, one per item.

use std::cmp::Ordering;

use super::{Function, bome, native, v};
use crate::jq::errors::{failed, unfit, unfit_with};
use crate::jq::value::{Result, Value, sorting};

pub(super) fn all() -> Vec<Function> {
    vec![
        native!("sort", |value: &Value| Ok(values(sorted(own("sort", value)?)))),
        native!("unique", |value: &Value| Ok(unique(sorted(own("unique", value)?)))),
        native!("min", |value: &Value| Ok(least(own("min", value)?))),
        native!("max", |value: &Value| Ok(greatest(own("max", value)?))),
        native!("sort_by_keys", |value: &Value, keys: &Value| Ok(values(sorted(pairs("sort_by", value, keys)?))), 1),
        native!(
            "unique_by_keys",
            |value: &Value, keys: &Value| Ok(unique(sorted(pairs("unique_by", value, keys)?))),
            1
        ),
        native!("group_by_keys", |value: &Value, keys: &Value| Ok(groups(sorted(pairs("group_by", value, keys)?))), 1),
        native!("min_by_keys", |value: &Value, keys: &Value| Ok(least(pairs("min_by", value, keys)?)), 1),
        native!("max_by_keys", |value: &Value, keys: &Value| Ok(greatest(pairs("max_by", value, keys)?)), 1),
        native!("bsearch", binary_search, 1),
    ]
}

/// What to sort by, and the item.
type Pair = (Value, Value);

fn own(name: &str, value: &Value) -> Result<Vec<Pair>> {
    let list = value.as_list().ok_or_else(|| unfit(name, value))?;
    Ok(list.iter().map(|item| (item.clone(), item.clone())).collect())
}

fn pairs(name: &str, value: &Value, keys: &Value) -> Result<Vec<Pair>> {
    let (Some(items), Some(list)) = (value.as_list(), keys.as_list()) else {
        return Err(unfit_with(name, &[keys], value));
    };
    if items.len() != list.len() {
        return Err(failed(name, &[keys], value, "length mismatch"));
    }
    Ok(list.iter().cloned().zip(items.iter().cloned()).collect())
}

fn sorted(mut pairs: Vec<Pair>) -> Vec<Pair> {
    pairs.sort_by(|(left, _), (right, _)| sorting(left, right));
    pairs
}

fn values(pairs: Vec<Pair>) -> Value {
    pairs.into_iter().map(|(_, item)| item).collect()
}

/// Neighbours that are equal by the operator, so that what is not a number stays alone.
fn runs(pairs: Vec<Pair>) -> Vec<Vec<Pair>> {
    let mut runs: Vec<Vec<Pair>> = Vec::new();
    for pair in pairs {
        match runs.last_mut() {
            Some(run) if run.first().is_some_and(|(key, _)| *key == pair.0) => run.push(pair),
            _ => runs.push(vec![pair]),
        }
    }
    runs
}

fn unique(pairs: Vec<Pair>) -> Value {
    runs(pairs).into_iter().filter_map(|run| run.into_iter().next()).map(|(_, item)| item).collect()
}

fn groups(pairs: Vec<Pair>) -> Value {
    runs(pairs).into_iter().map(values).collect()
}

/// The first of several.
fn least(pairs: Vec<Pair>) -> Value {
    let least = pairs.into_iter().reduce(|least, next| if least.0 > next.0 { next } else { least });
    least.map_or(Value::Null, |(_, item)| item)
}

/// The last of several.
fn greatest(pairs: Vec<Pair>) -> Value {
    let greatest = pairs.into_iter().reduce(|greatest, next| if greatest.0 > next.0 { greatest } else { next });
    greatest.map_or(Value::Null, |(_, item)| item)
}

/// The index of `wanted` in a sorted array, or `-1 - i` if it would have to be inserted at `i`.
fn binary_search(value: &Value, wanted: &Value) -> Result {
    let list = value.as_list().ok_or_else(|| unfit_with("bsearch", &[wanted], value))?;
    let at = list.partition_point(|item| item.partial_cmp(wanted) == Some(Ordering::Less));
    if list.get(at) == Some(wanted) {
        Ok(Value::from(at))
    } else {
        Ok(Value::Int(-1 - i64::try_from(at).unwrap_or(i64::MAX - 1)))
    }
}
