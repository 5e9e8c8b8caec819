//! Traces for who has a collector: a span for every reconcile, and in it one for every call of the guest and every
//! request to the API server.
//!
//! Set by the environment as OpenTelemetry's specification says, and off unless an endpoint stands there. What sends them is built
//! with the feature `otlp`.

#[cfg(not(feature = "otlp"))]
mod left_out;
#[cfg(feature = "otlp")]
mod otlp;

#[cfg(not(feature = "otlp"))]
pub(crate) use left_out::Traces;
#[cfg(feature = "otlp")]
pub(crate) use otlp::Traces;

/// Either of them turns traces on.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// What a variable of the environment is set to. One that is empty is not set, says the specification.
fn set(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The variable that asks for traces; none if nothing does, or all of it is turned off.
fn asked_for_by(set: impl Fn(&str) -> Option<String>) -> Option<&'static str> {
    let disabled = set("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    ENDPOINTS.into_iter().find(|name| !disabled && set(name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_are_asked_for_by_an_endpoint_unless_all_is_turned_off() {
        let asked = |environment: &[(&str, &str)]| {
            asked_for_by(|name| {
                let (_, value) = environment.iter().find(|(variable, _)| *variable == name)?;
                Some((*value).to_owned())
            })
        };
        let (all, traces) =
            (("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a"), ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://b"));
        assert_eq!(asked(&[("OTEL_SERVICE_NAME", "capstan")]), None);
        assert_eq!(asked(&[all]), Some(all.0));
        assert_eq!(asked(&[all, traces]), Some(traces.0));
        assert_eq!(asked(&[all, ("OTEL_SDK_DISABLED", "false")]), Some(all.0));
        assert_eq!(asked(&[all, traces, ("OTEL_SDK_DISABLED", "True")]), None);
    }
}
