//! This is where what is counted gets names: numbers for a monitoring system, in the OpenMetrics text format. Nothing secret is among them, and no label's
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

use crate::counts::{Count, Counts};
use crate::health::{Health, Storage};
use crate::shared::Shared;

/// The media type of the format.
const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// One label, its name and its value.
type Label = [(&'static str, &'static str); 1];

/// All metrics, as text.
pub async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
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
    let connections = Family::<Label, Gauge>::default();
    for (kind, count) in shared.hub.by_kind() {
        connections.get_or_create(&[("kind", kind)]).set(count);
    }
    registry.register(
        "connections",
        "WebSockets that are open, and changes under way over HTTP, by who is there",
        connections,
    );
    requests(&mut registry, &shared.counts);
    let closes = Family::<[(&'static str, String); 2], Counter>::default();
    for (close, count) in shared.closes.all() {
        let labels = [("code", close.code().to_string()), ("reason", close.reason().to_owned())];
        closes.get_or_create(&labels).inc_by(count);
    }
    registry.register("closes", "Connections that the gateway ended, by what it said", closes);
    registry
}

fn requests(registry: &mut Registry, counts: &Counts) {
    let requests = Family::<[(&'static str, String); 2], Counter>::default();
    for (method, code, count) in counts.requests.all() {
        let code = code.map_or_else(|| "ok".to_owned(), |code| code.number().to_string());
        requests.get_or_create(&[("method", method.to_owned()), ("code", code)]).inc_by(count);
    }
    registry.register("requests", "Requests that were answered, by method and by the code of the refusal", requests);
    let rejected = Family::<Label, Counter>::default();
    for (reason, count) in counts.rejected.all() {
        rejected.get_or_create(&[("reason", reason)]).inc_by(count);
    }
    registry.register("frames_rejected", "Frames that were taken for no request, by why", rejected);
    let pushed = ConstCounter::new(counts.pushed.get());
    registry.register("events_pushed", "Frames of events that were pushed to those who have subscribed", pushed);
    let decisions = Family::<[(&'static str, &'static str); 2], Counter>::default();
    for (list, outcome, count) in counts.decisions.all() {
        decisions.get_or_create(&[("list", list), ("outcome", outcome)]).inc_by(count);
    }
    registry.register("decisions", "Decisions that were told, by the kind of list and which way they went", decisions);
    let turns =
        "How long the frames of a connection that had arrived together were handled, without waiting for the journal";
    registry.register_with_unit("handling", turns, Unit::Seconds, counts.turns.histogram());
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
    let agrees = "Whether every snapshot so far had the digest of the state in memory: 1 where it had";
    registry.register("digest_agrees", agrees, ConstGauge::new(i64::from(health.differing() == 0)));
    let (bytes, records) = health.snapshot_size();
    let newest = "Size of the newest snapshot that was made since the start";
    registry.register_with_unit("snapshot_size", newest, Unit::Bytes, gauge(bytes));
    registry.register(
        "snapshot_records",
        "Records in the newest snapshot that was made since the start",
        gauge(records),
    );
}

fn journal(registry: &mut Registry, shared: &Shared) {
    let health = shared.engine.health();
    let count = ConstCounter::new;
    registry.register("journal_seq", "Number of the last entry that was folded", gauge(shared.state.folded()));
    if let Some(age) = health.freshness.age() {
        let gateways = "Gateways that share the journal, as far as this one heard of them";
        registry.register("journal_gateways", gateways, gauge(health.gateways()));
        let old = "How old the view of the shared journal is";
        registry.register_with_unit("journal_view_age", old, Unit::Seconds, ConstGauge::new(age.as_secs_f64()));
    }
    let segment = "Size of the segment that is written to";
    registry.register_with_unit("journal_segment", segment, Unit::Bytes, gauge(health.segment_bytes()));
    let batches = &health.batches;
    registry.register("journal_batch_changes", "Changes of each batch that was journaled", batches.changes.histogram());
    let took = "How long the journal took over a batch, its flush among that";
    registry.register_with_unit("journal_batch", took, Unit::Seconds, batches.seconds.histogram());
    let waits = "How long changes that were handed over together waited for the journal to begin with them";
    registry.register_with_unit("queue", waits, Unit::Seconds, batches.waits.histogram());
    registry.register_with_unit("journal_written", "Bytes that were journaled", Unit::Bytes, count(health.bytes.get()));
    registry.register("journal_flushes", "How often the journal was flushed", count(health.flushes.get()));
}

fn gauge(value: u64) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX))
}

fn family<const N: usize>(label: &'static str, counts: [(&'static str, &Count); N]) -> Family<Label, Counter> {
    let family = Family::<Label, Counter>::default();
    for (value, count) in counts {
        family.get_or_create(&[(label, value)]).inc_by(count.get());
    }
    family
}
