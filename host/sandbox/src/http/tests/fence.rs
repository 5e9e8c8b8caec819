//! Requests of a replica that has lost the provider's lease.

use std::{
    future::pending,
    io,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use capstan_cluster::Fence;
use tokio::time::Instant;

use super::{Error, Network, NetworkSettings, OPEN, Response, Stage};
use crate::Resolve;

fn open() -> Fence {
    Fence::new(Instant::now() + Duration::from_hours(1))
}

fn is_not_leader(answer: &Result<Response, Error>) -> bool {
    matches!(answer, Err(Error::Unreachable(text)) if text.contains("lost the provider's lease"))
}

#[tokio::test]
async fn nothing_is_sent_once_the_lease_is_lost() {
    let fence = open();
    let stage = Stage { fence: Some(fence.clone()), ..Stage::new(OPEN).await };
    let egress = stage.egress("test");
    let get = async || Stage::access_of(&egress).fetch(stage.request("/"), None, None).await.unwrap();
    assert_eq!(get().await.unwrap().status, 200);
    fence.close();
    let answer = get().await;
    assert!(is_not_leader(&answer), "{answer:?}");
    assert_eq!(stage.server.seen().len(), 1, "over the connection that is still open, neither");
    let counted = stage.counters.read();
    assert_eq!((counted.http_requests, counted.denied, counted.rate_limited), (1, 0, 0), "no fault of the provider");
}

/// Takes so long that the lease is lost meanwhile, or hangs then.
struct Slow {
    fence: Fence,
    hangs: bool,
}

#[async_trait]
impl Resolve for Slow {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        self.fence.close();
        if self.hangs {
            pending::<()>().await;
        }
        Ok(vec![IpAddr::from(Ipv4Addr::LOCALHOST)])
    }
}

async fn stage(hangs: bool) -> Stage {
    let fence = open();
    let names = Slow { fence: fence.clone(), hangs };
    let network = Network::resolving(NetworkSettings::default(), Arc::new(names)).unwrap();
    Stage { network, fence: Some(fence), ..Stage::new(OPEN).await }
}

#[tokio::test]
async fn a_request_whose_lease_is_lost_while_it_connects_is_not_sent() {
    let stage = stage(false).await;
    let answer = stage.get("/").await;
    assert!(is_not_leader(&answer), "{answer:?}");
    assert!(stage.server.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_request_that_hangs_is_given_up_with_the_lease() {
    let stage = stage(true).await;
    let begun = Instant::now();
    let answer = stage.get("/").await;
    assert!(is_not_leader(&answer), "{answer:?}");
    assert_eq!(begun.elapsed(), Duration::ZERO, "not when its time was over");
}
