//! `/metrics`: numbers for a monitoring system, in the OpenMetrics text format. Nothing secret is among them, and no label's
//! values come from what clients send.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::{Registry, Unit};

use super::routes::{Content, Operation, Product, Routes};
use crate::health::{Count, Health, Storage};
use crate::shared::Shared;

/// The media type of the format.
const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// One label, its name and its value.
type Label = [(&'static str, &'static str); 1];

/// The route.
pub fn routes() -> Routes {
    let said = Operation::new(Product::Gateway, "metrics", "Numbers for a monitoring system")
        .saying("In the OpenMetrics text format. Counters begin at 0 with every start.")
        .answering(200, "They.", Content::Other("application/openmetrics-text"));
    Routes::default().get("/metrics", metrics, said)
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let mut text = String::new();
    encode(&mut text, &registry(&shared)).expect("writing into a text does not fail");
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], text).into_response()
}

/// All metrics, as they are now. They are counted where things happen, and only named here, so that nothing that is counted
/// waits for whoever reads it.
fn registry(shared: &Shared) -> Registry {
    let mut registry = Registry::with_prefix("guestlist");
    storage(&mut registry, shared.engine.health());
    journal(&mut registry, shared);
    let connections = i64::try_from(shared.hub.len()).unwrap_or(i64::MAX);
    registry.register("connections", "WebSockets that are open", ConstGauge::new(connections));
    let closes = Family::<[(&'static str, String); 2], Counter>::default();
    for (close, count) in shared.closes.all() {
        let labels = [("code", close.code().to_string()), ("reason", close.reason().to_owned())];
        closes.get_or_create(&labels).inc_by(count);
    }
    registry.register("closes", "Connections that the gateway ended, by what it said", closes);
    registry
}

fn storage(registry: &mut Registry, health: &Health) {
    let states = Family::<Label, Gauge>::default();
    for state in Storage::ALL {
        states.get_or_create(&[("state", state.name())]).set(i64::from(state == health.storage()));
    }
    registry.register("storage_state", "Whether changes are accepted: 1 for the state that is", states);
    let count = ConstCounter::new;
    registry.register("storage_full", "How often storage became full", count(health.full_episodes.get()));
    let failures =
        [("no_space", &health.full_episodes), ("not_rotated", &health.not_rotated), ("broken", &health.broken)];
    registry.register(
        "journal_failures",
        "Calls of the journal that failed, by what came of it",
        family("kind", failures),
    );
    let snapshots = [("made", &health.snapshots_made), ("failed", &health.snapshots_failed)];
    registry.register("snapshots", "Snapshots, by what became of them", family("outcome", snapshots));
    let differing = "How often what lies on disk folded to another state than the one in memory";
    registry.register("snapshot_mismatches", differing, count(health.differing()));
}

fn journal(registry: &mut Registry, shared: &Shared) {
    let health = shared.engine.health();
    let count = ConstCounter::new;
    let gauge = |value| ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
    registry.register("journal_seq", "Number of the last entry that was folded", gauge(shared.state.folded()));
    let segment = "Size of the segment that is written to";
    registry.register_with_unit("journal_segment", segment, Unit::Bytes, gauge(health.segment_bytes()));
    let batches = &health.batches;
    registry.register("journal_batch_changes", "Changes of each batch that was journaled", batches.changes.histogram());
    let took = "How long the journal took over each, its flush among that";
    registry.register_with_unit("journal_batch", took, Unit::Seconds, batches.seconds.histogram());
    registry.register_with_unit("journal_written", "Bytes of them", Unit::Bytes, count(health.bytes.get()));
    registry.register("journal_flushes", "How often the journal was flushed", count(health.flushes.get()));
}

fn family<const N: usize>(label: &'static str, counts: [(&'static str, &Count); N]) -> Family<Label, Counter> {
    let family = Family::<Label, Counter>::default();
    for (value, count) in counts {
        family.get_or_create(&[(label, value)]).inc_by(count.get());
    }
    family
}
