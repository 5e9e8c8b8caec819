//! Log lines: text for people, JSON for machines, always to stderr.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::cli::LogFormat;

/// What is logged unless `RUST_LOG` says otherwise. What kube's watchers warn of, our own watches say in fewer words.
const DEFAULT: &str = "info,kube=warn,kube_client=warn,kube_runtime=error,hyper=warn,wasmtime=warn";

pub(crate) fn start(format: LogFormat) {
    let filter = match std::env::var(EnvFilter::DEFAULT_ENV) {
        Ok(wanted) => EnvFilter::try_new(&wanted).unwrap_or_else(|error| {
            eprintln!("RUST_LOG={wanted} makes no sense, so it is ignored: {error}");
            EnvFilter::new(DEFAULT)
        }),
        Err(_) => EnvFilter::new(DEFAULT),
    };
    let terminal = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(terminal);
    if format == LogFormat::Json || (format == LogFormat::Auto && !terminal) {
        builder.json().flatten_event(true).with_span_list(false).init();
    } else {
        builder.init();
    }
}
