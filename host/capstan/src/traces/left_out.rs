//! A program without traces, which says so to who asks for them. That is no error: what asks is often set for all containers of a
//! cluster, by who does not know which of them can do it.

use anyhow::Result;
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing_subscriber::{Layer, filter::LevelFilter, layer::Identity, registry::LookupSpan};

use super::{asked_for_by, set};

/// They were asked for, in vain.
#[derive(Debug)]
pub(crate) struct Traces {
    /// By this.
    variable: &'static str,
}

impl Traces {
    #[expect(clippy::unnecessary_wraps, reason = "where traces are sent, it can fail")]
    pub(crate) fn from_environment(_: &Handle) -> Result<Option<Self>> {
        Ok(asked_for_by(set).map(|variable| Self { variable }))
    }

    /// Once, as soon as there is a log.
    pub(crate) fn tell(&self) {
        let variable = self.variable;
        tracing::warn!(variable, "no traces are sent: this program was built without them (the feature `otlp`)");
    }

    /// Takes nothing, and makes nobody else do more.
    pub(crate) fn layer<S: Subscriber + for<'span> LookupSpan<'span>>(_: &Self) -> impl Layer<S> + use<S> {
        Identity::new().with_filter(LevelFilter::OFF)
    }
}
