//! Traces: what a collector is sent, that nothing secret is among it, and that nobody waits for it. Only with the feature `otlp`.

#[path = "otlp/collector.rs"]
mod collector;
mod support;

use std::net::TcpListener;

use collector::{Collector, Span};
use serde_json::{Value, json};
use support::home::Home;
use support::http::{Http, ORG_KEY, OWNER, OWNER_PASSWORD};
use support::process::{Served, guestlist, guestlist_under, ran, run};
use support::{ADMIN, APP, BOT, Client, Received};

/// What a person is called who is put on a list.
const PERSON: &str = "somebody@example.org";

fn serve(home: &Home, endpoint: &str) -> Served {
    home.serve(&["--demo", "--otlp-endpoint", endpoint])
}

/// A bot puts somebody on a list, and a stranger is sent away.
async fn talk(served: &Served) {
    let mut bot = Client::sign_in(&served.url, BOT).await;
    let add = json!({"method": "addToWhitelist", "app_id": APP, "signups": [PERSON, "another@example.org"]});
    assert_eq!(bot.call(add).await["method"], "addToWhitelist_ack");
    let mut stranger = Client::connect(&served.url).await;
    stranger.call(json!({"method": "TOKEN_AUTH", "token": "made-up-token-1"})).await;
    assert!(matches!(stranger.receive().await, Received::Close(1008, _)));
}

/// Requests of every kind there is to tell apart: with a secret in the body, in the query, in the path, and in a header.
async fn ask(served: &Served) {
    let http = Http::at(&served.url);
    let log_in = json!({"email": OWNER, "password": OWNER_PASSWORD});
    http.post("/api/auth/login").json(&log_in).send().await.expect(200);
    http.get(format!("/admin/whitelist?api_key={ORG_KEY}")).send().await.expect(200);
    http.get("/no-such/made-up-path-2").bearer(ADMIN).send().await.expect(404);
    http.request("MADEUP3".parse().expect("a method"), "/livez").send().await.expect(405);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_requests_and_batches_are_told_to_the_collector() {
    let (home, mut collector) = (Home::new(), Collector::start().await);
    let served = serve(&home, &collector.endpoint);
    talk(&served).await;
    ask(&served).await;
    let stopped = served.stop();
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    let spans = collector.spans();
    let told = |name: &str, attributes: &[(&str, Value)]| {
        let is_told = |span: &Span| span.name == name && attributes.iter().all(|(key, value)| span.of(key) == value);
        assert!(spans.iter().any(is_told), "{name} {attributes:?} is missing: {spans:#?}");
    };
    told("connection", &[("kind", json!("bot")), ("close.code", Value::Null)]);
    told(
        "connection",
        &[
            ("kind", json!("signing_in")),
            ("close.code", json!(1008)),
            ("close.reason", json!("authenticate with TOKEN_AUTH first")),
        ],
    );
    told("journal batch", &[("changes", json!(1))]);
    let of = |route: &str, status: u16| [("http.route", json!(route)), ("http.response.status_code", json!(status))];
    told("GET /nandbox/api/", &of("/nandbox/api/", 101));
    told("POST /api/auth/login", &of("/api/auth/login", 200));
    told("GET /admin/whitelist", &of("/admin/whitelist", 200));
    told("GET none", &of("none", 404));
    told("_OTHER /livez", &of("/livez", 405));
    assert!(spans.iter().all(|span| span.began > 0 && span.began <= span.ended), "{spans:#?}");
    let mut batches = spans.iter().filter(|span| span.name == "journal batch");
    assert!(batches.all(|batch| batch.of("bytes").as_i64() > Some(50)), "{spans:#?}");
    assert!(!spans.iter().any(|span| span.failed), "{spans:#?}");
    assert!(collector.said().contains(r#"{"key":"service.name","value":{"stringValue":"guestlist"}}"#));
    // The log is what it is without.
    assert!(!stopped.stderr.contains("journal batch") && !stopped.stderr.contains("traces"), "{}", stopped.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_collector_learns_no_secret_no_address_and_nothing_that_a_client_made_up() {
    let (home, mut collector) = (Home::new(), Collector::start().await);
    let served = serve(&home, &collector.endpoint);
    talk(&served).await;
    ask(&served).await;
    assert_eq!(served.stop().code, Some(0));
    assert!(collector.spans().len() > 5);
    let said = collector.said().to_lowercase();
    let secrets = [BOT, ADMIN, ORG_KEY, OWNER_PASSWORD];
    let people = [PERSON, OWNER, "127.0.0.1", "90091784056528980"];
    for word in secrets.into_iter().chain(people).chain(["made-up", "madeup3"]) {
        assert!(!said.contains(&word.to_lowercase()), "the collector was told {word}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_storage_refuses_is_told_as_failed() {
    let (home, mut collector) = (Home::new(), Collector::start().await);
    let (data, log) = (home.text("data"), home.path("log"));
    let args = ["serve", "--listen", "127.0.0.1:0", "--data", &data, "--demo", "--otlp-endpoint", &collector.endpoint];
    let served = Served::start_command(&mut guestlist_under("ulimit -f 256", &args), &log);
    let http = Http::at(&served.url);
    let mut people = 0;
    loop {
        let signups: Vec<_> = (people..people + 500).map(|number| format!("{number}@example.org")).collect();
        people += 500;
        let add = json!({"app_id": APP, "signups": signups});
        let answer = http.post("/api/addToWhitelist").bearer(BOT).json(&add).send().await;
        if answer.code() == 503 {
            break;
        }
        answer.expect(200);
        assert!(people < 100_000, "the limit on files holds");
    }
    served.stop();
    let failed: Vec<Span> = collector.spans().into_iter().filter(|span| span.failed).collect();
    let is_told = |name: &str| failed.iter().any(|span| span.name == name);
    assert!(is_told("journal batch") && is_told("POST /api/{method}"), "{failed:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_not_there_is_logged_once_and_keeps_nobody_waiting() {
    let home = Home::new();
    let nowhere = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let nowhere = format!("http://{nowhere}");
    let (data, log) = (home.text("data"), home.path("log"));
    let args = ["serve", "--listen", "127.0.0.1:0", "--data", &data, "--demo", "--otlp-endpoint", &nowhere];
    // Sent at once, for there to be more than one try.
    let served = Served::start_command(guestlist(&args).env("OTEL_BSP_SCHEDULE_DELAY", "1"), &log);
    talk(&served).await;
    served.must_log("traces are not taken by the collector");
    talk(&served).await;
    let stopped = served.stop();
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    assert_eq!(stopped.stderr.matches("traces are not taken").count(), 1, "{}", stopped.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_comes_back_is_sent_what_follows() {
    let (home, mut collector) = (Home::new(), Collector::start().await);
    collector.refuse(true);
    let (data, log) = (home.text("data"), home.path("log"));
    let args = ["serve", "--listen", "127.0.0.1:0", "--data", &data, "--demo", "--otlp-endpoint", &collector.endpoint];
    let served = Served::start_command(guestlist(&args).env("OTEL_BSP_SCHEDULE_DELAY", "1"), &log);
    served.must_log("traces are not taken by the collector");
    collector.refuse(false);
    talk(&served).await;
    served.must_log("traces are taken by the collector again");
    assert_eq!(served.stop().code, Some(0));
    assert!(collector.spans().iter().any(|span| span.name == "connection"));
}

#[test]
fn what_is_no_address_of_a_collector_is_refused() {
    let home = Home::new();
    let data = home.text("data");
    for endpoint in ["127.0.0.1:4318", "ftp://localhost", "http://", "http://key:secret@localhost:4318", "http://a/?b"]
    {
        let refused = run(&["serve", "--listen", "127.0.0.1:0", "--data", &data, "--otlp-endpoint", endpoint]);
        assert!(refused.code == Some(2) && refused.stderr.contains("no address of a collector"), "{refused:?}");
    }
    let config = home.write("guestlist.toml", "otlp_endpoint = \"localhost\"\n");
    let refused = run(&["serve", "--listen", "127.0.0.1:0", "--data", &data, "--config", &config]);
    assert!(refused.code == Some(2) && refused.stderr.contains("no address of a collector"), "{refused:?}");
    assert!(!home.path("data").exists(), "a start that is refused makes no directory");
}

#[test]
fn the_collector_is_named_by_flag_environment_or_file() {
    let home = Home::new();
    let config = home.write("guestlist.toml", "otlp_endpoint = \"http://file:1\"\n");
    let mut command = guestlist(&["config", "--config", &config]);
    let line = |ran: &support::process::Ran| {
        ran.stdout.lines().find(|line| line.starts_with("otlp_endpoint")).map(str::to_owned)
    };
    assert_eq!(line(&ran(&mut command)), Some(format!("otlp_endpoint = \"http://file:1/\"  # {config}")));
    command.env("GUESTLIST_OTLP_ENDPOINT", "https://environment/otlp");
    let environment = "otlp_endpoint = \"https://environment/otlp\"  # GUESTLIST_OTLP_ENDPOINT";
    assert_eq!(line(&ran(&mut command)).as_deref(), Some(environment));
    command.args(["--otlp-endpoint", "http://flag:3"]);
    assert_eq!(line(&ran(&mut command)).as_deref(), Some("otlp_endpoint = \"http://flag:3/\"  # --otlp-endpoint"));
}
