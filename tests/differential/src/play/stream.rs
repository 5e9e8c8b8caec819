//! The events of a watch.

use std::time::Duration;

use anyhow::{Context as _, Result};
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

/// An event comes at once; this only ends a test in which one is missing.
const PATIENCE: Duration = Duration::from_secs(15);

/// A stream of JSON documents, one a line.
pub(super) struct Events {
    body: Body,
    /// What was received and not yet read.
    received: Vec<u8>,
}

impl Events {
    pub(super) fn new(body: Body) -> Self {
        Self { body, received: Vec::new() }
    }

    /// The next events: so many, fewer if the stream ends or none comes for long.
    pub(super) async fn read(&mut self, count: usize) -> Result<Vec<Value>> {
        let deadline = Instant::now() + PATIENCE;
        let mut events = Vec::new();
        while events.len() < count {
            if let Some(end) = self.received.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.received.drain(..=end).collect();
                events.push(serde_json::from_slice(&line).context("a watch sent a line that is no JSON")?);
                continue;
            }
            match timeout_at(deadline, self.body.frame()).await {
                Ok(Some(frame)) => self.received.extend_from_slice(frame?.data_ref().map_or(&[][..], |data| data)),
                Ok(None) | Err(_) => break,
            }
        }
        Ok(events)
    }
}
