//! Log lines: text for people, JSON for machines, always to stderr.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, registry, util::SubscriberInitExt};

use crate::{cli::LogFormat, traces::Traces};

/// What is logged unless `RUST_LOG` says otherwise. What kube's watchers warn of, our own watches say in fewer words.
const DEFAULT: &str = "info,kube=warn,kube_client=warn,kube_runtime=error,hyper=warn,wasmtime=warn";

/// Lines to stderr, and spans to where traces go.
pub(crate) fn start(format: LogFormat, traces: Option<&Traces>) {
    let filter = match std::env::var(EnvFilter::DEFAULT_ENV) {
        Ok(wanted) => EnvFilter::try_new(&wanted).unwrap_or_else(|error| {
            eprintln!("RUST_LOG={wanted} makes no sense, so it is ignored: {error}");
            EnvFilter::new(DEFAULT)
        }),
        Err(_) => EnvFilter::new(DEFAULT),
    };
    let terminal = std::io::stderr().is_terminal();
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(terminal);
    let lines = if format == LogFormat::Json || (format == LogFormat::Auto && !terminal) {
        lines.json().flatten_event(true).with_span_list(false).boxed()
    } else {
        lines.boxed()
    };
    registry().with(traces.map(Traces::layer)).with(lines.with_filter(filter)).init();
}
