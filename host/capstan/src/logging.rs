//! Log lines: text for people, JSON for machines, always to stderr.

use std::io::IsTerminal;

use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter, Layer,
    fmt::{self, MakeWriter},
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

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
    let lines = if format == LogFormat::Json || (format == LogFormat::Auto && !terminal) {
        json(std::io::stderr)
    } else {
        fmt::layer().with_writer(std::io::stderr).with_ansi(terminal).boxed()
    };
    tracing_subscriber::registry().with(traces.map(Traces::layer)).with(lines.with_filter(filter)).init();
}

/// One object a line: the fields of the event, the innermost span as `span`, and all of them as `spans` with the outermost
/// first. Whose reconcile it is stands in the span of the reconcile, which is not the innermost while its guest runs or
/// the API server is asked.
fn json<S, W>(writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'l> LookupSpan<'l>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    fmt::layer().with_writer(writer).with_ansi(false).json().flatten_event(true).with_span_list(true).boxed()
}

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Write},
        sync::{Arc, Mutex},
    };

    use serde_json::Value;
    use tracing::{debug_span, error_span, subscriber::with_default, warn};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written of a warning with these spans around it.
    fn line(warn: impl FnOnce()) -> Value {
        let written = Written::default();
        let writer = written.clone();
        let lines = json(move || writer.clone());
        with_default(tracing_subscriber::registry().with(lines), warn);
        let bytes = written.0.lock().unwrap().clone();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn a_line_says_whose_reconcile_it_is_from_whatever_is_within() {
        let reconcile =
            || error_span!("reconcile", provider = "patch", kind = "Patch", object = "default/p", reconcile_id = 7_u64);
        let nested = line(|| {
            let _reconcile = reconcile().entered();
            let _guest = debug_span!("guest call", otel.name = "observe").entered();
            let _request = debug_span!("api request", url.path = "/api/v1").entered();
            warn!(kind = "Node", "watch failed");
        });
        assert_eq!((&nested["level"], &nested["message"]), (&"WARN".into(), &"watch failed".into()));
        assert_eq!((&nested["kind"], &nested["span"]["name"]), (&"Node".into(), &"api request".into()));
        let names: Vec<_> = nested["spans"].as_array().unwrap().iter().map(|span| &span["name"]).collect();
        assert_eq!(names, ["reconcile", "guest call", "api request"]);
        let plain = line(|| {
            let _reconcile = reconcile().entered();
            warn!("failed");
        });
        for span in [&nested["spans"][0], &plain["spans"][0], &plain["span"]] {
            assert_eq!((&span["provider"], &span["kind"]), (&"patch".into(), &"Patch".into()));
            assert_eq!((&span["object"], &span["reconcile_id"]), (&"default/p".into(), &7.into()));
        }
        assert_eq!(line(|| warn!("no reconcile"))["spans"], Value::Null);
    }
}
