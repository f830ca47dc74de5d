//! What is written of frames and closes.

use super::*;

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
fn what_earlier_connections_left_is_left_open() {
    let welcome = r#"{"method":"TOKEN_AUTH_OK","is_nandbox":0,"localId":111111148}"#;
    let open = r#"{"expect":{"method":"TOKEN_AUTH_OK","is_nandbox":0,"localId":"<number>"}}"#;
    assert_eq!(recorded().received(welcome).lines(), [open]);
}
