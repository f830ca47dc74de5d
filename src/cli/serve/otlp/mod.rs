//! This is where traces are sent to a collector, by OTLP over HTTP as JSON, from a thread of their own that nobody waits for.

mod collector;
mod endpoint;

use std::io::IsTerminal;
use std::time::Duration;

use guestlist::tls::{TrustError, trusting};
use guestlist::traces::TARGET;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use super::settings::LogFormat;
use collector::Collector;
pub use endpoint::Endpoint;

/// What the gateway calls itself, where OTEL_SERVICE_NAME does not say otherwise.
const SERVICE: &str = "guestlist";

/// How long a stop waits for the last traces to be sent.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// Why traces cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    #[error("--otlp-endpoint: {0}")]
    Trust(#[from] TrustError),
    #[error("--otlp-endpoint: {0}")]
    Exporter(#[from] ExporterBuildError),
}

/// What sends traces, until it is stopped.
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Begins to send them, over sockets of a runtime that must run until the stop is over.
    pub fn to(endpoint: &Endpoint, runtime: Handle) -> Result<Self, TracesError> {
        let trust = endpoint.is_encrypted().then(|| trusting(None)).transpose()?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new(runtime, trust))
            .with_protocol(Protocol::HttpJson)
            .with_endpoint(endpoint.traces())
            .build()?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_attribute(version);
        let resource = match std::env::var_os("OTEL_SERVICE_NAME") {
            Some(_) => resource.build(),
            None => resource.with_service_name(SERVICE).build(),
        };
        Ok(Self(SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build()))
    }

    fn layer<S: tracing::Subscriber + for<'span> LookupSpan<'span>>(&self) -> impl Layer<S> + use<S> {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer(SERVICE))
            // None of it says anything here: spans are never entered, and the line of code is no news.
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_target(false)
            .with_filter(filter_fn(|told| told.is_span() && told.target() == TARGET))
    }

    /// Sends what is left, and ends it.
    pub fn stop(self) {
        if let Err(error) = self.0.shutdown_with_timeout(STOP_WAIT) {
            tracing::warn!(%error, "the last traces may not have been sent");
        }
    }
}

/// Begins to log, without the traces, and has them sent where they are to be.
pub fn log(filter: EnvFilter, format: LogFormat, traces: Option<&Traces>) {
    let off = format!("{TARGET}=off").parse().expect("it is a directive");
    let filter = filter.add_directive(off);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(traces.map(Traces::layer));
    match format {
        LogFormat::Pretty => {
            registry.with(lines.with_ansi(std::io::stderr().is_terminal()).with_filter(filter)).init();
        }
        LogFormat::Json => registry.with(lines.json().flatten_event(true).with_filter(filter)).init(),
    }
}
