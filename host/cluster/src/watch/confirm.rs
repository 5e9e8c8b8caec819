//! Writes of ours that their watch does not tell.
//!
//! A write is put into the store before the watch brings it. If the object is deleted meanwhile, and the watch begins anew
//! with a list that has neither, no event will ever say so. Such an object is looked at itself, after a while: a watch that
//! works tells a write within milliseconds, so that this costs nothing but in that one case.

use std::{sync::Arc, time::Duration};

use capstan_api::{GroupVersionKind, ObjectRef};
use tokio::time::sleep_until;

use super::state::Shared;
use crate::{Cluster, Error};

/// A watch is seldom later than this, and a read more does no harm.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Looks at what is in doubt, for ever.
pub(super) async fn confirm(cluster: Cluster, kind: GroupVersionKind, shared: Arc<Shared>) {
    loop {
        let (object, since) = shared.doubtful().await;
        sleep_until(since + PATIENCE).await;
        if !shared.doubts(&object, since) {
            continue;
        }
        let target = ObjectRef { kind: kind.clone(), key: object.key().clone() };
        match Box::pin(cluster.get(&target)).await {
            Ok(current) if current.uid() == object.uid() => shared.confirm(&current),
            // It is gone, or another one has its name, which its own event tells.
            Ok(_) | Err(Error::NotFound(_) | Error::UnknownKind(_)) => shared.delete(&object),
            Err(error) => {
                tracing::debug!(%target, %error, "what became of a write is not known yet");
                shared.put_off(&object);
            }
        }
    }
}
