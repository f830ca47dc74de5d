//! What `guestlist bench` counts, measures and tells.

mod support;

use std::process::{Child, Stdio};
use std::thread;

use guestlist::state::id::AppId;
use guestlist::testing::Gateway;
use serde_json::Value;
use support::process::{Ran, guestlist, run, signal};
use support::{APP, BARE_BOT, BOT};
use tempfile::TempDir;

const EVERY_METHOD: &str = "PING,addToWhitelist,removeFromWhitelist,getWhitelistUsers,checkAccess";

/// Runs it as the demo bot, with arguments apart by spaces.
fn bench(gateway: &Gateway, arguments: &str) -> Ran {
    bench_as(BOT, gateway, arguments)
}

fn bench_as(token: &str, gateway: &Gateway, arguments: &str) -> Ran {
    let url = gateway.url();
    run(&["bench", "--url", &url, "--token", token].into_iter().chain(arguments.split_whitespace()).collect::<Vec<_>>())
}

/// Its results, where it prints them as JSON.
fn results(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

fn listed(gateway: &Gateway) -> usize {
    let app = gateway.state().app(AppId(APP.parse().expect("it is a number"))).expect("the demo has it");
    app.whitelist.signups.len()
}

/// One that makes load for a minute, when the first of it has come.
fn under_way(gateway: &Gateway) -> Child {
    let url = gateway.url();
    let arguments =
        ["bench", "--url", &url, "--token", BOT, "--connections", "3", "--duration", "1m", "--warm-up", "0s"];
    let mut child =
        guestlist(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
    while listed(gateway) == 0 {
        assert!(child.try_wait().expect("it can be asked").is_none(), "it ended by itself");
        thread::yield_now();
    }
    child
}

fn ended(child: Child) -> Ran {
    let output = child.wait_with_output().expect("it can be waited for");
    let text = |bytes| String::from_utf8(bytes).expect("the binary writes text");
    Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn every_message_is_answered_and_whoever_was_added_is_listed() {
    let gateway = Gateway::start_blocking();
    let mixed = bench(&gateway, "--count 400 --connections 4 --mix addToWhitelist=1,checkAccess=3 --json -");
    assert_eq!(mixed.code, Some(0), "{mixed:?}");
    let told = results(&mixed);
    for (field, value) in [("messages", 400), ("errors", 0), ("unanswered", 0), ("unsent", 0), ("connections_lost", 0)]
    {
        assert_eq!(told[field], value, "{field}: {told}");
    }
    assert_eq!(listed(&gateway), 100, "a quarter of the messages added somebody");
    bench(&gateway, "--count 10 --connections 4 --mix addToWhitelist");
    assert_eq!(listed(&gateway), 110, "ids of another run are others");
    for expected in [160, 160] {
        bench(&gateway, "--count 50 --ids 50 --connections 4 --mix addToWhitelist");
        assert_eq!(listed(&gateway), expected, "each of the ids once, and the same again");
    }
    // One connection: of several, some begin with the second method of the mix, and so end with the first.
    bench(&gateway, "--count 80 --connections 1 --in-flight 3 --mix addToWhitelist,removeFromWhitelist");
    assert_eq!(listed(&gateway), 160, "whoever was added was removed");
}

#[test]
fn every_method_of_a_mix_is_accepted() {
    let gateway = Gateway::start_blocking();
    let table = bench(&gateway, &format!("--count 500 --connections 3 --mix {EVERY_METHOD}"));
    assert_eq!(table.code, Some(0), "{table:?}");
    for line in ["messages     500\n", "errors       0\n"] {
        assert!(table.stdout.contains(line), "{line}{}", table.stdout);
    }
}

#[test]
fn refusals_are_counted_and_the_first_is_shown() {
    let gateway = Gateway::start_blocking();
    let refused = bench_as(BARE_BOT, &gateway, "--count 60 --connections 2 --mix addToWhitelist=2,PING=1");
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let line = "errors       40, the first: {\"error\":160017,";
    assert!(refused.stdout.contains(line) && refused.stdout.contains("messages     60\n"), "{}", refused.stdout);
}

#[test]
fn results_go_to_a_file_as_json_with_the_servers_share() {
    let gateway = Gateway::start_blocking();
    let home = TempDir::new().expect("a temporary directory");
    let path = home.path().join("results.json");
    let file = path.to_str().expect("paths of tests are text");
    let ran = bench(&gateway, &format!("--duration 200ms --warm-up 50ms --connections 2 --in-flight 4 --json {file}"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("messages/s\n"), "the table is printed all the same: {}", ran.stdout);
    let told: Value = serde_json::from_slice(&std::fs::read(&path).expect("it was written")).expect("it is JSON");
    assert_eq!(told["url"], gateway.url());
    assert_eq!((&told["connections"], &told["in_flight"]), (&2.into(), &4.into()));
    assert_eq!(told["mix"], "addToWhitelist=1,checkAccess=3");
    assert_eq!(told["server"]["pid"], std::process::id(), "it was found by its port");
    let number = |pointer: &str| {
        told.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("{pointer} is no number: {told}"))
    };
    let latencies = ["p50", "p99", "p999", "max"].map(|name| number(&format!("/latency_us/{name}")));
    assert!(latencies[0] > 0.0 && latencies.is_sorted(), "{latencies:?}");
    let rate = number("/messages") / number("/seconds");
    assert!((number("/rate") / rate - 1.0).abs() < 0.001, "{told}");
    for pointer in ["/server/rss_bytes_before", "/server/rss_bytes_after", "/bytes_sent", "/bytes_received"] {
        assert!(number(pointer) > 0.0, "{pointer}: {told}");
    }
    for pointer in ["/server/cpu_us_per_message", "/server/cpu_seconds", "/client/cpu_us_per_message"] {
        assert!(number(pointer) >= 0.0, "{pointer}: {told}");
    }
}

#[test]
fn an_open_loop_sends_what_is_due_and_no_more() {
    let gateway = Gateway::start_blocking();
    let timed = bench(&gateway, "--rate 500 --duration 1s --warm-up 0s --connections 3 --mix PING --json -");
    let told = results(&timed);
    let sum = ["messages", "unanswered", "unsent"].map(|field| told[field].as_u64().expect("it is a count"));
    assert_eq!(sum.iter().sum::<u64>(), 500, "{told}");
    let counted = bench(&gateway, "--rate 2000 --count 100 --warm-up 20ms --connections 3 --mix PING --json -");
    let told = results(&counted);
    assert_eq!((&told["messages"], &told["target_rate"]), (&100.into(), &2_000.0.into()), "{told}");
    let seconds = told["seconds"].as_f64().expect("it is a number");
    assert!(seconds > 0.048, "the last of them was not due before: {told}");
}

#[test]
fn idle_connections_are_held_and_their_memory_is_told() {
    let gateway = Gateway::start_blocking();
    let ran = bench(&gateway, "--idle --connections 20 --duration 50ms");
    assert!(ran.code == Some(0) && ran.stdout.contains("each socket"), "{ran:?}");
    let pid = std::process::id();
    let told = results(&bench(&gateway, &format!("--idle --connections 20 --duration 50ms --pid {pid} --json -")));
    assert_eq!((&told["connections"], &told["connections_lost"]), (&20.into(), &0.into()), "{told}");
    assert!(told["server"]["pid"] == pid && told["server"]["rss_bytes_per_socket"].is_number(), "{told}");
}

#[test]
fn an_early_end_is_still_reported() {
    let gateway = Gateway::start_blocking();
    let child = under_way(&gateway);
    signal(child.id(), "INT");
    let ran = ended(child);
    assert_eq!(ran.code, Some(0), "all that was sent was answered: {ran:?}");
    assert!(ran.stdout.contains("errors       0\n"), "{}", ran.stdout);
}

#[test]
fn connections_that_the_server_ends_are_told() {
    let gateway = Gateway::start_blocking();
    let child = under_way(&gateway);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("the system gives a runtime");
    runtime.block_on(gateway.stop());
    let ran = ended(child);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let line = "lost         3 connections, the first: the gateway closed the connection with 1001: ";
    assert!(ran.stdout.contains(line), "{}", ran.stdout);
}

#[test]
fn what_cannot_be_measured_is_said_with_exit_code_2() {
    let gateway = Gateway::start_blocking();
    let bad_token = bench_as("wrong", &gateway, "--count 1");
    assert!(bad_token.stderr.contains("refused the token: {\"error\":401"), "{bad_token:?}");
    assert_eq!(bad_token.code, Some(2), "{bad_token:?}");
    for (arguments, said) in [
        ("--count 1 --pid 4294967295", "there is no process 4294967295"),
        ("--mix setApp=1", "\"setApp\" cannot be measured"),
        ("--count 1 --duration 1s", "cannot be used with"),
        ("--duration soon", "such as 10s"),
        ("--rate 0", "messages a second"),
        ("--connections 0", "write 1 to"),
    ] {
        let unusable = bench(&gateway, arguments);
        assert!(unusable.code == Some(2) && unusable.stderr.contains(said), "{arguments}: {unusable:?}");
    }
    for (url, said) in [
        ("ws://127.0.0.1:1/", "ws://127.0.0.1:1/ was not reached"),
        ("http://127.0.0.1:1/", "is no address of a gateway"),
        (&gateway.http_url().replace("http", "ws"), "was not reached: HTTP error: 404"),
    ] {
        let unreached = run(&["bench", "--url", url, "--token", BOT, "--count", "1"]);
        assert!(unreached.code == Some(2) && unreached.stderr.contains(said), "{unreached:?}");
    }
}
