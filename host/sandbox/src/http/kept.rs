//! What is kept for one provider between its reconciles.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;

use super::{
    cache::Cache,
    error::{Failed, Unreachable},
};
use crate::credentials::Tokens;

/// Requests of one provider at a time: each takes a connection, at both ends.
const CONCURRENCY: usize = 8;

/// Stays while builds of a provider replace each other, and goes with the last of them.
pub(crate) struct Kept {
    slots: Semaphore,
    cache: Mutex<Cache>,
    tokens: Tokens,
}

impl Default for Kept {
    fn default() -> Self {
        Self { slots: Semaphore::new(CONCURRENCY), cache: Mutex::default(), tokens: Tokens::default() }
    }
}

impl Kept {
    /// Runs something that may use a connection. Waits for its turn as long as the caller does.
    pub(crate) async fn in_turn<T>(&self, request: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
        // Nobody closes it.
        let _slot = self.slots.acquire().await.map_err(|_| Unreachable::Closed)?;
        request.await
    }

    pub(crate) fn cache(&self) -> MutexGuard<'_, Cache> {
        // At worst an answer is counted that is not there, which ends with its eviction.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tokens(&self) -> &Tokens {
        &self.tokens
    }
}
