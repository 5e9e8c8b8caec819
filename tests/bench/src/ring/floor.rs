//! What the API server itself takes: the requests of the ring, without an operator.

use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

use super::objects::{Ring, until};

/// A client that knows nothing but the way: it sees the nonce in a watch, and writes it to the next object.
pub(super) async fn rounds(ring: &Ring, nonce: &mut u64, warm_up: u64, rounds: u64) -> Result<Vec<Duration>> {
    let mut watches = Vec::with_capacity(ring.count);
    for number in 0..ring.count {
        watches.push(ring.watch(number).await?);
    }
    let mut took = Vec::new();
    for round in 0..warm_up + rounds {
        *nonce += 1;
        let began = Instant::now();
        ring.set(0, *nonce).await?;
        for (number, seen) in watches.iter_mut().enumerate() {
            until(seen, *nonce).await?;
            if number + 1 < ring.count {
                ring.set(number + 1, *nonce).await?;
            }
        }
        if round >= warm_up {
            took.push(began.elapsed());
        }
    }
    Ok(took)
}
