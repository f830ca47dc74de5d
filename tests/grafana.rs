//! The dashboard and the alerts of `packaging/`: they ask for what a gateway tells, and for all of it.

#[path = "grafana/told.rs"]
mod told;

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use told::Told;

fn packaging(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name);
    fs::read_to_string(path).expect("there is such a file")
}

/// The dashboard's panels, rows among them.
fn panels() -> Vec<Value> {
    let dashboard: Value = serde_json::from_str(&packaging("grafana.json")).expect("the dashboard is JSON");
    dashboard["panels"].as_array().expect("it has panels").clone()
}

fn queries(panels: &[Value]) -> Vec<String> {
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    targets.map(|target| target["expr"].as_str().expect("a target has a query").to_owned()).collect()
}

/// The alerts, each by the lines that it has.
fn alerts() -> Vec<Vec<String>> {
    let text = packaging("prometheus-alerts.yml");
    let alerts = text.split("\n      - alert: ").skip(1);
    alerts.map(|alert| alert.lines().map(|line| line.trim().to_owned()).collect()).collect()
}

#[tokio::test]
async fn the_dashboard_asks_for_what_a_gateway_tells_and_for_all_of_it() {
    let told = Told::by_a_gateway().await;
    let queries = queries(&panels());
    let wrong: Vec<String> = queries.iter().filter_map(|query| told.check(query).err()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let missing: Vec<_> = told.families().filter(|name| !queries.iter().any(|query| query.contains(*name))).collect();
    assert!(missing.is_empty(), "no panel shows {missing:?}");
}

#[tokio::test]
async fn an_alert_asks_for_what_a_gateway_tells_and_says_what_to_do() {
    let told = Told::by_a_gateway().await;
    let alerts = alerts();
    assert!(alerts.len() >= 5, "{alerts:?}");
    for alert in &alerts {
        let of = |key: &str| alert.iter().find_map(|line| line.strip_prefix(key));
        let query = of("expr: ").unwrap_or_else(|| panic!("{alert:?} has no query of one line"));
        told.check(query).unwrap_or_else(|wrong| panic!("{wrong}"));
        let severity = of("severity: ").expect("an alert says how bad it is");
        assert!(["critical", "warning"].contains(&severity), "{severity}");
        assert!(of("summary: ").is_some() && of("description: ").is_some(), "{alert:?}");
    }
    let names: BTreeSet<_> = alerts.iter().map(|alert| &alert[0]).collect();
    assert_eq!(names.len(), alerts.len(), "{names:?}");
}

#[tokio::test]
async fn a_query_for_what_no_gateway_tells_is_found() {
    let told = Told::by_a_gateway().await;
    let good = r#"sum by (kind, instance) (rate(guestlist_connections{kind!="request", instance=~"$instance"}[1m]))"#;
    assert_eq!(told.check(good), Ok(()));
    for wrong in [
        "guestlist_no_such",
        "guestlist_closes",
        "guestlist_queue_seconds",
        r#"up{job="guestlist"} + guestlist_storage_full"#,
        "sum by (method) (guestlist_connections)",
        "sum by (le) (guestlist_queue_seconds_count)",
        r#"guestlist_connections{nature="bot"}"#,
        r#"guestlist_connections{kind="bots"}"#,
        r#"guestlist_requests_total{code="5O3"}"#,
        "vector(1)",
    ] {
        assert!(told.check(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn panels_have_an_id_each_and_a_place_of_their_own() {
    let panels = panels();
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().expect("a panel has an id")).collect();
    assert_eq!(ids.len(), panels.len());
    let mut taken = BTreeSet::new();
    for panel in &panels {
        let of = |side: &str| panel["gridPos"][side].as_u64().expect("a panel has a place");
        let (left, top, width, height) = (of("x"), of("y"), of("w"), of("h"));
        assert!(width > 0 && height > 0 && left + width <= 24, "{}", panel["title"]);
        for cell in (left..left + width).flat_map(|x| (top..top + height).map(move |y| (x, y))) {
            assert!(taken.insert(cell), "{} lies over another panel", panel["title"]);
        }
    }
}

#[test]
fn panels_say_what_they_show_and_use_what_every_grafana_has() {
    const CORE: [&str; 5] = ["row", "stat", "timeseries", "heatmap", "state-timeline"];
    for panel in panels() {
        let (title, kind) = (&panel["title"], panel["type"].as_str().expect("a panel has a type"));
        assert!(CORE.contains(&kind), "{kind}");
        if kind == "row" {
            continue;
        }
        assert!(panel["description"].as_str().is_some_and(|text| !text.is_empty()), "{title} says nothing");
        let targets = panel["targets"].as_array().expect("a panel asks for something");
        assert!(!targets.is_empty(), "{title} asks for nothing");
        for asked in targets.iter().chain([&panel]) {
            assert_eq!(asked["datasource"]["uid"], "${datasource}", "{title}");
        }
        let unit = panel["fieldConfig"]["defaults"]["unit"].as_str().or(panel["options"]["yAxis"]["unit"].as_str());
        assert!(unit.is_some() || kind == "state-timeline", "{title} has no unit");
    }
}
