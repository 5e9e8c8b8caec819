//! What sessions use of their budget, as the status of a `Provider` says it.

use std::time::Duration;

use capstan_api::BoundUsage;
use capstan_sandbox::{Bound, Spent};

/// By the name of the bound.
pub(crate) fn of(spent: Spent) -> (String, BoundUsage) {
    let write: fn(u64) -> String = match spent.bound {
        Bound::Call | Bound::Reconcile => time,
        Bound::Memory | Bound::HttpBytes | Bound::LogBytes => bytes,
        Bound::Requests | Bound::HttpRequests | Bound::Events | Bound::Lines => |number| number.to_string(),
    };
    let [p50, p99, max, limit] = [spent.p50, spent.p99, spent.max, spent.limit].map(write);
    (spent.bound.as_str().to_owned(), BoundUsage { p50, p99, max, limit })
}

/// `250µs`, `1.5ms`, `10s`
fn time(microseconds: u64) -> String {
    format!("{:?}", Duration::from_micros(microseconds))
}

/// `512Ki`; a part of one counts as one.
fn bytes(number: u64) -> String {
    if number == 0 { "0".to_owned() } else { format!("{}Ki", number.div_ceil(1024)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bound_has_its_unit() {
        let told = |bound, limit| of(Spent { bound, p50: 0, p99: 250, max: 1500, limit });
        let usage = |p50: &str, p99: &str, max: &str, limit: &str| {
            let [p50, p99, max, limit] = [p50, p99, max, limit].map(str::to_owned);
            BoundUsage { p50, p99, max, limit }
        };
        let call = told(Bound::Call, 10_000_000);
        assert_eq!(call, ("callTimeout".to_owned(), usage("0ns", "250µs", "1.5ms", "10s")));
        assert_eq!(told(Bound::Memory, 64 << 20).1, usage("0", "1Ki", "2Ki", "65536Ki"));
        assert_eq!(told(Bound::Requests, 600).1, usage("0", "250", "1500", "600"));
    }
}
