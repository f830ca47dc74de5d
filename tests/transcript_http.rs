//! Replays requests and responses against a stand-in that shows what came, or answers as each test needs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use guestlist::transcript::bless::bless;
use guestlist::transcript::exchange::{Frame, Replayed, Way};
use guestlist::transcript::failure::{Fault, ReplayError};
use guestlist::transcript::options::ReplayOptions;
use guestlist::transcript::replay::replay;
use guestlist::transcript::watch::Watch;
use guestlist::transcript::{Step, Transcript};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// A stand-in, and what it has seen.
#[derive(Clone, Default)]
struct StandIn {
    connections: Arc<AtomicUsize>,
    second: Arc<Notify>,
}

impl StandIn {
    /// Listens, and returns the URL at which a gateway's WebSocket would be.
    async fn listen(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port 0 is always free");
        let address = listener.local_addr().expect("a bound listener has an address");
        let stand_in = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stand_in.connections.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(stand_in.clone().serve(stream));
            }
        });
        format!("ws://{address}/nandbox/api/")
    }

    async fn serve(self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        while let Some((head, body)) = request(&mut stream).await {
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let answer = match path.as_str() {
                "/silence" => continue,
                "/done" => {
                    self.second.notify_one();
                    continue;
                }
                "/gone" => return,
                "/first" => {
                    self.second.notified().await;
                    answer(200, "", "first")
                }
                "/second" => {
                    self.second.notify_one();
                    answer(200, "", "second")
                }
                "/last" => answer(200, "connection: close\r\n", ""),
                "/empty" => answer(204, "", ""),
                "/made" => answer(201, "Location: /things/17\r\nset-cookie: a=1\r\nset-cookie: b=2; Path=/\r\n", ""),
                "/json" => answer(200, "content-type: application/json\r\n", r#"{"id":17,"name":"x"}"#),
                _ => answer(200, "", &json!({"head": head, "body": body}).to_string()),
            };
            if stream.write_all(answer.as_bytes()).await.is_err() || path == "/last" {
                return;
            }
        }
    }
}

/// A request's head and body, as they came.
async fn request(stream: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some((head, String::from_utf8(body).ok()?))
}

fn answer(status: u16, headers: &str, body: &str) -> String {
    let length = if status == 204 { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    format!("HTTP/1.1 {status} X\r\n{length}{headers}\r\n{body}")
}

async fn replayed_by(stand_in: &StandIn, lines: &[&str]) -> Result<Replayed, Box<ReplayError>> {
    let transcript = Transcript::parse("t.jsonl", lines.join("\n")).expect("the transcript is well formed");
    let mut replayed = Replayed::default();
    let options = ReplayOptions { frame_wait: Duration::from_secs(2), ..ReplayOptions::default() };
    replay(&transcript, &stand_in.listen().await, &options, &mut replayed).await?;
    Ok(replayed)
}

async fn replayed(lines: &[&str]) -> Replayed {
    replayed_by(&StandIn::default(), lines).await.expect("the replay passes")
}

async fn failure(lines: &[&str]) -> ReplayError {
    *replayed_by(&StandIn::default(), lines).await.expect_err("the replay fails")
}

/// What is not as expected of the answer to a request for a path.
async fn differences(path: &str, response: &str) -> Vec<String> {
    let error = failure(&[&get(path), response]).await;
    assert_eq!(error.line, 2);
    error.fault.differences().iter().map(ToString::to_string).collect()
}

fn get(path: &str) -> String {
    format!(r#"{{"request":{{"method":"GET","path":"{path}"}}}}"#)
}

const OK: &str = r#"{"response":{"status":200}}"#;

#[tokio::test]
async fn a_request_goes_out_as_it_is_written() {
    let replayed = replayed(&[
        r#"{"request":{"method":"PATCH","path":"/a?b=%20c","headers":{"x-a":["1","2"],"host":"other"},"body":{ "n" : 1.50 }}}"#,
        r#"{"response":{"status":200,"body":{"head":"PATCH /a?b=%20c HTTP/1.1\r\nx-a: 1\r\nx-a: 2\r\nhost: other\r\ncontent-length: 14\r\n\r\n","body":"{ \"n\" : 1.50 }"}}}"#,
        r#"{"request":{"method":"POST","path":"/a","body_text":"a=1&b=é"}}"#,
        r#"{"response":{"status":200,"body":{"head":"<string as head>","body":"a=1&b=é"}}}"#,
    ])
    .await;
    let Frame::Response(response) = &replayed.frames[3].frame else { panic!("the last is an answer") };
    let shown = String::from_utf8_lossy(&response.body);
    assert!(shown.contains(r"POST /a HTTP/1.1\r\nhost: 127.0.0.1:"), "{shown}");
}

#[tokio::test]
async fn watchers_see_what_travelled() {
    let replayed = replayed(&[&get("/made"), r#"{"response":{"status":201}}"#]).await;
    let [sent, received] = replayed.frames.as_slice() else { panic!("there are two: {replayed:?}") };
    assert_eq!((sent.way, sent.line, sent.on.as_str()), (Way::Sent, 1, "main"));
    assert!(matches!(&sent.frame, Frame::Request(request) if request.method == "GET" && request.path == "/made"));
    let Frame::Response(response) = &received.frame else { panic!("the second is an answer") };
    assert_eq!(response.status, 201);
    assert_eq!(response.values("set-cookie").collect::<Vec<_>>(), ["a=1", "b=2; Path=/"]);
}

#[tokio::test]
async fn what_an_answer_says_is_used_later() {
    let made = r#"{"response":{"status":201,"headers":{"location":"/things/<digits as id>","set-cookie":["a=<any as a>","b=<digits as b>; Path=/"]}}}"#;
    let later = r#"{"request":{"method":"GET","path":"/x/<id>?b=<b>","headers":{"cookie":"a=<a>"},"body":["<id>"]}}"#;
    let shown = replayed(&[&get("/made"), made, later, r#"{"response":{"status":200,"body":"<any>"}}"#]).await;
    let Frame::Request(request) = &shown.frames[2].frame else { panic!("the third is a request") };
    assert_eq!((request.path.as_str(), request.body.as_str()), ("/x/17?b=2", r#"["17"]"#));
    assert_eq!(request.headers, [("cookie".to_owned(), "a=1".to_owned())]);
}

#[tokio::test]
async fn every_difference_is_named_with_its_place() {
    let expected =
        r#"{"response":{"status":200,"headers":{"location":"/things/<uuid>","x":"1"},"body":{"id":"<digits>"}}}"#;
    assert_eq!(
        differences("/made", expected).await,
        [
            "$.status: expected 200, got 201",
            r#"$.headers.location: expected "/things/<uuid>", got "/things/17""#,
            r#"$.headers.x: missing, expected "1""#,
            r#"$.body: missing, expected {"id":"<digits>"}"#,
        ]
    );
    assert_eq!(
        differences("/json", r#"{"response":{"status":200,"body":{"id":"<digits>","name":"x"}}}"#).await,
        ["$.body.id: expected <digits>, got a number: 17"]
    );
}

#[tokio::test]
async fn of_a_header_on_several_lines_the_first_is_compared_or_all() {
    replayed(&[&get("/made"), r#"{"response":{"status":201,"headers":{"set-cookie":"a=1"}}}"#]).await;
    let one = r#"{"response":{"status":201,"headers":{"set-cookie":["a=1"]}}}"#;
    assert_eq!(differences("/made", one).await, [r#"$.headers["set-cookie"][1]: unexpected "b=2; Path=/""#]);
}

#[tokio::test]
async fn a_body_is_compared_in_the_form_that_is_expected() {
    replayed(&[&get("/json"), r#"{"response":{"status":200,"body_text":"{\"id\":17,\"name\":\"x\"}"}}"#]).await;
    replayed(&[&get("/json"), r#"{"response":{"status":200,"body":{"name":"x","id":17}}}"#]).await;
    replayed(&[&get("/empty"), r#"{"response":{"status":204,"body_text":""}}"#]).await;
    replayed(&[&get("/empty"), r#"{"response":{"status":204}}"#]).await;
    assert_eq!(differences("/json", OK).await, [r#"$.body: unexpected {"id":17,"name":"x"}"#]);
    for (path, status) in [("/json", 200), ("/second", 200)] {
        replayed(&[&get(path), &format!(r#"{{"response":{{"status":{status},"body":"<any>"}}}}"#)]).await;
    }
    let nothing = differences("/last", r#"{"response":{"status":200,"body":"<any>"}}"#).await;
    assert_eq!(nothing, ["$.body: missing, expected \"<any>\""]);
    let second = differences("/second", r#"{"response":{"status":200,"body":{}}}"#).await;
    assert_eq!(second, ["$.body: missing, expected {}", r#"$.body_text: unexpected "second""#]);
}

#[tokio::test]
async fn an_answer_to_head_has_no_body() {
    let head = r#"{"request":{"method":"HEAD","path":"/empty"}}"#;
    replayed(&[head, r#"{"response":{"status":204}}"#]).await;
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_reported_after_the_wait() {
    let error = failure(&[&get("/silence"), r#"{"note":""}"#, OK]).await;
    assert!(error.to_string().starts_with("t.jsonl:3: missing: no frame came within 2s"), "{error}");
    assert_eq!(error.expected.as_deref(), Some(r#"{"status":200}"#));
}

#[tokio::test]
async fn an_end_instead_of_an_answer_is_reported() {
    let error = failure(&[&get("/gone"), OK]).await;
    assert_eq!(error.line, 2);
    assert!(matches!(error.fault, Fault::Closed(close) if close.code == 1006));
}

#[tokio::test]
async fn requests_of_a_connection_share_one() {
    let stand_in = StandIn::default();
    let (empty, none) = (get("/empty"), r#"{"response":{"status":204}}"#);
    replayed_by(&stand_in, &[&empty, none, &empty, none, &empty, none]).await.expect("the replay passes");
    assert_eq!(stand_in.connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_connection_that_the_gateway_ended_opens_again() {
    let stand_in = StandIn::default();
    let last = get("/last");
    replayed_by(&stand_in, &[&last, OK, &last, OK]).await.expect("the replay passes");
    assert_eq!(stand_in.connections.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn an_answer_is_awaited_at_its_line() {
    let on = |line: &str, on: &str| format!(r#"{},"on":"{on}"}}"#, line.trim_end_matches('}').to_owned() + "}");
    let of = |text: &str| format!(r#"{{"response":{{"status":200,"body_text":"{text}"}}}}"#);
    let lines = [on(&get("/first"), "a"), on(&get("/second"), "b"), on(&of("first"), "a"), on(&of("second"), "b")];
    let replayed = replayed(&lines.each_ref().map(String::as_str)).await;
    let seen: Vec<_> = replayed.frames.iter().map(|it| (it.on.as_str(), it.way)).collect();
    assert_eq!(seen, [("a", Way::Sent), ("b", Way::Sent), ("a", Way::Received), ("b", Way::Received)]);
}

#[tokio::test]
async fn what_is_asked_is_done_though_no_line_expects_the_answer() {
    for last in [r#"{"close":1006}"#, r#"{"note":"the end"}"#] {
        let stand_in = StandIn::default();
        replayed_by(&stand_in, &[&get("/done"), last]).await.expect("the replay passes");
        stand_in.second.notified().await;
    }
}

#[tokio::test]
async fn what_is_ignored_is_not_compared() {
    let lines =
        [get("/made"), r#"{"response":{"status":200,"headers":{"location":"/things/18"},"body":{}}}"#.to_owned()];
    let transcript = Transcript::parse("t.jsonl", lines.join("\n")).expect("the transcript is well formed");
    let mut options = ReplayOptions::default();
    for path in ["$.status", "$.headers.location", "$.body"] {
        replay(&transcript, &StandIn::default().listen().await, &options, &mut ()).await.expect_err("it differs");
        options.ignore.add(path).expect("the path is well formed");
    }
    replay(&transcript, &StandIn::default().listen().await, &options, &mut ()).await.expect("the replay passes");
}

/// Forgives everything, and counts.
struct Lenient(usize);

impl Watch for Lenient {
    fn forgives(&mut self, _: &Step, _: &Fault) -> bool {
        self.0 += 1;
        true
    }
}

#[tokio::test]
async fn a_replay_goes_on_after_an_answer_that_is_forgiven() {
    let made = r#"{"response":{"status":200,"headers":{"location":"/things/<digits as id>"}}}"#;
    let lines = [&get("/made"), made, &get("/<id>"), r#"{"response":{"status":200,"body":"<any>"}}"#].join("\n");
    let transcript = Transcript::parse("t.jsonl", lines).expect("the transcript is well formed");
    let mut lenient = Lenient(0);
    let url = StandIn::default().listen().await;
    let summary = replay(&transcript, &url, &ReplayOptions::default(), &mut lenient).await.expect("the replay passes");
    assert_eq!((lenient.0, summary.sent, summary.received), (1, 2, 2));
}

#[tokio::test]
async fn an_answer_that_was_found_right_is_expected_from_then_on() {
    let made = r#"{"response":{"status":200,"headers":{"location":"/things/<digits as id>","x":"1"},"body":{"a":1}}}"#;
    let json = r#"{"response":{"status":200,"body":{"name":"y","id":"<number>"}},"on":"main"}"#;
    let text = [&get("/made"), made, &get("/json"), json].join("\n");
    let transcript = Transcript::parse("t.jsonl", text.clone()).expect("the transcript is well formed");
    let url = StandIn::default().listen().await;
    let edits = bless(&transcript, &url, &ReplayOptions::default()).await.expect("everything can be expected");
    let blessed = edits.applied(&text);
    let lines: Vec<&str> = blessed.lines().collect();
    assert_eq!(lines[1], r#"{"response":{"status":201,"headers":{"location":"/things/<digits as id>"}}}"#);
    assert_eq!(lines[3], r#"{"response":{"status":200,"body":{"name":"x","id":"<number>"}},"on":"main"}"#);
    replayed(&lines).await;

    let silent = Transcript::parse("t.jsonl", [get("/gone").as_str(), OK].join("\n")).expect("it is well formed");
    bless(&silent, &url, &ReplayOptions::default()).await.expect_err("there is no answer to expect");
}

#[tokio::test]
async fn a_failure_is_told_with_the_answer() {
    let error = failure(&[r#"{"note":"a thing"}"#, &get("/json"), OK]).await;
    let report = error.report(false).to_string();
    let expected = r#"t.jsonl:3: changed: the frame is not the one expected
      note  a thing
        on  main
  expected  {"status":200}
       got  200 content-length: 20 content-type: application/json {"id":17,"name":"x"}
            $.body: unexpected {"id":17,"name":"x"}
"#;
    assert_eq!(report, expected);
}

#[tokio::test]
async fn a_gateway_that_is_not_there_is_reported() {
    let transcript = Transcript::parse("t.jsonl", get("/")).expect("the transcript is well formed");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port 0 is always free");
    let address = listener.local_addr().expect("a bound listener has an address");
    drop(listener);
    let url = format!("ws://{address}/nandbox/api/");
    let error = replay(&transcript, &url, &ReplayOptions::default(), &mut ()).await.expect_err("nobody is there");
    assert!(error.to_string().starts_with(&format!("t.jsonl:1: cannot connect to {url}: ")), "{error}");
}
