//! What becomes of frames in a recording, line by line; and that every line can be read as part of a transcript.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;

use super::super::Transcript;
use super::super::exchange::Way;
use super::super::json::quoted;
use super::Rules;
use super::frames::Found;
use super::http::{Request, Response};
use super::names::Names;
use super::scribe::{Moment, Passed, Scribe};

const NOW_MS: i64 = 1_763_800_000_000;

/// A recording that is written, and what it came to.
struct Recorded(Scribe, String);

impl Recorded {
    fn new(rules: Rules) -> Self {
        Recorded(Scribe::new(rules), String::new())
    }

    fn passed(mut self, on: u64, passed: Passed) -> Self {
        let Recorded(scribe, lines) = &mut self;
        scribe.write(on, Moment { at_ms: 7, now_ms: NOW_MS }, passed, lines).expect("the values are few");
        self
    }

    fn sent(self, text: &str) -> Self {
        self.passed(1, Passed::Frame(Way::Sent, Found::Text(text.into())))
    }

    fn received(self, text: &str) -> Self {
        self.passed(1, Passed::Frame(Way::Received, Found::Text(text.into())))
    }

    /// The lines without the time and the connection, which are the same everywhere here. They are read as a transcript, too.
    fn lines(&self) -> Vec<String> {
        Transcript::parse("recorded.jsonl", self.1.clone()).expect("what is recorded can be read");
        let bare = |line: &str| line.replacen(r#""at_ms":7,"on":"c1","#, "", 1);
        self.1.lines().map(bare).collect()
    }
}

fn recorded() -> Recorded {
    Recorded::new(Rules::default())
}

fn exact() -> Recorded {
    Recorded::new(Rules { exact: true, ..Rules::default() })
}

#[test]
fn a_frame_is_written_as_it_passed() {
    let lines = recorded()
        .sent(r#"{"method":"x","reference": 1.50, "b":"\u0061"}"#)
        .received(r#"{"method":"x_ack","n":12345678901234567890}"#)
        .lines();
    assert_eq!(
        lines,
        [
            r#"{"send":{"method":"x","reference": 1.50, "b":"\u0061"}}"#,
            r#"{"expect":{"method":"x_ack","n":12345678901234567890}}"#
        ]
    );
}

#[test]
fn a_secret_that_is_sent_must_be_given_and_is_the_same_wherever_it_stands() {
    let recorded = recorded()
        .sent(r#"{"method":"TOKEN_AUTH","token":"1:0:abc"}"#)
        .received(r#"{"method":"TOKEN_AUTH_OK","token":"1:0:abc","name":"1:0:abc","hint":"(1:0:abc)"}"#)
        .sent(r#"{"a":["1:0:\u0061bc","x"]}"#)
        .sent(r#"{"text":"see 1:0:abc"}"#)
        .sent(r#"{"bot_token":"other"}"#);
    assert_eq!(
        recorded.lines(),
        [
            r#"{"secret":"token_1"}"#,
            r#"{"send":{"method":"TOKEN_AUTH","token":"<token_1>"}}"#,
            r#"{"expect":{"method":"TOKEN_AUTH_OK","token":"<token_1>","name":"<token_1>","hint":"<string>"}}"#,
            r#"{"send":{"a":["<token_1>","x"]}}"#,
            r#"{"secret":"secret_1"}"#,
            r#"{"send":{"text":"<secret_1>"}}"#,
            r#"{"secret":"token_2"}"#,
            r#"{"send":{"bot_token":"<token_2>"}}"#,
        ]
    );
    assert_eq!(recorded.0.summary.secrets, ["token_1", "secret_1", "token_2"]);
}

#[test]
fn a_secret_that_comes_first_is_bound_where_it_comes() {
    let lines = recorded()
        .received(r#"{"shown":"abcdefgh","token":"abcdefgh","api_key":12345678,"session":""}"#)
        .sent(r#"{"token":"abcdefgh","api_key":12345678}"#)
        .received(r#"{"echo":"abcdefgh"}"#)
        .lines();
    assert_eq!(
        lines,
        [
            r#"{"expect":{"shown":"<string as token_1>","token":"<token_1>","api_key":"<number as api_key_1>","session":""}}"#,
            r#"{"send":{"token":"<token_1>","api_key":"<api_key_1>"}}"#,
            r#"{"expect":{"echo":"<token_1>"}}"#,
        ]
    );
}

#[test]
fn all_that_is_under_the_key_of_a_secret_is_secret() {
    let lines = recorded()
        .sent(r#"{"token":{"of":["aaaaaaaa",{"b":"bbbbbbbb"}],"old":null},"tokens":["cccccccc",{"id":"d"}]}"#)
        .lines();
    assert_eq!(
        lines.last().expect("there is a line"),
        r#"{"send":{"token":{"of":["<token_1>",{"b":"<token_2>"}],"old":null},"tokens":["<token_3>",{"id":"d"}]}}"#
    );
}

#[test]
fn a_schema_of_a_secret_hides_no_other_frame() {
    let lines = recorded()
        .received(r#"{"password":{"type":"string","minLength":8,"was":"Hidden-77"}}"#)
        .sent(r#"{"type":"string","n":8,"x":"Hidden-77"}"#)
        .lines();
    assert_eq!(
        lines,
        [
            r#"{"expect":{"password":{"type":"<string>","minLength":"<number>","was":"<string as password_1>"}}}"#,
            r#"{"send":{"type":"string","n":8,"x":"<password_1>"}}"#,
        ]
    );
}

#[test]
fn where_a_page_begins_is_no_secret() {
    let text = r#"{"page":{"token":"abc","next_token":"def"}}"#;
    assert_eq!(recorded().sent(text).lines(), [format!(r#"{{"send":{text}}}"#)]);
}

#[test]
fn a_secret_for_which_no_name_can_stand_is_left_out_with_its_frame() {
    for frame in [
        r#"{"token":"abcdefgh""#,
        r#"{"tok\u0065n":"abcdefgh""#,
        r#"["token",{"token":"abcdefgh"}]"#,
        r#"{"token":"abcdefgh","abcdefgh":1}"#,
        "Authorization: Bearer abcdefgh",
        "token=abcdefgh",
    ] {
        let recorded = recorded().sent(frame).sent(r#"{"token":"abcdefgh"}"#);
        let lines = recorded.lines();
        assert!(lines[0].starts_with(r#"{"note":"a frame of "#), "{frame}: {lines:?}");
        assert_eq!(lines[1..], [r#"{"secret":"token_1"}"#, r#"{"send":{"token":"<token_1>"}}"#], "{frame}");
        assert!(!recorded.1.contains("abcdefgh"), "{frame}");
        assert_eq!(recorded.0.summary.left_out, 1, "{frame}");
    }
    let text = r#"{"token":"abcdefgh","token":"abcdefgh"}"#;
    assert!(recorded().received(text).lines()[0].contains("is left out"));
    let known = recorded().sent(r#"{"token":"abcdefgh"}"#);
    for text in ["my abcdefgh!", "q=abc%64efgh", "abcdefgh"] {
        assert!(recorded().sent(r#"{"token":"abcdefgh"}"#).sent(text).lines()[2].contains("is left out"), "{text}");
    }
    let bytes = Found::Binary(b"\xffabcdefgh".to_vec());
    assert!(known.passed(1, Passed::Frame(Way::Sent, bytes)).lines()[2].contains("is left out"));
}

#[test]
fn a_frame_that_is_no_object_on_one_line_is_written_as_text() {
    let lines = recorded()
        .sent("not json")
        .sent("[1]")
        .sent("{\"a\":\n 1}")
        .sent(" {}")
        .sent("")
        .received("{\"a\":\r\n1}")
        .received("[2]")
        .lines();
    assert_eq!(
        lines,
        [
            r#"{"send_text":"not json"}"#,
            r#"{"send_text":"[1]"}"#,
            r#"{"send_text":"{\"a\":\n 1}"}"#,
            r#"{"send_text":" {}"}"#,
            r#"{"send_text":""}"#,
            r#"{"expect":{"a":  1}}"#,
            r#"{"expect_text":"[2]"}"#,
        ]
    );
    let lines = recorded().sent("{\"token\":\n\"abcdefgh\"}").lines();
    assert_eq!(lines[1], r#"{"send":{"token": "<token_1>"}}"#);
}

#[test]
fn a_frame_that_is_no_text_is_written_in_hexadecimal() {
    let lines = recorded()
        .sent("x")
        .passed(1, Passed::Frame(Way::Sent, Found::Text(vec![0xc3, 0x28])))
        .passed(1, Passed::Frame(Way::Sent, Found::Binary(vec![0, 255])))
        .lines();
    assert_eq!(lines[1..], [r#"{"send_text_hex":"c328"}"#, r#"{"send_binary":"00ff"}"#]);
}

#[test]
fn what_looks_like_a_placeholder_is_none() {
    let lines =
        recorded().sent(r#"{"a":"<any>","b":"<img>","c":"<b c>"}"#).received(r#"{"a":"<digits as x>"}"#).lines();
    assert_eq!(
        lines,
        [r#"{"send":{"a":"\u003cany>","b":"\u003cimg>","c":"<b c>"}}"#, r#"{"expect":{"a":"\u003cdigits as x>"}}"#]
    );
}

#[test]
fn what_cannot_be_the_same_twice_is_left_open() {
    const A: &str = "550e8400-e29b-41d4-a716-446655440000";
    const B: &str = "550e8400-e29b-41d4-a716-44665544000b";
    let date = NOW_MS - 1_000;
    let lines = recorded()
        .received(&format!(r#"{{"date":{date},"reference":{date},"old":1500000000000,"expires_at":1900000000000}}"#))
        .received(
            r#"{"now":"2025-11-22T08:26:41.5Z","then":"2020-01-01T00:00:00Z","created_at":"2020-01-01T00:00:00Z"}"#,
        )
        .received(&format!(r#"{{"share_uuid":"{A}","link":"/shared/{A}"}}"#))
        .sent(&format!(r#"{{"id":"{A}","mine":"{B}","from":"2025-11-22T08:26:40Z"}}"#))
        .received(&format!(r#"{{"id":"{A}","mine":"{B}","link":"/{B}","from":"2025-11-22T08:26:40Z"}}"#))
        .lines();
    assert_eq!(
        lines,
        [
            format!(
                r#"{{"expect":{{"date":"<number>","reference":{date},"old":1500000000000,"expires_at":"<number>"}}}}"#
            ),
            r#"{"expect":{"now":"<time>","then":"2020-01-01T00:00:00Z","created_at":"<time>"}}"#.to_owned(),
            r#"{"expect":{"share_uuid":"<uuid as uuid_1>","link":"<string>"}}"#.to_owned(),
            format!(r#"{{"send":{{"id":"<uuid_1>","mine":"{B}","from":"2025-11-22T08:26:40Z"}}}}"#),
            format!(r#"{{"expect":{{"id":"<uuid_1>","mine":"{B}","link":"/{B}","from":"2025-11-22T08:26:40Z"}}}}"#),
        ]
    );
}

#[test]
fn a_reference_comes_back_as_it_is_even_if_it_is_an_id() {
    const A: &str = "550e8400-e29b-41d4-a716-446655440000";
    const B: &str = "550e8400-e29b-41d4-a716-44665544000b";
    let lines = recorded()
        .received(&format!(r#"{{"share_uuid":"{A}"}}"#))
        .sent(&format!(r#"{{"reference":"{A}"}}"#))
        .received(&format!(r#"{{"reference":"{A}"}}"#))
        .sent(&format!(r#"{{"reference":["{B}"]}}"#))
        .received(&format!(r#"{{"reference":["{B}"]}}"#))
        .lines();
    assert_eq!(
        lines[1..],
        [
            r#"{"send":{"reference":"<uuid_1>"}}"#.to_owned(),
            r#"{"expect":{"reference":"<uuid_1>"}}"#.to_owned(),
            format!(r#"{{"send":{{"reference":["{B}"]}}}}"#),
            format!(r#"{{"expect":{{"reference":["{B}"]}}}}"#),
        ]
    );
}

#[test]
fn an_exact_recording_has_every_byte_but_those_of_secrets() {
    let frame = format!(r#"{{ "date":{NOW_MS},"id":"550e8400-e29b-41d4-a716-446655440000" }}"#);
    let lines =
        exact().sent(&frame).received(&frame).sent(r#"{"token":"abcdefgh"}"#).received(r#"{"a":"abcdefgh"}"#).lines();
    let text = frame.replace('"', "\\\"");
    assert_eq!(
        lines,
        [
            format!(r#"{{"send_text":"{text}"}}"#),
            format!(r#"{{"expect_text":"{text}"}}"#),
            r#"{"secret":"token_1"}"#.to_owned(),
            r#"{"send":{"token":"<token_1>"}}"#.to_owned(),
            r#"{"expect":{"a":"<token_1>"}}"#.to_owned(),
        ]
    );
}

#[test]
fn secrets_are_kept_where_that_is_asked_for() {
    let rules = Rules { keep_secrets: true, ..Rules::default() };
    let lines = Recorded::new(rules).sent(r#"{"token":"abcdefgh"}"#).sent(r#"{"token":"abc"#).lines();
    assert_eq!(lines, [r#"{"send":{"token":"abcdefgh"}}"#, r#"{"send_text":"{\"token\":\"abc"}"#]);
}

#[test]
fn nothing_is_expected_of_what_is_ignored() {
    let path = "$.signups[*].id".parse().expect("a JSON path");
    let rules = Rules { ignore: vec![path, "$.more".parse().expect("a JSON path")], ..Rules::default() };
    let lines = Recorded::new(rules)
        .received(r#"{"signups":[{"id":"1","x":2},{"id":[3]}],"more":{"token":"abcdefgh"}}"#)
        .sent(r#"{"signups":[{"id":"1"}],"a":"abcdefgh"}"#)
        .lines();
    assert_eq!(
        lines,
        [
            r#"{"expect":{"signups":[{"id":"<any>","x":2},{"id":"<any>"}],"more":"<any>"}}"#,
            r#"{"secret":"token_1"}"#,
            r#"{"send":{"signups":[{"id":"1"}],"a":"<token_1>"}}"#,
        ]
    );
}

#[test]
fn what_is_ignored_is_not_shown_by_an_exact_recording() {
    let ignore = || vec!["$.more".parse().expect("a JSON path"), "$[0]".parse().expect("a JSON path")];
    for exact in [false, true] {
        let lines = Recorded::new(Rules { exact, ignore: ignore(), ..Rules::default() })
            .received(r#"{"more":{"token":"abcdefgh"}}"#)
            .received(r#"{"more":"abcdefgh"}"#)
            .received(r#"[{"token":"abcdefgh"}]"#)
            .lines();
        assert_eq!(lines[..2], [r#"{"expect":{"more":"<any>"}}"#, r#"{"expect":{"more":"<any>"}}"#]);
        assert!(lines[2].contains("is left out"), "{lines:?}");
    }
}

#[test]
fn a_secret_inside_another_text_is_found() {
    for text in [
        "https://x.example/hook?a=1&api_key=hidden77",
        r#"{\"token\":\"hidden77\"}"#,
        "send Authorization: Bearer hidden77-and-16-more",
    ] {
        let recorded = recorded()
            .sent(&format!(r#"{{"text":"{text}"}}"#))
            .received(&format!(r#"{{"text":"{text}","other":"see {text}"}}"#))
            .sent(r#"{"now":"hidden77"}"#);
        let lines = recorded.lines();
        assert_eq!(lines[..2], [r#"{"secret":"secret_1"}"#, r#"{"send":{"text":"<secret_1>"}}"#], "{text}");
        assert_eq!(lines[2], r#"{"expect":{"text":"<secret_1>","other":"<string>"}}"#, "{text}");
    }
    let lines = recorded().sent(r#"{"text":"x?token=hidden77"}"#).sent(r#"{"now":"hidden77"}"#).lines();
    assert_eq!(lines[3], r#"{"send":{"now":"<token_1>"}}"#);
    let lines = recorded().sent("email=a&token=hidden77").sent(r#"{"now":"hidden77"}"#).lines();
    assert_eq!(lines[2], r#"{"send":{"now":"<token_1>"}}"#);
    let text = r#"{"error":400,"message":"token: must be a token, as a string at line 1 column 45"}"#;
    assert_eq!(recorded().received(text).lines(), [format!(r#"{{"expect":{text}}}"#)]);
}

#[test]
fn a_password_that_is_the_name_of_a_key_hides_no_frames() {
    let lines = recorded().sent(r#"{"password":"password"}"#).sent(r#"{"password":"other"}"#).lines();
    assert_eq!(
        lines,
        [
            r#"{"secret":"password_1"}"#,
            r#"{"send":{"password":"<password_1>"}}"#,
            r#"{"secret":"password_2"}"#,
            r#"{"send":{"password":"<password_2>"}}"#,
        ]
    );
}

#[test]
fn secrets_are_remembered_up_to_so_many_bytes() {
    let mut names = Names::default();
    let long = |number: u32| format!("{number}{}", "x".repeat(1 << 20));
    let kept = (0..1_000).take_while(|number| {
        let plain = long(*number);
        names.keep_secret("token", &quoted(&plain), &plain);
        !names.are_too_many()
    });
    assert_eq!(kept.count(), 31, "each is kept as JSON and as text");
}

#[test]
fn a_close_stands_after_the_answers_that_were_on_their_way() {
    let close = |code| Found::Close(code, "because".to_owned());
    let lines = recorded()
        .sent(r#"{"a":1}"#)
        .passed(1, Passed::Frame(Way::Sent, close(Some(1000))))
        .received(r#"{"b":1}"#)
        .passed(1, Passed::Frame(Way::Received, close(Some(1000))))
        .passed(1, Passed::Ended(Way::Sent))
        .passed(1, Passed::Ended(Way::Received))
        .passed(1, Passed::Over)
        .lines();
    assert_eq!(lines, [r#"{"send":{"a":1}}"#, r#"{"expect":{"b":1}}"#, r#"{"close":1000}"#]);
}

#[test]
fn whoever_ended_a_connection_ends_it_in_the_recording() {
    let end = |passed: Vec<Passed>| {
        let ended = passed.into_iter().fold(recorded().sent("{}"), |recorded, passed| recorded.passed(1, passed));
        ended.passed(1, Passed::Over).lines()[1..].to_vec()
    };
    let close = |way, code, reason: &str| Passed::Frame(way, Found::Close(code, reason.to_owned()));
    let gone = |way| Passed::Ended(way);
    assert_eq!(end(vec![gone(Way::Sent)]), [r#"{"close":1006}"#]);
    assert_eq!(end(vec![gone(Way::Sent), gone(Way::Received)]), [r#"{"close":1006}"#]);
    assert_eq!(end(vec![gone(Way::Received), gone(Way::Sent)]), [r#"{"expect_close":1006}"#]);
    assert_eq!(end(vec![close(Way::Sent, None, "")]), [r#"{"close":1005}"#]);
    assert_eq!(
        end(vec![close(Way::Received, Some(1001), "bye"), close(Way::Sent, Some(1001), "")]),
        [r#"{"expect_close":{"code":1001,"reason":"bye"}}"#]
    );
    assert_eq!(end(vec![close(Way::Received, None, "")]), [r#"{"expect_close":1005}"#]);
    assert_eq!(
        end(vec![close(Way::Sent, Some(999), "")]),
        [
            r#"{"note":"the client closed with 999, which a transcript cannot; it has 1005 instead"}"#,
            r#"{"close":1005}"#
        ]
    );
}

#[test]
fn requests_have_names_for_secrets_wherever_they_carry_them() {
    let request = |path: &str, headers: &[(&'static str, &'static str)], body: &str| {
        let header = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let headers = headers.iter().map(header).collect::<HeaderMap>();
        let (path, body) = (path.to_owned(), Bytes::copy_from_slice(body.as_bytes()));
        Passed::Request(Box::new(Request { method: "POST".to_owned(), path, headers, body }))
    };
    let cookie = HeaderValue::from_static("neptun-session=abcdefgh; HttpOnly; Expires=Wed, 21 Oct 2026 07:28:00 GMT");
    let headers = HeaderMap::from_iter([(HeaderName::from_static("set-cookie"), cookie)]);
    let response = Response { status: 200, headers, body: Bytes::from_static(b"true") };
    let location = HeaderValue::from_static("/next?token=hidden66");
    let location = HeaderMap::from_iter([(HeaderName::from_static("location"), location)]);
    let recorded = recorded()
        .passed(
            1,
            request("/log-in", &[("host", "x"), ("content-type", "application/json")], r#"{"password":"Pa55word!"}"#),
        )
        .passed(1, Passed::Response(Box::new(response)))
        .passed(1, request("/x/abcdefgh/y?a=1&api_key=k%2F12345&b=", &[("cookie", "a=b; neptun-session=abcdefgh")], ""))
        .passed(1, request("/y", &[("authorization", "Basic OlBhNTV3b3JkIQ=="), ("x-api-key", "k/12345")], ""))
        .passed(1, request("/z", &[("authorization", "Bearer abcdefgh")], "text"))
        .passed(1, request("/?<a>", &[("x", "<b>"), ("x", "c")], ""))
        .passed(1, request("/r", &[("referer", "http://x/?token=hidden88"), ("origin", "http://x")], ""))
        .passed(1, request("/?hidden88=1&next=http%3A%2F%2Fy%3Fapi_key%3Dhidden99", &[], ""))
        .passed(1, request("/?api_key=hidden/aa&x=y", &[], ""))
        .passed(1, request("/hidden/aa", &[], ""))
        .passed(1, Passed::Response(Box::new(Response { status: 200, headers: HeaderMap::new(), body: Bytes::new() })))
        .passed(1, request("/l", &[], ""))
        .passed(1, Passed::Response(Box::new(Response { status: 302, headers: location, body: Bytes::new() })))
        .passed(1, request("/form", &[], "email=a&password=hidden77"))
        .passed(1, Passed::Response(Box::new(Response { status: 200, headers: HeaderMap::new(), body: Bytes::new() })));
    assert_eq!(
        recorded.1.lines().map(|line| line.replacen(r#""at_ms":7,"on":"c1","#, "", 1)).collect::<Vec<_>>(),
        [
            r#"{"secret":"password_1"}"#,
            r#"{"request":{"method":"POST","path":"/log-in","headers":{"content-type":"application/json"},"body":{"password":"<password_1>"}}}"#,
            r#"{"response":{"status":200,"headers":{"set-cookie":"neptun-session=<string as session_1>; HttpOnly; Expires=<string>"},"body":true}}"#,
            r#"{"secret":"api_key_1"}"#,
            r#"{"secret":"cookie_1"}"#,
            r#"{"request":{"method":"POST","path":"/x/<session_1>/y?a=1&api_key=<api_key_1>&b=","headers":{"cookie":"a=<cookie_1>; neptun-session=<session_1>"}}}"#,
            r#"{"secret":"credentials_1"}"#,
            r#"{"secret":"api_key_2"}"#,
            r#"{"request":{"method":"POST","path":"/y","headers":{"authorization":"Basic <credentials_1>","x-api-key":"<api_key_2>"}}}"#,
            r#"{"request":{"method":"POST","path":"/z","headers":{"authorization":"Bearer <session_1>"},"body_text":"text"}}"#,
            r#"{"request":{"method":"POST","path":"/?\u003ca>","headers":{"x":["\u003cb>","c"]}}}"#,
            r#"{"secret":"secret_1"}"#,
            r#"{"request":{"method":"POST","path":"/r","headers":{"origin":"http://x","referer":"<secret_1>"}}}"#,
            r#"{"secret":"token_1"}"#,
            r#"{"secret":"secret_2"}"#,
            r#"{"request":{"method":"POST","path":"/?<token_1>=1&next=<secret_2>"}}"#,
            r#"{"secret":"api_key_3"}"#,
            r#"{"request":{"method":"POST","path":"/?api_key=<api_key_3>&x=y"}}"#,
            r#"{"note":"a request is left out, and its answer: its path holds a secret where no name can stand for it"}"#,
            r#"{"request":{"method":"POST","path":"/l"}}"#,
            r#"{"response":{"status":302}}"#,
            r#"{"note":"a request is left out, and its answer: its body may hold a secret where no name can stand for it, or is no text"}"#,
        ]
    );
}
